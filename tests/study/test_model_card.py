"""card.md of a run: what it says, and what it does not know."""

import re

import numpy as np
import pytest
from finished_runs import CLASSES, ENVIRONMENT, classified

from rnnkit.study.model_card import card, command, intervals_of

SETTINGS = {
    "recipe": "gru_sentiment",
    "data": {"name": "sample", "limit": None},
    "given": {"units": 4},
    "settings": {"units": 4},
    "seed": 3,
    "patience": None,
    "budget": None,
}
RESULTS = {
    "test": {"accuracy": 0.75, "loss": 0.5, "f1": 0.7},
    "parameters": 1234,
    "epochs": 3,
    "best_epoch": 2,
    "monitor": "val_loss",
    "seconds": 12.4,
    "examples": {"train": 800, "valid": 100, "test": 60},
}


class Model:
    classes = ("neg", "pos")
    max_length = 400
    truncate = "head"
    vocabulary = tuple(range(2345))
    predicts_classes = True


def text(settings=SETTINGS, results=RESULTS, intervals=None, about="Generated. No licence."):
    intervals = {"accuracy": (0.7, 0.8)} if intervals is None else intervals
    found = card(settings, ENVIRONMENT, Model(), about=about, results=results, intervals=intervals)
    return "\n".join(found)


def test_a_card_says_what_the_run_knows():
    found = text()
    assert found.startswith("# gru_sentiment on sample\n")
    assert "- classes: neg, pos\n- parameters: 1,234\n" in found
    assert "licence, as the data set states them: Generated. No licence.\n" in found
    assert "- splits: train 800, valid 100, test 60\n" in found
    assert "On the test split (60 examples; of series, steps), one run:" in found
    assert "| accuracy | 0.7500 | 0.7000 to 0.8000 |\n| F1 | 0.7000 | – |\n" in found
    assert "than 400 tokens or steps are cut; kept is the head." in found
    assert "It knows 2,345 words or tokens" in found
    assert "seed 3" in found
    assert "study.train('gru_sentiment', 'sample', settings={'units': 4}, seed=3)" in found
    assert "- rnnkit: 1, commit not known: an installed package\n" in found
    assert "- epochs: 3, kept is 2 by val_loss\n" in found
    assert "last epoch" not in found


def test_a_run_without_test_figures_says_so():
    for results in (None, {**RESULTS, "test": {}}):
        found = text(results=results)
        assert "There are no test figures" in found
        assert "|" not in found


def test_few_examples_have_no_interval():
    answers = classified(np.zeros(19, int), 0.5, 0)
    assert intervals_of(answers) == {}
    assert "There are no intervals: they need 20 test examples" in text(intervals={})


def test_the_folders_of_a_file_are_not_told_and_its_licence_is_asked_for():
    data = {"name": "/home/somebody/films.csv", "text_column": "review", "limit": 60}
    found = text({**SETTINGS, "data": data, "notes": ["Two rows were left out."]}, about="Read.")
    assert "somebody" not in found
    assert "Hub: `films.csv`\n- source and licence: not known to rnnkit." in found
    assert "- only the first 60 of each split were used\n- note: Two rows were left out.\n" in found
    assert "'films.csv', settings={'units': 4}, seed=3, text_column='review', limit=60)" in found


def test_the_interval_of_an_accuracy_is_that_of_a_share():
    truth = np.arange(400) % 2
    low, high = intervals_of(classified(truth, 0.8, 1, CLASSES))["accuracy"]
    # The normal approximation of a binomial share, to a tenth of its width.
    share = (low + high) / 2
    half = 1.96 * np.sqrt(share * (1 - share) / 400)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)


def test_the_command_makes_such_a_run():
    from rnnkit.study.plan import make_plan

    options = {"settings": {"units": 8}, "seed": 1, "patience": 2, "limit": 60, "budget": "9steps"}
    plan = make_plan("lstm_sentiment", "sample", **options)
    call = re.sub(r"^study.train", "make_plan", command(plan.as_record()))
    assert eval(call, {"make_plan": make_plan}) == plan
