"""Each recipe on a little of its generated data, from the plan to the records and back."""

from __future__ import annotations

import inspect
import math

import pytest
from deep import mostly_deep

from rnnkit import recipes
from rnnkit.study import evaluate, open_run, train
from rnnkit.study.significance import pair_tests

# A recipe takes of these what it has; a new one is run as it is, with what it has of them.
SMALL = {
    "units": 4,
    "decoder_units": 6,
    "embedding_size": 6,
    "character_units": 4,
    "vector_size": 8,
    "vocabulary_size": 320,
    "max_target_length": 6,
    "beam_size": 2,
    "window": 24,
    "warm_up": 8,
    "epochs": 2,
}
# How much of its data: examples, unless the kind counts otherwise.
LIMITS = {"series": 200, "corpus": 4000}
# The column by which the best epoch is chosen, and how; of word vectors the last epoch is kept.
KEPT_BY = {
    "name_tagger": ("val_f1", max),
    "pos_tagger": ("val_accuracy", max),
    "forecaster": ("val_rmse", min),
    "word_vectors": ("loss", None),
}
COUNTED_BY = {"translator": "sacrebleu", "summarizer": "rouge-score"}


# Recipes that differ from another one, such as lstm_sentiment, in the recurrent layer alone.
TWINS = {f"{cell}_sentiment" for cell in ("rnn", "gru", "bilstm", "mingru", "minlstm", "rglru")}


@pytest.fixture(scope="module", params=mostly_deep(recipes.names(), *{*recipes.names()} - TWINS))
def run(request, tmp_path_factory):
    """A run of each recipe there is."""
    name = request.param
    known = inspect.signature(recipes.find(name)).parameters
    settings = {key: value for key, value in SMALL.items() if key in known}
    limit = LIMITS.get(recipes.kind_of(name), 24)
    out = tmp_path_factory.mktemp("runs") / name
    train(name, settings=settings, limit=limit, out=out, verbose=0)
    return open_run(out)


def test_a_run_leaves_what_it_measured_and_measures_it_again(run, capfd):
    assert run.results["test"]
    assert all(map(math.isfinite, run.results["test"].values()))
    capfd.readouterr()
    assert evaluate(run) == pytest.approx(run.results["test"], rel=1e-4)
    assert capfd.readouterr().out == ""


def test_a_run_names_the_epoch_that_was_kept(run):
    rows = run.folder.epochs()
    column, best = KEPT_BY.get(run.settings["recipe"], ("val_loss", min))
    wanted = len(rows) if best is None else best(rows, key=lambda row: row[column])["epoch"]
    assert len(rows) == 2
    assert (run.results["monitor"], run.results["best_epoch"]) == (column, wanted)


def test_a_run_names_the_library_that_counted(run):
    library, counted_by = COUNTED_BY.get(run.settings["recipe"]), run.results["counted_by"]
    assert counted_by is None if library is None else counted_by.startswith(library)


def test_a_run_keeps_answers_that_give_what_it_measured(run):
    """Answers are tested where they give the measures of the results; see `pair_tests`."""
    said = " ".join(pair_tests({"run": run}, draws=10).notes)
    if recipes.family_of(run.settings["recipe"]).has_test_split:
        assert f"{run.path.name} is not tested" not in said
    else:
        assert "is missing" in said


def test_a_run_leaves_events(run):
    assert list(run.folder.events.rglob("events.out.tfevents.*"))
