"""Searches: who runs which trial, what counts, what is refused, what is shown.

The recipe is one of a package outside rnnkit, whose models learn nothing: their validation loss is
a formula of the settings, so that the best ones are known.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import sys

import pytest

from rnnkit import plugins, recipes
from rnnkit.errors import InputError, NonFiniteLoss, StudyError
from rnnkit.recipes import registry
from rnnkit.study import RunFolder, open_run, tune
from rnnkit.study.commands import train_command
from rnnkit.study.tuning import trials
from rnnkit.study.tuning.storage import open_study

pytest.importorskip("optuna")
SEARCH = {"units": "1..64", "cell": "lstm,gru"}


class Model:
    """A model whose validation loss falls from epoch to epoch to (units - 20)² + 1 (+ 5)."""

    monitored_metric, monitor_mode = "val_loss", "min"
    network, tokens_per_epoch = None, 100

    def __init__(self, trained, **settings):
        self.trained, self.settings = trained, settings
        self.final = (settings["units"] - 20) ** 2 + 1 + 5 * (settings["cell"] == "gru")

    def fit(self, x, y, *, validation_data, patience, callbacks, verbose):
        log = callbacks[0]
        name = log.folder.path.name
        if trouble := self.trained.trouble.get(name):
            raise trouble.pop(0) if isinstance(trouble, list) and trouble else NonFiniteLoss("nan")
        for epoch in range(self.settings["epochs"]):
            self.trained.epochs += 1
            log.on_epoch_begin(epoch)
            log.on_epoch_end(epoch, {"val_loss": self.final + 10 - epoch})
        self.trained.append((name, self.settings["units"], self.settings["cell"]))

    def evaluate(self, x, y, **options):
        return {"loss": 0.0, "accuracy": 1.0}  # no choice may depend on the test split

    def count_params(self):
        return 1

    def save(self, path):
        path.touch()


class Trained(list):
    """The runs that ended, and those that are to fail."""

    def __init__(self):
        super().__init__()
        self.trouble, self.epochs = {}, 0


@pytest.fixture
def trained(monkeypatch):
    found = Trained()

    def plain(*, units: int = 4, cell: str = "lstm", epochs: int = 2, seed: int = 0):
        """A recipe."""
        return Model(found, recipe="plain", units=units, cell=cell, epochs=epochs, seed=seed)

    texts = recipes.family_of("lstm_sentiment")
    family = dataclasses.replace(texts, recipes=(plain,), dataset_settings=())
    monkeypatch.setattr(plugins, "families", lambda: (family,))
    registry.registered.cache_clear()
    monkeypatch.setattr("rnnkit.monitor.picture.Picture.png", lambda self: b"\x89PNG")
    monkeypatch.setattr(trials, "POLL", 0.01)
    yield found
    registry.registered.cache_clear()


@pytest.fixture
def search(trained, table, columns, tmp_path):
    def call(count, out="s", said=None, **options):
        options = {"search": SEARCH, "pruner": "none", **columns, **options}
        announce = (lambda line: None) if said is None else said.append
        data = options.pop("data", table)
        return tune("plain", data, trials=count, out=tmp_path / out, announce=announce, **options)

    return call


def states(found):
    return [one.state for one in found.trials]


def test_the_best_by_validation_is_found_and_shown(search, trained, capsys):
    from rnnkit.cli import show

    said = []
    found = search(12, said=said)
    assert len(trained) == 12
    assert states(found) == ["complete"] * 12
    expected = min((units - 20) ** 2 + (6 if cell == "gru" else 1) for _, units, cell in trained)
    assert found.best.value == expected + 10 - 1  # of the second epoch
    assert open_run(found.path / found.best.run).results["test"]["accuracy"] == 1.0
    units, cell = found.best.settings["units"], found.best.settings["cell"]
    end = f"--text-column review --label-column mood --units {units} --cell {cell} --seed 0"
    assert found.command.startswith("rnnkit train plain --data ")
    assert found.command.endswith(end)
    assert said[0].startswith("[1/12] trial 0: units ")
    assert said[1].endswith(", the best so far")
    assert found.command in found.report.read_text(encoding="utf-8")
    rows = list(csv.DictReader((found.path / "trials.csv").read_text("utf-8").splitlines()))
    assert [float(row["value"]) for row in rows] == [one.value for one in found.trials]
    assert set(found.importances) == {*SEARCH}
    assert sum(found.importances.values()) == pytest.approx(1)
    assert (found.path / "history.png").is_file()
    assert (found.path / "importance.png").is_file()
    show.tuning(found)
    assert found.command in capsys.readouterr().out


def test_trials_are_counted_over_all_calls_and_are_repeatable(search, trained):
    whole = search(6, "whole")
    part = search(4, "part")
    assert len(part.trials) == 4
    before = len(trained)
    part = search(6, "part")
    assert len(trained) == before + 2
    assert [one.settings for one in part.trials] == [one.settings for one in whole.trials]
    assert len(search(3, "part").trials) == 6
    assert [one.settings for one in search(6, "other", seed=1).trials] != [
        one.settings for one in whole.trials
    ]


def test_trials_that_do_badly_are_pruned(search, trained):
    found = search(20, settings={"epochs": 4}, pruner="median")
    pruned = [one for one in found.trials if one.state == "pruned"]
    assert pruned
    assert all(1 < one.epochs < 4 and one.value is None for one in pruned)
    assert trained.epochs == sum(one.epochs for one in found.trials)
    assert states(found)[:5] == ["complete"] * 5
    assert not RunFolder(found.path / pruned[0].run).complete
    assert not RunFolder(found.path / pruned[0].run).checkpoints.exists()


def test_what_diverged_or_is_refused_is_a_trial_without_a_value(search, trained):
    trained.trouble = {"trial-0001": [NonFiniteLoss("The loss became nan."), None]}
    trained.trouble["trial-0002"] = [InputError("no such cell"), None]
    found = search(4)
    assert states(found) == ["complete", "diverged", "refused", "complete"]
    assert found.trials[1].why.startswith("diverged: The loss became nan.")


def test_if_no_trial_is_completed_the_reasons_are_told(search, trained, tmp_path):
    trained.trouble = {f"trial-000{number}": [InputError("units"), None] for number in range(3)}
    with pytest.raises(StudyError, match=r"No trial .* was completed: 3 refused\. refused: units"):
        search(3)
    assert (tmp_path / "s" / "trials.csv").is_file()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory")])
def test_a_trial_that_was_interrupted_is_run_again(search, trained, error):
    trained.trouble = {"trial-0001": [error, None]}
    with pytest.raises(type(error)):
        search(3)
    trained.trouble = {}
    found = search(3)
    assert states(found) == ["complete", "failed", "complete", "complete"]
    assert found.trials[2].settings == found.trials[1].settings
    assert found.trials[2].run == found.trials[1].run == "trial-0001"


def test_a_trial_that_dies_each_time_is_given_up(search, trained):
    for _ in range(3):
        trained.trouble = {"trial-0000": [RuntimeError("boom"), None]}
        with pytest.raises(RuntimeError):
            search(2)
    found = search(2)
    assert states(found) == ["failed", "failed", "failed", "complete"]


def killed(folder):
    """Begin a trial as a process does that is killed then: nobody holds the lock of its run."""
    study = open_study(folder, None, folder.name, direction="minimize", pruner="none")
    trial = study.ask()
    trial.suggest_int("units", 1, 64, log=True)
    trial.suggest_categorical("cell", ("lstm", "gru"))
    trial.set_user_attr("run", f"trial-{trial.number:04d}")
    (folder / f"trial-{trial.number:04d}").mkdir()
    return trial.params


def test_a_killed_trial_is_taken_over(search, tmp_path):
    search(2)
    settings = killed(tmp_path / "s")
    found = search(4)
    assert states(found) == ["complete", "complete", "failed", "complete", "complete"]
    assert (found.trials[3].settings, found.trials[3].run) == (settings, "trial-0002")


def test_a_trial_that_another_process_trains_is_waited_for(search, tmp_path, monkeypatch):
    search(1)
    killed(tmp_path / "s")
    folder, said = RunFolder(tmp_path / "s" / "trial-0001"), []
    held = folder.locked()
    held.__enter__()
    monkeypatch.setattr(RunFolder, "in_use", property(lambda self: "process 1 on host"))

    def announce(line):
        said.append(line)
        if line.startswith("waiting"):
            held.__exit__(None, None, None)
            monkeypatch.undo()

    class Said(list):
        append = staticmethod(announce)

    monkeypatch.setattr(trials, "POLL", 0.01)
    assert len(search(2, said=Said()).trials) >= 2
    assert said[0] == "waiting for what other processes train: trial 1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"search": {"units": "1..8"}}, "is a search with search"),
        ({"settings": {"epochs": 3}}, r"is a search with settings \{\}, and now it is"),
        ({"pruner": "median"}, "is a search with pruner none"),
        ({"limit": 20}, "not the examples with which the search in"),
    ],
)
def test_a_search_goes_on_with_the_same_terms_alone(search, trained, change, message):
    search(1)
    with pytest.raises(InputError, match=message):
        search(2, **change)
    assert len(trained) == 1


def test_workers_of_other_versions_are_refused(search, tmp_path, monkeypatch):
    search(1)
    monkeypatch.setattr("rnnkit.study.agreement.versions", lambda: {"keras": "2.0"})
    with pytest.raises(InputError, match=r"has keras 2\.0 and not .* the search in .* began"):
        search(2)
    record = json.loads((tmp_path / "s" / "search.json").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match=r"has keras 2\.0"):
        trials.work_on((str(tmp_path / "s"), None, "s"), record, 2, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials is 0"),
        ({"pruner": "mean"}, "pruner is 'mean'; expected one of"),
        ({"engine": "ray"}, "workers is not given"),
        ({"search": {"unit": "1..2"}}, "Did you mean 'units'"),
        ({"search": {"units": "2..1"}}, "the range is empty"),
        ({"search": {"epochs": "1..2"}, "budget": "2steps"}, "search is 'epochs', and budget is"),
        ({"teacher": "runs/x"}, "teacher"),
    ],
)
def test_what_is_wrong_is_refused_before_data_are_read(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        tune("lstm_sentiment", "no_such_data", out=tmp_path / "s", **options)
    assert not (tmp_path / "s").exists()


def test_word_vectors_have_nothing_to_be_judged_by(tmp_path):
    with pytest.raises(InputError, match="word_vectors has no validation split"):
        tune("word_vectors", search={"window": "2..8"}, out=tmp_path / "s")


def test_a_storage_that_cannot_be_used(search):
    with pytest.raises(InputError, match=r"storage is 'nosuch://host/db', which cannot be used"):
        search(1, storage="nosuch://host/db")


@pytest.mark.deep
def test_a_database_as_storage(search, tmp_path):
    found = search(1, "t", storage=f"sqlite:///{tmp_path / 'search.db'}", study_name="mine")
    assert found.study.study_name == "mine"
    assert not (found.path / "journal.log").exists()


def test_other_files_are_not_touched(search, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="never overwritten"):
        search(1)
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["thesis.txt"]


def test_without_optuna_the_extra_is_named(search, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r'pip install "rnnkit\[tune\]"'):
        search(1)


def test_the_command_of_a_run():
    record = {"recipe": "forecaster", "seed": 0, "patience": 2, "budget": {"seconds": 90.0}}
    data = {"name": "a b.csv", "limit": None, "options": {"time": "when", "columns": ["x", "y"]}}
    given = {"horizon": [1, 2], "clip_norm": None, "calendar": True}
    assert train_command({**record, "data": data, "given": given}) == (
        "rnnkit train forecaster --data 'a b.csv' --time when --features x,y --patience 2 "
        "--horizon 1,2 --clip-norm none --calendar --seed 0 --budget 90.0s"
    )
