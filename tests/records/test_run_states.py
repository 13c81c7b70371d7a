"""The state of a run, read from folders made by hand."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.records import states
from rnnkit.records.listing import list_runs
from rnnkit.records.states import forget_failure, read_state, record_failure
from rnnkit.training.checkpoints import Checkpoint, Checkpoints

pytestmark = pytest.mark.one_backend
SETTINGS = {
    "recipe": "lstm_sentiment",
    "data": {"name": "sample"},
    "settings": {"epochs": 10},
}
ROWS = "epoch,seconds,loss,val_loss\n1,2.0,0.7,0.6\n2,2.0,0.5,0.41\n3,2.0,0.4,0.5\n"
RESULTS = {
    "test": {"loss": 0.45, "accuracy": 0.9},
    "monitor": "val_loss",
    "epochs": 3,
    "best_epoch": 2,
}


class MadeRun:
    """The folder of a run, made by hand."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True)
        self.write("settings.json", SETTINGS)

    def write(self, name, content):
        text = content if isinstance(content, str) else json.dumps(content)
        (self.path / name).write_text(text, encoding="utf-8")
        return self

    def complete(self):
        self.write("metrics.csv", ROWS).write("results.json", RESULTS)
        (self.path / "model.keras").write_bytes(b"")
        return self

    def checkpoint(self, epoch, step=0, best=None, monitor="val_loss"):
        state = {} if best is None else {"best_weights": [{"array": "w"}], "best_epoch": best - 1}
        values = {
            "epoch": epoch,
            "step": step,
            "monitor": monitor,
            "callbacks": [{"class": "EarlyStopping", "state": state}],
        }
        files = Checkpoints(self.path / "checkpoints")
        files.folder.mkdir(exist_ok=True)
        files.model.touch()
        files.write(epoch * 100 + step, Checkpoint(values, {"w": np.zeros(2)}))
        return self


@pytest.fixture
def make_run(tmp_path):
    """Make the folder of a run below `tmp_path`."""
    return lambda name="run": MadeRun(tmp_path / name)


def test_a_complete_run(make_run):
    state = read_state(make_run().complete().path)
    assert (state.name, state.reason, state.epochs, state.planned) == ("complete", "", 3, 3)
    assert state.best == {"epoch": 2, "seconds": 2, "loss": 0.5, "val_loss": 0.41}


def test_an_interrupted_run_stands_where_its_newest_checkpoint_is(make_run):
    run = make_run().write("metrics.csv", ROWS).checkpoint(2).checkpoint(2, step=7, best=2)
    state = read_state(run.path)
    assert (state.name, state.epochs, state.step, state.learned) == ("interrupted", 2, 7, True)
    assert state.place == "in epoch 3 of 10"
    assert state.best["val_loss"] == 0.41  # the third row is of an epoch that will run once more


@pytest.mark.parametrize(
    ("checkpoint", "place", "learned"),
    [
        (None, "before the first epoch ended", False),
        ((0, 0), "before the first epoch ended", False),
        ((0, 3), "in epoch 1 of 10", True),
        ((4, 0), "after epoch 4 of 10", True),
    ],
)
def test_the_place_of_the_training(make_run, checkpoint, place, learned):
    run = make_run()
    if checkpoint:
        run.checkpoint(*checkpoint)
    state = read_state(run.path)
    assert (state.place, state.learned, state.best) == (place, learned, {})


def test_a_damaged_checkpoint_gives_way_to_the_one_before(make_run):
    run = make_run().write("metrics.csv", ROWS).checkpoint(2, best=2).checkpoint(3, best=2)
    newest = run.path / "checkpoints" / "checkpoint-00000300.npz"
    newest.write_bytes(newest.read_bytes()[:50])
    assert read_state(run.path).epochs == 2
    for values in ('{"epoch": 3}', "[]", '{"epoch": "x", "step": 0, "callbacks": [1]}'):
        write_values(newest, values)
        assert read_state(run.path).epochs == 2


def write_values(path, text):
    with path.open("wb") as file:
        np.savez(file, values=np.frombuffer(text.encode(), np.uint8))


