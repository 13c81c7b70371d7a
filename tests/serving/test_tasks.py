"""Each task that `rnnkit predict` answers, asked over HTTP: the same answers."""

import numpy as np
import pytest

pytest.importorskip("fastapi")

import small_tasks
from serving.asking import ask, predict

from rnnkit.serving.application import create_app
from rnnkit.serving.limits import Limits

TASKS = ("gru_sentiment", "name_tagger", "forecaster", "frame_labeller")


def as_instance(example):
    """An example as JSON: texts as they are, sentences as texts, series with their times."""
    if isinstance(example, str):
        return example
    if isinstance(example, list):
        return " ".join(example)
    values = np.asarray(getattr(example, "values", example), "float64")
    found = {"values": [[None if np.isnan(x) else x for x in row] for row in values.tolist()]}
    if getattr(example, "times", None) is not None:
        found["times"] = [str(time) for time in example.times]
    return found


@pytest.fixture(scope="module", params=TASKS)
def served(request):
    model = small_tasks.make(request.param)
    examples = small_tasks.examples(request.param)
    model.fit(*examples, epochs=0, verbose=0)
    return model, examples[0][:3]


@pytest.mark.one_backend
def test_a_server_answers_what_predict_writes(served):
    model, examples = served
    instances = [as_instance(example) for example in examples]
    app = create_app(model, Limits(max_length=100_000))
    (answer,) = ask(app, predict(instances))
    assert answer.status == 200, answer.body
    table = model.answer_table(instances if isinstance(instances[0], str) else examples)
    names = [column.name for column in table.columns]
    for found, rows in zip(answer.json["predictions"], table.rows, strict=True):
        found.pop("unknown_words", None)
        steps = found["steps"] if table.by_step else [found]
        for step, row in zip(steps, rows, strict=True):
            assert list(step) == names
            for value, expected in zip(step.values(), row, strict=True):
                near = isinstance(expected, float)
                assert value == (pytest.approx(expected, rel=1e-5) if near else expected)


@pytest.mark.one_backend
def test_series_that_are_none_are_refused_by_their_number(served):
    model, _ = served
    if not model.reads_series:
        pytest.skip("it reads texts")
    app = create_app(model)
    width = len(as_instance(small_tasks.examples("frame_labeller")[0][0])["values"][0])
    bad = {
        "step 1 has 1 numbers, and step 0 has 2": {"values": [[1, 2], [3]]},
        r"instances[0].times[0]: 'noon'": {"values": [[1.0] * width], "times": ["noon"]},
        "instances[0]: The times of a series are": {
            "values": [[1.0]] * 2,
            "times": ["2024-01-01T00:00"],
        },
        "valid number": {"values": [["1"]]},
        "finite number": {"values": [[float("nan")]]},
        "do not rise": {"values": [[1.0]] * 2, "times": ["2024-01-01T00:05", "2024-01-01T00:00"]},
    }
    answers = ask(app, *(predict([instance]) for instance in bad.values()))
    for message, answer in zip(bad, answers, strict=True):
        assert answer.status == 422, message
        assert message in answer.json["error"]


@pytest.mark.one_backend
def test_words_that_the_model_does_not_know_are_named():
    model = small_tasks.make("gru_sentiment")
    model.fit(*small_tasks.examples("gru_sentiment"), epochs=0, verbose=0)
    (answer,) = ask(create_app(model), predict(["qwertyuiop", "the"]))
    unknown, known = answer.json["predictions"]
    assert unknown["unknown_words"] == ["qwertyuiop"]
    assert "unknown_words" not in known or known["unknown_words"] == ["the"]
