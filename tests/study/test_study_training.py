"""Real runs on a table of short texts: what they leave behind, and what a failed one does not."""

from __future__ import annotations

import time
from datetime import datetime
from types import SimpleNamespace

import event_files
import numpy as np
import pytest

from rnnkit import backend, monitor
from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.study import dynamics, evaluate, finishing, load_data, open_model, open_run, train
from rnnkit.study.log import EpochLog
from rnnkit.study.run_folder import RunFolder

# From data to results and back, once on each backend; the rest of the file on one.

TINY = {"units": 4, "embedding_size": 8, "learning_rate": 0.05, "embedding_dropout": 0.0}


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    return train(
        "lstm_sentiment",
        table,
        text_column="review",
        label_column="mood",
        settings=TINY,
        epochs=3,
        seed=1,
        out=tmp_path_factory.mktemp("runs") / "mine",
        verbose=0,
    )


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow", "jax")
def test_a_run_leaves_every_record(run, table):
    found = {path.name for path in run.path.iterdir()}
    assert found == {
        "settings.json",
        "environment.json",
        "metrics.csv",
        "train",
        "validation",
        "test",
        "checkpoints",
        "model.keras",
        "test_answers.npz",
        "card.md",
        "results.json",
    }
    again = open_run(run.path)
    assert again.settings["recipe"] == "lstm_sentiment"
    assert again.settings["seed"] == again.settings["settings"]["seed"] == 1
    assert again.settings["data"]["name"] == str(table)
    assert again.settings["given"] == {**TINY, "epochs": 3}
    assert again.settings["settings"]["epochs"] == 3
    assert again.settings["settings"]["pooling"] == run.model.settings["pooling"]
    assert again.settings["settings"]["classes"] == ["neg", "pos"]


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_results_are_those_of_the_saved_model(run, table, columns):
    measured = open_model(run.folder.model).evaluate(
        load_data(table, **columns).test.texts,
        load_data(table, **columns).test.labels,
        return_dict=True,
        verbose=0,
    )
    assert measured == pytest.approx(run.results["test"], abs=1e-6)
    assert run.results["test"]["accuracy"] == 1.0  # one word decides
    assert run.results["examples"] == {"train": 96, "valid": 12, "test": 12}
    assert run.results["parameters"] == sum(w.size for w in run.model.network.get_weights())


def test_pictures_show_the_validation_split(table, columns, tmp_path, monkeypatch):
    shown = []

    class Events(monitor.TensorBoard):
        def __init__(self, folder, examples):
            shown.append(examples)
            super().__init__(folder, examples)

    monkeypatch.setattr(monitor, "TensorBoard", Events)
    out = {"out": tmp_path / "run", "epochs": 1, "verbose": 0}
    train("bag_of_words_sentiment", table, **columns, **out)
    valid = load_data(table, **columns).valid
    ((texts, labels),) = shown
    assert list(texts) == list(valid.texts)
    assert list(labels) == list(valid.labels)


def test_metrics_hold_a_row_an_epoch_and_the_best_one_is_named(run):
    rows = run.folder.epochs()
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {"loss", "val_loss", "val_accuracy", "seconds"} <= set(rows[0])
    best = min(rows, key=lambda row: row["val_loss"])
    assert run.results["best_epoch"] == best["epoch"]


@pytest.mark.parametrize(
    ("monitor", "mode", "kept"), [("val_loss", "min", 2), ("val_f1", "max", 3), ("loss", "min", 4)]
)
def test_the_epoch_that_was_kept_is_the_best_by_the_tasks_own_measure(monitor, mode, kept):
    measured = [(1, 0.9, 0.2), (2, 0.5, 0.4), (3, 0.6, 0.7), (4, 0.8, 0.7)]
    rows = [{"epoch": e, "val_loss": loss, "val_f1": f1} for e, loss, f1 in measured]
    task = SimpleNamespace(monitored_metric=monitor, monitor_mode=mode)
    assert finishing._kept_epoch(task, rows) == kept


def test_throughput_is_tokens_over_the_seconds_of_the_epochs(run, table, columns):
    texts = load_data(table, **columns).train.texts
    tokens = sum(map(len, run.model.encode(texts)))
    seconds = sum(row["seconds"] for row in run.folder.epochs())
    speed = tokens * run.results["epochs"] / seconds
    if backend.name == "jax":  # without the seconds of compiling
        assert speed < run.results["tokens_per_second"]
        compiling = run.results["compiling_seconds"]
        most = tokens * run.results["epochs"] / max(seconds - compiling, 1e-9)
        assert run.results["tokens_per_second"] <= most
    else:
        assert run.results["tokens_per_second"] == pytest.approx(speed)
    assert run.results["seconds"] >= seconds > 0


@pytest.mark.one_backend
def test_processor_seconds_go_on_where_a_training_does(tmp_path):
    first = EpochLog(RunFolder(tmp_path))
    busy = time.process_time() + 0.2
    while time.process_time() < busy:
        pass
    state = first.checkpoint_state()
    assert state["processor_seconds"] >= 0.2
    second = EpochLog(RunFolder(tmp_path))
    second.restore_checkpoint(state)
    time.sleep(0.3)  # costs nothing
    spent = second.processor_seconds - state["processor_seconds"]
    assert 0 <= spent < 0.2
    second.restore_checkpoint({**state, "processor_seconds": None})
    assert second.processor_seconds is None
    del state["processor_seconds"]  # of a version that did not count them
    second.restore_checkpoint(state)
    assert second.processor_seconds is None


