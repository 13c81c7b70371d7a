"""A run that did not finish answers with the best weights so far, and says so."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from rnnkit import study
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.records import states
from rnnkit.study import log
from rnnkit.study.sources import Source

SETTINGS = '{"recipe": "lstm_sentiment", "data": {"name": "sample"}}'


@pytest.fixture(scope="session")
def interrupted(table, tmp_path_factory):
    """A run that a signal ended in its third epoch."""
    out = tmp_path_factory.mktemp("runs") / "mine"
    begin = log.EpochLog.on_epoch_begin

    def begin_and_signal(self, epoch, logs=None):
        begin(self, epoch, logs)
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log.EpochLog, "on_epoch_begin", begin_and_signal)
        with pytest.raises(KeyboardInterrupt):
            study.train(
                "lstm_sentiment",
                table,
                text_column="review",
                label_column="mood",
                settings={"units": 2, "embedding_size": 2, "learning_rate": 0.5},
                epochs=4,
                out=out,
                verbose=0,
            )
    return out


@pytest.fixture
def mine(interrupted, tmp_path):
    """A copy, to be changed."""
    return shutil.copytree(interrupted, tmp_path / "mine")


def test_an_interrupted_run_says_its_state_and_answers(interrupted, capsys):
    run = study.open_run(interrupted)
    assert (run.state.name, run.state.place) == ("interrupted", "in epoch 3 of 4")
    rows = run.folder.epochs()
    best = min(rows, key=lambda row: row["val_loss"])
    assert run.best == best
    assert study.evaluate(run).keys() == {"accuracy", "f1", "loss", "precision", "recall"}
    run.model.predict(["a good film"], verbose=0)
    assert capsys.readouterr().err.splitlines() == [
        f"rnnkit: {interrupted} is not complete: interrupted in epoch 3 of 4; these are the "
        f"weights of epoch {best['epoch']:.0f}, val_loss {best['val_loss']:.4g}. To go on: "
        f"rnnkit train --resume {interrupted}"
    ]
    with pytest.raises(InputError, match=r"has no results: it is not complete, but interrupted in"):
        _ = run.results
    [listed] = study.list_runs(interrupted)
    assert (listed.measure, listed.score) == ("val_loss", best["val_loss"])


def test_its_model_has_the_best_weights_on_the_validation_split(interrupted):
    run = study.open_run(interrupted)
    valid = Source(**run.settings["data"]).load().valid
    found = run.model.evaluate(valid.x, valid.y, return_dict=True, verbose=0)
    assert found["loss"] == pytest.approx(run.best["val_loss"], rel=1e-5)


def test_resumed_it_is_complete(mine, capsys):
    study.resume(mine, verbose=0)
    capsys.readouterr()
    run = study.open_run(mine)
    assert (run.state.name, run.state.epochs) == ("complete", 4)
    assert run.best["epoch"] == run.results["best_epoch"]
    assert run.model is not None
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "reason", "says"),
    [
        ("running", "process 12 on host", "It is being trained by process 12 on host."),
        ("failed", "The loss became nan.", "The loss became nan. Train it again with other"),
    ],
)
def test_what_is_said_of_other_states(mine, monkeypatch, capsys, name, reason, says):
    if name == "running":
        monkeypatch.setattr(states, "holder", lambda folder: reason)
    else:
        states.record_failure(mine, NonFiniteLoss(reason))
    assert study.open_model(mine) is not None
    told = capsys.readouterr().err
    assert f"is not complete: {name} in epoch 3 of 4; these are the weights of epoch" in told
    assert says in told
    assert "--resume" not in told


def test_the_newest_checkpoint_is_damaged(mine, capsys):
    newest = max((mine / "checkpoints").glob("checkpoint-*.npz"))
    newest.write_bytes(newest.read_bytes()[:-200])
    with pytest.warns(UserWarning, match="is damaged"):
        assert study.open_run(mine).model is not None
    assert "interrupted after epoch 2 of 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("interrupted", r"no results.json.*no checkpoint with anything learned. To go on: rnnkit"),
        ("running", r"no results.json.*It is being trained by process 12 on host"),
        ("failed", r"no results.json.*The loss became nan. Train it again with other settings"),
    ],
)
def test_without_a_checkpoint_a_run_is_refused(tmp_path, monkeypatch, name, says):
    (tmp_path / "settings.json").write_text(SETTINGS)
    if name == "running":
        monkeypatch.setattr(states, "holder", lambda folder: "process 12 on host")
    if name == "failed":
        states.record_failure(tmp_path, NonFiniteLoss("The loss became nan."))
    for ask in (study.open_run, study.open_model):
        with pytest.raises(InputError, match=says):
            ask(tmp_path)


def test_a_loss_that_is_not_finite_is_recorded(table, columns, tmp_path, nan_loss):
    with pytest.raises(NonFiniteLoss):
        study.train("lstm_sentiment", table, **columns, epochs=1, out=tmp_path / "a", verbose=0)
    [listed] = study.list_runs(tmp_path)
    assert listed.state.name == "failed"
    assert "nan" in listed.state.reason