def test_a_run_of_which_another_process_holds_the_lock_is_running(make_run, monkeypatch):
    run = make_run().checkpoint(1)
    monkeypatch.setattr(states, "holder", lambda folder: "process 12 on host")
    state = read_state(run.path)
    assert (state.name, state.reason) == ("running", "process 12 on host")
    assert read_state(make_run("done").complete().path).name == "complete"


def test_a_failure_is_recorded_until_the_run_goes_on(make_run):
    run = make_run().checkpoint(1)
    record_failure(run.path, NonFiniteLoss("The loss\nbecame nan."))
    state = read_state(run.path)
    assert (state.name, state.reason) == ("failed", "The loss became nan.")
    forget_failure(run.path)
    assert read_state(run.path).name == "interrupted"


def test_a_loss_that_is_no_number_in_the_last_row_is_a_failure(make_run):
    rows = ROWS.replace("3,2.0,0.4,0.5", "3,2.0,nan,nan")
    state = read_state(make_run().write("metrics.csv", rows).path)
    assert (state.name, state.reason) == ("failed", "loss is nan in epoch 3.")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("settings.json", '{"recipe": ', "settings.json is damaged"),
        ("settings.json", {"data": {"name": "sample"}}, "it has no recipe"),
        ("settings.json", {"recipe": "lstm_sentimnt", "data": {"name": "x"}}, "lstm_sentimnt"),
        ("results.json", "[]", "results.json is damaged"),
        ("results.json", {"test": {"loss": "low"}}, "test is dict; expected an object of finite"),
        ("failed.json", "{", "failed.json is damaged"),
    ],
)
def test_damaged_records_are_a_state_with_a_reason(make_run, name, content, reason):
    run = make_run()
    if name == "results.json":
        run.complete()
    state = read_state(run.write(name, content).path)
    assert state.name == "damaged"
    assert reason in state.reason


def test_a_complete_run_without_its_model_is_damaged(make_run):
    run = make_run().complete()
    (run.path / "model.keras").unlink()
    assert "has no model.keras" in read_state(run.path).reason


# Lists of runs.


def test_runs_of_a_folder_and_of_its_studies_the_newest_first(make_run, tmp_path):
    for age, name in enumerate(["new", "study/lstm-seed0", "study/lstm-seed1", "old"]):
        run = make_run(f"runs/{name}")
        for file in run.path.iterdir():
            os.utime(file, (1000.0 - age, 1000.0 - age))
    make_run("runs/.hidden")
    (tmp_path / "runs" / "thesis").mkdir()
    found = list_runs(tmp_path / "runs")
    assert [one.path.name for one in found] == ["new", "lstm-seed0", "lstm-seed1", "old"]
    assert [one.changed for one in found] == [1000.0, 999.0, 998.0, 997.0]
    assert [one.path.name for one in list_runs(tmp_path / "runs" / "study")] == [
        "lstm-seed0",
        "lstm-seed1",
    ]
    assert [one.path for one in list_runs(run.path)] == [run.path]


def test_the_score_is_of_the_test_split_or_the_best_of_validation_so_far(make_run, tmp_path):
    make_run("runs/a").complete()
    make_run("runs/b").write("metrics.csv", ROWS).checkpoint(3, best=2)
    make_run("runs/c").complete().write("results.json", {"test": {"analogies": 0.3}})
    make_run("runs/d").write("metrics.csv", ROWS).checkpoint(3, monitor="")
    make_run("runs/e")
    found = {one.path.name: (one.measure, one.score) for one in list_runs(tmp_path / "runs")}
    assert found == {
        "a": ("loss", 0.45),
        "b": ("val_loss", 0.41),
        "c": ("analogies", 0.3),
        "d": ("val_loss", 0.5),  # the last one: nothing chose
        "e": ("", None),
    }


def test_a_damaged_run_is_listed_and_an_age_is_never_negative(make_run, tmp_path):
    make_run("runs/good").complete()
    bad = make_run("runs/bad").write("settings.json", "{")
    os.utime(bad.path / "settings.json", (4e9, 4e9))  # the clock was set back
    found = list_runs(tmp_path / "runs")
    assert [(one.path.name, one.state.name) for one in found] == [
        ("bad", "damaged"),
        ("good", "complete"),
    ]
    assert found[0].age == 0
    assert json.loads(json.dumps(found[0].as_record()))["reason"] == found[0].state.reason


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none does not exist; expected a folder of runs"):
        list_runs(tmp_path / "none")