def test_environment_says_where_it_ran(run):
    import keras

    from rnnkit.study.records import read_json

    here = read_json(run.folder.environment)
    assert here["backend"] == keras.config.backend()
    assert here["keras"] == keras.__version__
    assert here["numpy"] == np.__version__
    assert here["devices"]
    assert datetime.fromisoformat(here["started"])


def test_tensorboard_gets_the_settings_and_the_test_metrics(run):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    (file,) = (run.folder.events / "test").glob("events*")
    tags = {
        value.tag for event in EventFileLoader(str(file)).Load() for value in event.summary.value
    }
    assert "_hparams_/session_start_info" in tags
    assert {"epoch/accuracy", "epoch/f1", "epoch/loss"} <= tags


def test_a_run_is_measured_again_on_its_own_data_and_on_other_data(run, tmp_path):
    assert evaluate(run) == pytest.approx(run.results["test"], abs=1e-6)
    upside_down = tmp_path / "other.csv"
    rows = ["a good film,neg\na bad film,pos"] * 10
    upside_down.write_text("text,label\n" + "\n".join(rows) + "\n")
    assert evaluate(run, name=str(upside_down))["accuracy"] == 0.0


def test_classes_are_matched_by_name_not_by_number(run, tmp_path):
    """A third class sorts first in the file; one that the model does not know is refused."""
    path = tmp_path / "three.csv"
    rows = ["a good film,pos\na bad film,neg\na film,indifferent"] * 10
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError, match=r"classes 'indifferent', which the model .* not trained"):
        evaluate(run, name=str(path))
    model = open_model(run.folder.model)
    model._classes = ["pos", "neg"]
    swapped = open_run(run.path)
    swapped.model = model  # type: ignore[misc]
    assert evaluate(swapped)["accuracy"] == 0.0  # its class 0 is now called pos


def test_a_loss_that_is_not_finite_leaves_no_results_and_no_model(
    table, columns, tmp_path, nan_loss
):
    out = tmp_path / "wild"
    with pytest.raises(NonFiniteLoss, match=r"The partial run is in .*wild"):
        train("rnn_sentiment", table, settings=TINY, out=out, verbose=0, **columns)
    left = {path.name for path in out.iterdir()}
    assert {"settings.json", "environment.json"} <= left
    assert not left & {"results.json", "model.keras"}
    with pytest.raises(InputError, match="did not finish"):
        open_run(out)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"units": 0}, "units"), ({"pooling": "median"}, "median"), ({"preset": "new"}, "new")],
)
def test_a_setting_refused_by_the_recipe_leaves_nothing(
    table, columns, tmp_path, settings, message
):
    with pytest.raises(InputError, match=message):
        train("lstm_sentiment", table, settings=settings, out=tmp_path / "x", verbose=0, **columns)
    assert list(tmp_path.iterdir()) == []


def test_bad_data_leaves_nothing(table, tmp_path):
    one_class = tmp_path / "one.csv"
    one_class.write_text("text,label\n" + "good,pos\n" * 40)
    out = tmp_path / "x"
    with pytest.raises(InputError, match="'text'"):
        train("lstm_sentiment", table, out=out)
    with pytest.raises(InputError, match="label 'pos'"):
        train("lstm_sentiment", one_class, out=out)
    assert not out.exists()


def test_patience_reaches_fit_and_ends_the_run_early(run, table, columns, tmp_path, monkeypatch):
    import rnnkit.tasks

    seen = {}

    def fit(self, *args, **options):
        seen.update(options)
        raise InputError("enough seen")

    monkeypatch.setattr(rnnkit.tasks.TextClassifier, "fit", fit)
    with pytest.raises(InputError, match="enough seen"):
        train("lstm_sentiment", table, patience=2, out=tmp_path / "x", **columns)
    assert seen["patience"] == 2
    assert len(seen["validation_data"][0]) == 12


def test_dynamics_of_a_run_are_measured_once_and_kept(run, monkeypatch):
    import rnnkit.tasks

    (one, *_) = found = dynamics(run, examples=4)
    assert [layer["kind"] for layer in found] == ["LSTM"] * len(found)
    assert one["flow"]["median"][0] == 1
    assert {*one["gates"]} == {"i", "f", "o"}
    pages = event_files.read(run.path / "recurrent")
    assert pages["recurrent/layer_1/flow_per_step"][0][0] == run.results["best_epoch"]
    assert len(pages["recurrent_by_lag/layer_1/gradient_flow"]) == len(one["flow"]["median"])
    monkeypatch.setattr(rnnkit.tasks.Task, "dynamics", None)
    assert dynamics(run, examples=4) == found  # from dynamics.json
    with pytest.raises(InputError, match="examples is 0"):
        dynamics(run, examples=0)
