"""Each recipe on a little of its generated data, from the plan to the records and back."""

from __future__ import annotations

import math

import pytest

from rnnkit import recipes
from rnnkit.study import evaluate, open_run, train

TINY = {
    "bag_of_words_sentiment": {"ngrams": 1},
    "name_tagger": {"units": 4, "embedding_size": 6, "character_units": 4},
    "pos_tagger": {"units": 4, "embedding_size": 6, "character_units": 4},
    "next_word": {"units": 8, "embedding_size": 8, "batch_size": 2},
    "text_generator": {"units": 8, "embedding_size": 8, "batch_size": 2},
    "translator": {"units": 6, "decoder_units": 6, "embedding_size": 6, "vocabulary_size": 320},
    "summarizer": {"units": 6, "decoder_units": 6, "embedding_size": 6, "vocabulary_size": 320},
    "sequence_classifier": {"units": 4},
    "frame_labeller": {"units": 4},
}
KEPT_BY = {"name_tagger": ("val_f1", max), "pos_tagger": ("val_accuracy", max)}


@pytest.mark.parametrize("name", TINY)
def test_a_run_leaves_what_it_measured_and_measures_it_again(name, tmp_path):
    shorter = {"max_target_length": 6, "beam_size": 2} if recipes.kind_of(name) == "pairs" else {}
    settings = {**TINY[name], **shorter}
    train(name, settings=settings, epochs=2, limit=24, out=tmp_path / "run", verbose=0)
    run = open_run(tmp_path / "run")
    assert run.results["test"]
    assert all(map(math.isfinite, run.results["test"].values()))
    assert evaluate(run) == pytest.approx(run.results["test"], rel=1e-4)
    rows = run.folder.epochs()
    column, best = KEPT_BY.get(name, ("val_loss", min))
    wanted = best(rows, key=lambda row: row[column])["epoch"]
    assert (run.results["monitor"], run.results["best_epoch"]) == (column, wanted)
    library = {"translator": "sacrebleu", "summarizer": "rouge-score"}.get(name)
    counted_by = run.results["counted_by"]
    assert counted_by is None if library is None else counted_by.startswith(library)
    assert list((tmp_path / "run" / "events").rglob("events.out.tfevents.*"))
