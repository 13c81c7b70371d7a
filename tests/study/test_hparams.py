"""The row of a run on TensorBoard's HParams page, and where a run's event files are."""

from __future__ import annotations

import json

import pytest
from event_files import read

from rnnkit.study.hparams import shown_settings, write_hparams
from rnnkit.study.run_folder import RunFolder

SETTINGS = {"recipe": "name_tagger", "units": 64, "clip_norm": 1.0, "min_count": 2, "seed": 3}
RECORD = {
    "recipe": "name_tagger",
    "given": {"min_count": 2},
    "data": {"name": "there/my names.csv"},
    "patience": None,
    "seed": 3,
    "settings": SETTINGS | {"classes": ["O", "B-PER"], "epochs": 2, "embedding": "a/b/vectors.txt"},
}
RESULTS = {
    "test": {"accuracy": 0.75, "f1": 0.5, "f1/PER": 0.5, "bleu": 30.0},
    "parameters": 1234,
    "seconds": 12.345,
    "best_epoch": 2,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps(RECORD))
    rows = "epoch,seconds,accuracy,val_accuracy,val_f1,val_f1/PER\n1,2,.5,.5,.5,.5\n"
    (tmp_path / "metrics.csv").write_text(rows)
    return RunFolder(tmp_path)


def hparams(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

    reader = EventAccumulator(str(folder))
    reader.Reload()
    content = reader.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = parse_session_start_info_plugin_data(content).hparams
    return {name: getattr(found[name], found[name].WhichOneof("kind")) for name in found}


def test_a_measure_with_a_curve_is_a_point_of_its_chart(folder):
    write_hparams(folder, RESULTS)
    found = read(folder.path / "test")
    points = {tag: values[0] for tag, values in found.items() if not tag.startswith("_hparams_")}
    assert {tag: (step, float(value)) for tag, (step, value) in points.items()} == {
        "epoch/accuracy": (2, 0.75),
        "epoch/f1": (2, 0.5),
        "epoch/f1/PER": (2, 0.5),
        "test/bleu": (2, 30.0),
    }


def test_the_row_has_the_settings_that_matter_and_those_that_were_given(folder):
    write_hparams(folder, RESULTS)
    write_hparams(folder, RESULTS)  # of a run that was killed in between: one file
    assert len(list((folder.path / "test").iterdir())) == 1
    assert hparams(folder.path / "test") == {
        "Recipe": "name_tagger",
        "Data": "my names.csv",
        "units": 64,
        "min_count": 2,
        "epochs": 2,
        "embedding": "vectors.txt",
        "parameters": 1234,
        "training_seconds": 12.3,
        "seed": 3,
    }


def test_lists_are_words():
    given = {"classes": ["O", "B-PER"]}
    assert shown_settings(RECORD | {"given": given})["classes"] == "O, B-PER"


def test_a_run_of_an_earlier_version_keeps_its_place(tmp_path, folder):
    assert folder.events == tmp_path
    (tmp_path / "events" / "train").mkdir(parents=True)
    earlier = RunFolder(tmp_path)
    assert earlier.events == tmp_path / "events"
    write_hparams(earlier, RESULTS)
    assert "epoch/accuracy" in read(tmp_path / "events" / "test")


def test_what_epochs_left_is_removed_and_nothing_else(folder):
    for part in ("train", "validation", "test", "checkpoints"):
        (folder.path / part).mkdir()
        (folder.path / part / "file").write_text("")
    folder.discard_epochs()
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoints", "settings.json"]
