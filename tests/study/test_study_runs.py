"""The folder of a run: what it accepts, what it refuses, that nothing is half written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rnnkit.errors import InputError
from rnnkit.study import RunFolder, load_data, open_model, open_run
from rnnkit.study.compare import plan_runs
from rnnkit.study.evaluation import evaluate
from rnnkit.study.plan import make_plan, updated_record
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import discard_partial, write_json

SETTINGS = '{"recipe": "lstm_sentiment", "data": {"name": "sample"}}'


def test_default_folder_is_named_after_recipe_and_time_and_never_shared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda pattern: "20250131-101500")
    first, second = RunFolder.create("lstm_sentiment"), RunFolder.create("lstm_sentiment")
    assert first.path == Path("runs/lstm_sentiment-20250131-101500")
    assert second.path == Path("runs/lstm_sentiment-20250131-101500-2")
    assert second.path.is_dir()


def test_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"not empty; runs are never overwritten"):
        RunFolder.create("x", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_empty_folder_is_taken(tmp_path):
    assert RunFolder.create("x", tmp_path).path == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "run"
    with pytest.raises(InputError, match=r"Cannot write a run to .*file/run .*another folder"):
        RunFolder.create("x", place)


def test_folder_without_permission_is_named(tmp_path, monkeypatch):
    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(InputError, match=r"Cannot write a run to .*run \(Permission denied\)"):
        RunFolder.create("x", tmp_path / "run")


def test_json_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"loss": float("nan")})
    assert not path.exists()

    def crash(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="disk full"):
        write_json(path, {"loss": 1.0})
    assert not path.exists()


def test_epochs_are_written_as_they_come_and_read_back(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.epochs() == []
    folder.add_epoch({"epoch": 1, "val_loss": 0.5})
    assert folder.metrics.read_text() == "epoch,val_loss\n1,0.5\n"
    folder.add_epoch({"epoch": 2, "val_loss": 0.25})
    assert folder.epochs() == [{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.25}]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], r"gone does not exist; expected the folder of a run"),
        (["gone/"], r"gone is not a run: it has no settings.json"),
        (["gone/settings.json"], r"gone is a run that did not finish .*no results.json"),
        (["gone/lstm-seed0/settings.json"], r"gone is not a run.*holds the runs lstm-seed0"),
    ],
)
def test_what_is_no_run_is_refused_by_name(tmp_path, made, message):
    for name in made:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text(SETTINGS)
    with pytest.raises(InputError, match=message):
        open_run(tmp_path / "gone")


def test_damaged_record_is_refused_by_name(tmp_path):
    (tmp_path / "settings.json").write_text('{"recipe": ')
    with pytest.raises(InputError, match=r"settings.json is damaged"):
        read_json(tmp_path / "settings.json")


def test_file_that_is_no_model_is_refused_by_name(tmp_path):
    path = tmp_path / "picture.keras"
    path.write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"picture.keras is no rnnkit model"):
        open_model(path)


def test_only_partial_runs_are_discarded(tmp_path):
    partial, complete, other = (tmp_path / name for name in ("partial", "complete", "other"))
    for path in (partial, complete, other):
        path.mkdir()
    (partial / "settings.json").write_text("{}")
    (complete / "settings.json").write_text("{}")
    (complete / "results.json").write_text("{}")
    (other / "thesis.txt").write_text("years of work")
    discard_partial(tmp_path / "absent")
    discard_partial(partial)
    assert not partial.exists()
    for path in (complete, other):
        with pytest.raises(InputError, match="never overwritten"):
            discard_partial(path)
        assert any(path.iterdir())


# What is asked of a run.


def test_plan_names_the_nearest_recipe_and_setting():
    with pytest.raises(InputError, match=r"Did you mean 'lstm_sentiment'"):
        make_plan("lstm_sentimnt")
    with pytest.raises(InputError, match=r"no setting 'unit'\. Did you mean 'units'"):
        make_plan("lstm_sentiment", settings={"unit": 8})
    with pytest.raises(InputError, match=r"Give the seed as seed="):
        make_plan("lstm_sentiment", settings={"seed": 8})


@pytest.mark.parametrize("name", ["epochs", "batch_size", "patience", "limit"])
def test_plan_refuses_counts_below_one(name):
    with pytest.raises(InputError, match=rf"{name} is 0; expected"):
        make_plan("lstm_sentiment", **{name: 0})


def test_plan_refuses_a_rate_that_is_no_number():
    with pytest.raises(InputError, match=r"learning_rate is inf; expected a finite number"):
        make_plan("lstm_sentiment", settings={"learning_rate": float("inf")})


def test_old_names_of_settings_go_on():
    old, new = {"trainable": False}, {"embedding_trainable": False}
    with pytest.warns(DeprecationWarning, match="'trainable' of lstm_sentiment is now called"):
        assert make_plan("lstm_sentiment", settings=old).overrides == new
    with pytest.warns(DeprecationWarning, match="is now called 'embedding_trainable'"):
        plans = plan_runs(["lstm_sentiment"], seeds=1, settings=old)
    assert plans["lstm_sentiment-seed0"].overrides == new
    record = {"recipe": "lstm_sentiment", "given": old, "seed": 0}
    assert updated_record(record) == {**record, "given": new}
    record = {"recipe": "translator", "settings": {"vocabulary": "separate"}, "seed": 0}
    assert updated_record(record) == {**record, "settings": {"shared_vocabulary": False}}


def test_plan_is_recorded_as_json_gives_it_back():
    plan = make_plan("lstm_sentiment", settings={"classes": ("no", "yes")}, epochs=2)
    assert plan.as_record() == json.loads(json.dumps(plan.as_record()))
    assert plan.as_record()["given"] == {"classes": ["no", "yes"], "epochs": 2}


def test_a_recipe_takes_a_generated_data_set_of_its_kind_by_itself():
    assert make_plan("lstm_sentiment").data.name == "sample"
    assert make_plan("sequence_classifier").data.name == "sequences_sample"


@pytest.mark.parametrize(
    ("recipe", "data", "message"),
    [
        (
            "lstm_sentiment",
            "japanese_vowels",
            r"lstm_sentiment learns from texts, and japanese_vowels holds labelled series\. Data "
            r"sets that suit it: sample, imdb, names, or a table or folder of texts",
        ),
        ("lstm_sentiment", "pems_flow", "pems_flow holds series"),
        (
            "sequence_classifier",
            "imdb",
            r"imdb holds texts\. Data sets that suit it: sequences_sample, japanese_vowels, ",
        ),
    ],
)
def test_data_that_do_not_suit_the_recipe_are_refused_by_name(recipe, data, message):
    with pytest.raises(InputError, match=message):
        make_plan(recipe, data)


def test_a_name_that_is_no_data_set_and_no_file_is_refused_with_the_nearest_name():
    plan = make_plan("sequence_classifier", "sequences_sampel")
    with pytest.raises(InputError, match="Did you mean 'sequences_sample'"):
        plan.data.load("labelled series")


def test_a_table_of_texts_holds_no_series(table):
    with pytest.raises(InputError, match=r"films.csv needs a column that tells its series apart"):
        make_plan("sequence_classifier", table).data.load("labelled series")


# Data.


def test_options_of_data_are_in_the_plan_where_one_was_given(table, columns):
    given = make_plan("lstm_sentiment", table, **columns, data_options={"encoding": "latin-1"})
    assert given.data.options == {"encoding": "latin-1"}
    none = make_plan("lstm_sentiment", table, **columns, data_options={"encoding": None})
    assert none.data.options is None


def test_path_of_data_is_recorded_absolute(table, columns, monkeypatch):
    monkeypatch.chdir(table.parent)
    plan = make_plan("lstm_sentiment", table.name, **columns)
    assert plan.data.name == os.fspath(table)
    assert plan.data.load().classes == ("neg", "pos")


def test_limit_holds_for_files_too(table, columns):
    found = load_data(table, limit=5, **columns)
    assert [len(split) for split in (found.train, found.valid, found.test)] == [5, 5, 5]
    assert len(load_data(table, **columns).train) == 96


def test_unknown_data_is_refused_with_the_nearest_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"'sampel' is neither a data set .*mean 'sample'"):
        load_data("sampel")


def test_table_too_small_to_be_split_is_refused(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("text,label\ngood,pos\nbad,neg\n")
    with pytest.raises(InputError, match=r"two.csv is too small: nothing is left for its valid"):
        load_data(path)


def test_a_run_is_not_measured_on_data_of_another_kind():
    """Refused by the names, before anything is loaded."""
    run = open_run(Path(__file__).parents[1] / "saved" / "run")
    with pytest.raises(InputError, match="learns from texts, and sequences_sample holds labelled"):
        evaluate(run, name="sequences_sample")
