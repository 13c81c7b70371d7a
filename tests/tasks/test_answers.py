"""What tasks answer: the cells of a table, and the lines of a pipe to the byte."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from rnnkit.data.series import Series
from rnnkit.data.series_files import read_series
from rnnkit.recipes import next_word
from rnnkit.tasks.answers import (
    Answers,
    answer_classes,
    answer_forecasts,
    answer_frames,
    answer_series_classes,
    answer_spans,
    answer_tags,
    answer_texts,
)
from rnnkit.tasks.tagging.sentence_io import TextSpan

pytestmark = pytest.mark.one_backend  # the numbers are given here


def classifier(classes, probabilities):
    return SimpleNamespace(
        classes=classes, predict=lambda x, verbose: np.array(probabilities[: len(x)])
    )


NAMES = SimpleNamespace(
    predict_spans=lambda texts: [
        [TextSpan("John\nDoe", "PER", 4, 12)] if "John" in text else [] for text in texts
    ],
)
SPEECH = SimpleNamespace(predict=lambda rows: [["VERB", "PROPN"][: len(row)] for row in rows])
TRANSLATOR = SimpleNamespace(predict=lambda texts: [f"{text.upper()}\n ok" for text in texts])


class Labeller:
    """Label 1 where the value is above 0."""

    classes = ("below", "above")

    def predict(self, x, verbose=0):
        high = [one.values[:, 0] > 0 for one in x]
        return [np.where(flags[:, None], [0.25, 0.75], [0.9, 0.1]) for flags in high]

    def predict_labels(self, x):
        return [[self.classes[i] for i in row.argmax(axis=1)] for row in self.predict(x)]


def test_several_classes_are_answered_with_the_most_probable():
    model = classifier(("no", "maybe", "yes"), [[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
    answers = answer_classes(model, ["a\n  b", "c"])
    assert answers.heading == ("label", "probability", "text")
    assert answers.plain == ["maybe\t0.5000\ta b", "yes\t0.7000\tc"]


def test_binary_answers_give_the_probability_of_the_label():
    model = classifier(("no", "yes"), [[0.25], [0.75]])
    assert answer_classes(model, ["a", "b"]).plain == ["no\t0.7500\ta", "yes\t0.7500\tb"]


def test_series_go_by_the_names_of_their_files():
    model = classifier(("no", "yes"), [[0.25], [0.75]])
    answers = answer_series_classes(model, [Series(np.ones((2, 1)))] * 2, ["x.csv", "y  z.csv"])
    assert answers.heading == ("label", "probability", "series")
    assert answers.plain == ["no\t0.7500\tx.csv", "yes\t0.7500\ty z.csv"]
    assert answer_series_classes(model, [Series(np.ones((2, 1)))]).plain == ["no\t0.7500\t0"]


def test_spans_with_the_number_of_their_text():
    answers = answer_spans(NAMES, ["Nobody.", "Ask John\nDoe"])
    assert answers.heading == ("text", "name", "type", "from", "to")
    assert answers.plain == ["1\t-\t-\t-\t-", "2\tJohn Doe\tPER\t4\t12"]


def test_words_with_their_tags_as_conll():
    answers = answer_tags(SPEECH, ["Ask John", "Go"])
    assert answers.plain == ["Ask\tVERB", "John\tPROPN", "", "Go\tVERB", ""]
    assert answers.rows == [("1", "Ask/VERB John/PROPN"), ("2", "Go/VERB")]


def test_generated_texts_are_one_line_each():
    answers = answer_texts(TRANSLATOR, ["ein hund"])
    assert answers == Answers(("output", "text"), [("EIN HUND\n ok", "ein hund")], ["EIN HUND ok"])


def test_a_line_for_each_step_of_each_series(tmp_path):
    (tmp_path / "plain.csv").write_text("value\n-1\n2\n")
    (tmp_path / "timed.csv").write_text("2020-01-01 00:00,3\n2020-01-01 00:05,-1\n")
    series = [read_series(str(tmp_path / name)) for name in ("plain.csv", "timed.csv")]
    assert answer_frames(Labeller(), series, ["plain.csv", "timed.csv"]).plain == [
        "0\tbelow\t0.9000\tplain.csv",
        "1\tabove\t0.7500\tplain.csv",
        "2020-01-01 00:00\tabove\t0.7500\ttimed.csv",
        "2020-01-01 00:05\tbelow\t0.9000\ttimed.csv",
    ]


def test_forecasts_go_by_the_step_that_is_predicted():
    def predict(series, verbose):
        return series.values[2:, 0] + 0.125  # after three steps

    encoder = SimpleNamespace(unit_of=lambda one: 1.0)
    model = SimpleNamespace(horizon=2, predict=predict, encoder=encoder)
    times = np.datetime64("2024-01-01T00:00", "m") + 5 * np.arange(4)
    values = np.arange(4.0)[:, None]
    assert answer_forecasts(model, [Series(values, times), Series(values)], ["t", "n"]).plain == [
        "2024-01-01 00:20\t2.125\tt",
        "2024-01-01 00:25\t3.125\tt",
        "4\t2.125\tn",
        "5\t3.125\tn",
    ]


def test_a_language_model_names_the_commands_that_ask_it():
    with pytest.raises(ValueError, match=r'rnnkit generate RUN "TEXT".* rnnkit complete RUN "TE'):
        next_word().answer(["a text"])
