"""The report on edited reviews, from classifiers whose answers are known."""

import numpy as np
import pytest

from rnnkit.data.edited_reviews import KINDS, edited_reviews
from rnnkit.data.perturbations import PERTURBATIONS
from rnnkit.errors import InputError
from rnnkit.study.report import markdown
from rnnkit.study.robustness import OF_PAIRS, Score, robustness, robustness_table

pytestmark = pytest.mark.one_backend
PAIRS = edited_reviews()
RIGHT = {text: label for pair in PAIRS for text, label in zip(pair.texts, pair.labels, strict=True)}
TEXTS = ["It was good fun, all of it. Really.", "It was a bad day for us all. Really.", "good"]


def knows(text, wrong=()):
    """The right answer; 0.5, which counts as negative, for texts that it does not know."""
    if text not in RIGHT:
        return 0.5
    answer = float(RIGHT[text] == "pos")
    return 1 - answer if text in wrong else answer


def test_a_classifier_that_knows_all_pairs():
    scores = robustness(lambda texts: [knows(text) for text in texts])
    n = len(PAIRS)
    for name in ("originals", "edited", "both right"):
        assert scores[name] == Score(n, n)
    for kind in KINDS:
        of_kind = sum(pair.kind == kind for pair in PAIRS)
        assert scores[f"both right: {kind}"] == Score(of_kind, of_kind)
    assert scores["both right: upper case"].right == 0  # those it does not know
    assert "texts" not in scores
    assert list(scores)[:3] == ["originals", "edited", "both right"]
    assert sum(scores[f"both right: {kind}"].total for kind in KINDS) == n


def test_each_measure_counts_its_own_mistakes():
    first, second, third = PAIRS[0], PAIRS[20], PAIRS[-1]
    wrong = {first.texts[0], second.texts[1], *third.texts}
    scores = robustness(lambda texts: [knows(text, wrong) for text in texts])
    n = len(PAIRS)
    assert scores["originals"] == Score(n - 2, n)
    assert scores["edited"] == Score(n - 2, n)
    assert scores["both right"] == Score(n - 3, n)
    for kind in KINDS:
        mistakes = sum(pair.kind == kind for pair in (first, second, third))
        found = scores[f"both right: {kind}"]
        assert found.total - found.right == mistakes
    sources = {name: scores[f"both right: {name}"] for name in ("written by hand", "generated")}
    assert sum(one.total for one in sources.values()) == n
    assert sources["generated"].total - sources["generated"].right == 1


def test_labelled_texts_are_asked_under_each_perturbation():
    asked = []

    def model(texts):
        asked.append(list(texts))
        return np.array([["good" in text.lower()] for text in texts], float)

    scores = robustness(model, TEXTS, np.array([1, 0, 0]), pairs=PAIRS[:2], seed=3)
    assert scores["texts"] == Score(2, 3)
    assert scores["texts: upper case"] == Score(2, 3)
    assert scores["texts: HTML"] == Score(2, 3)
    for name, perturb in PERTURBATIONS.items():
        assert f"texts: {name}" in scores
        assert perturb(TEXTS, seed=3) in asked
    assert [f"both right: {name}" in scores for name in OF_PAIRS] == [True] * 3
    named = robustness(model, TEXTS, ["pos", "neg", "neg"], pairs=PAIRS[:2], seed=3)
    assert named == scores


@pytest.mark.parametrize("kind", [list, np.array])
def test_answers_may_be_names_numbers_or_probabilities(kind):
    class Estimator:
        def __init__(self, how):
            self.how = how

        def predict(self, texts):
            return kind([self.how(RIGHT.get(text, "neg") == "pos") for text in texts])

    ways = [bool, int, lambda yes: "pos" if yes else "neg", lambda yes: 0.9 if yes else 0.2]
    scores = [robustness(Estimator(how), pairs=PAIRS[:9]) for how in ways]
    other = {"pos": "fine", "neg": "awful"}
    ways = Estimator(lambda yes: other["pos" if yes else "neg"])
    scores.append(robustness(ways, pairs=PAIRS[:9], classes=("awful", "fine")))
    assert all(one == scores[0] for one in scores)
    assert scores[0]["both right"].share == 1


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (lambda texts: ["good"] * len(texts), {}, "One answer is 'good': expected 'neg' or 'pos'"),
        (lambda texts: [1], {}, "The model gave 1 answers to"),
        (lambda texts: [2.0] * len(texts), {}, "got numbers from 2 to 2"),
        (lambda texts: [np.nan] * len(texts), {}, "got numbers from nan"),
        (lambda texts: np.ones((len(texts), 2)), {}, "got an array of shape"),
        (lambda texts: [1] * len(texts), {"texts": ["a"]}, "There are 0 labels for 1 texts"),
        (
            lambda texts: [1] * len(texts),
            {"texts": ["a"], "labels": ["fine"]},
            "One label is 'fine'",
        ),
    ],
)
def test_answers_that_mean_nothing_are_refused(model, given, message):
    with pytest.raises(InputError, match=message):
        robustness(model, pairs=PAIRS[:3], **given)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (45, 50, 0.7864, 0.9565), (1, 2, 0.0945, 0.9055)],
)
def test_intervals_are_those_of_statsmodels(right, total, low, high):
    """The numbers are of statsmodels' `proportion_confint` with method "wilson"."""
    assert Score(right, total).interval == pytest.approx((low, high), abs=1e-4)


def test_a_score_of_nothing_is_none():
    assert str(Score(0, 0)) == "-"
    assert np.isnan(Score(0, 0).share)


def test_the_table_has_a_column_for_each_model():
    scores = {
        "all": robustness(lambda texts: [knows(text) for text in texts]),
        "none": robustness(lambda texts: [1 - knows(text) for text in texts], TEXTS, [0, 0, 0]),
    }
    table = robustness_table(scores)
    assert table[0] == ["measure", "questions", "all", "none"]
    n = len(PAIRS)
    assert table[1][:2] == ["originals", str(n)]
    assert [cell[:5] for cell in table[1][2:]] == ["1.000", "0.000"]
    rows = {row[0]: row for row in table}
    assert rows["texts"][1:] == ["3", "-", "1.000 (0.44-1.00)"]
    assert len(list(markdown(table))) == len(table) + 1
