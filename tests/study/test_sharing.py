"""Several processes on one study: each run is trained once, and no folder vanishes.

The trainings are stand-ins that only write files: what is tested is who trains what, and when.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
import time
from pathlib import Path

import pytest
from forking import Process, until

from rnnkit import locks
from rnnkit.errors import InputError, InUseError, NonFiniteLoss
from rnnkit.study import RunFolder, sharing
from rnnkit.study.compare import plan_runs
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import new_default_folder, new_folder, remove_folder, write_json
from rnnkit.study.sharing import SharedStudy

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="these tests fork")
DEEP = bool(os.environ.get("RNNKIT_DEEP"))
ROUNDS = 40 if DEEP else 4
RESULTS = {"test": {"loss": 0.5}, "seconds": 1.0, "parameters": 3, "epochs": 1, "best_epoch": 1}


class Killed(BaseException):
    """Ends a thread as `kill -9` ends a process: what it has written stays."""


class Trainer:
    """Stands in for `execute` and `continue_run`: writes files, and lines of what happened."""

    def __init__(self, log: Path, steps: int = 3, trouble=lambda name, step: None) -> None:
        self.log, self.steps, self.trouble = log, steps, trouble

    def execute(self, plan, dataset, out, verbose):
        with RunFolder.claim(plan.recipe, out) as folder:
            name = folder.path.name
            self._write(f"begin {name}")
            write_json(folder.settings, {**plan.as_record(), "settings": {}})
            try:
                for step in range(self.steps):
                    time.sleep(0.001)
                    self.trouble(name, step)
                    assert folder.settings.is_file(), f"{name} vanished"
            except Killed:
                self._write(f"killed {name}")
                raise
            except NonFiniteLoss:
                self._write(f"failed {name}")
                raise
            write_json(folder.results, RESULTS | {"examples": {}, "monitor": "val_loss"})
            self._write(f"end {name}")
            return name

    def continue_run(self, plan, dataset, folder, verbose):
        """Take over a run: here from its beginning."""
        with folder.locked():
            remove_folder(folder.path)
            return self.execute(plan, dataset, folder.path, verbose)

    def _write(self, line: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{line}\n")

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def trainer(tmp_path, monkeypatch):
    found = Trainer(tmp_path / "log")
    monkeypatch.setattr(locks, "_POLL", 0.002)
    monkeypatch.setattr(sharing, "POLL", 0.005)
    for name in ("execute", "continue_run"):
        monkeypatch.setattr(sharing, name, lambda *args, name=name: getattr(found, name)(*args))
    return found


@pytest.fixture(scope="module")
def plans():
    return plan_runs(["rnn_sentiment", "lstm_sentiment"], seeds=3)


def take_part(path, plans, said=None):
    with SharedStudy.join(path) as study:
        study.begin(plans)
        study.train(plans, None, 0, (said if said is not None else []).append)
        return study


def check_log(lines, plans):
    """Each run ended once, and began again only after it was killed or had failed."""
    inside: set[str] = set()
    for line in lines:
        what, name = line.split()
        assert (name in inside) == (what != "begin"), lines
        inside ^= {name}
    for name in plans:
        assert lines.count(f"end {name}") == 1
        tries = lines.count(f"begin {name}")
        assert tries == 1 + lines.count(f"killed {name}")


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whatever_the_order_each_run_is_trained_once(trainer, plans, tmp_path, seed):
    """Threads with locks of their own stand for processes: more of them, and in a moment."""
    draw, left = random.Random(seed), [5]

    def trouble(name, step):
        time.sleep(draw.random() * 0.003)
        if left[0] and draw.random() < 0.15:
            left[0] -= 1
            raise Killed

    trainer.trouble = trouble
    found = []

    def one():
        with contextlib.suppress(Killed):
            mine = dict(draw.sample([*plans.items()], len(plans)))
            found.append(take_part(tmp_path / "study", mine))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_log(trainer.lines(), plans)
    assert found
    assert all(study.runs.keys() == plans.keys() for study in found)
    assert {path.name for path in (tmp_path / "study").iterdir()} == {*plans, "study.json"}


def test_the_run_of_a_killed_process_is_taken_over(trainer, plans, tmp_path):
    path, names = tmp_path / "study", list(plans)

    def stop(name, step):
        if name == names[0]:
            until(lambda: False, 60)

    trainer.trouble = stop
    killed = Process(take_part, path, plans)
    until(lambda: trainer.lines() == [f"begin {names[0]}"])
    until((path / names[0] / "settings.json").exists)
    inode = (path / names[0] / "settings.json").stat().st_ino
    trainer.trouble = lambda name, step: None
    said: list[str] = []
    thread = threading.Thread(target=take_part, args=(path, plans, said))
    thread.start()
    (waiting,) = until(lambda: [line for line in said if line.startswith("waiting")])
    assert f"{names[0]} (process {killed.pid} on " in waiting
    assert (path / names[0] / "settings.json").stat().st_ino == inode
    assert len(trainer.lines()) == 1 + 2 * (len(plans) - 1)
    killed.kill()
    thread.join()
    assert trainer.lines()[-2:] == [f"begin {names[0]}", f"end {names[0]}"]
    assert trainer.lines().count(f"begin {names[1]}") == 1
    assert {entry.name for entry in path.iterdir()} == {*plans, "study.json"}


def test_two_processes_share_the_runs(trainer, plans, tmp_path):
    trainer.steps = 20
    processes = [Process(take_part, tmp_path / "study", plans) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    check_log(trainer.lines(), plans)


def test_a_run_that_failed_elsewhere_is_not_tried_again_before_all_have_ended(
    trainer, plans, tmp_path
):
    names, gate = list(plans), threading.Event()

    def trouble(name, step):
        if name == names[0]:
            raise NonFiniteLoss("The loss became nan.")
        gate.wait(30)

    trainer.trouble = trouble
    path, found = tmp_path / "study", []
    threads = [
        threading.Thread(target=lambda: found.append(take_part(path, plans))) for _ in range(2)
    ]
    threads[0].start()
    until((path / "failures.json").exists)
    threads[1].start()
    until(lambda: len([line for line in trainer.lines() if line.startswith("begin")]) == 3)
    gate.set()
    for thread in threads:
        thread.join()
    assert trainer.lines().count(f"begin {names[0]}") == 1
    assert [study.failures for study in found] == [{names[0]: "The loss became nan."}] * 2
    trainer.trouble = lambda name, step: None
    assert take_part(path, plans).failures == {}
    assert trainer.lines()[-1] == f"end {names[0]}"


def test_other_settings_are_refused_while_another_process_takes_part(trainer, plans, tmp_path):
    other = plan_runs(["lstm_sentiment"], seeds=1, settings={"units": 7})
    more = plan_runs(["gru_sentiment"], seeds=1, settings={"units": 7})
    path = tmp_path / "study"
    with SharedStudy.join(path) as study:
        study.begin(plans)
        before = read_json(path / "study.json")
        thread_errors: list[str] = []

        def join(plans):
            try:
                take_part(path, plans)
            except InputError as error:
                thread_errors.append(str(error))

        for wanted in (other, more):
            thread = threading.Thread(target=join, args=(wanted,))
            thread.start()
            thread.join()
        (message,) = thread_errors
        assert "lstm_sentiment-seed0 is trained with given {} by process" in message
        assert "now given is {'units': 7}. Give another folder" in message
        assert read_json(path / "study.json") == before | {
            name: plan.as_record() for name, plan in more.items()
        }
    take_part(path, other)  # nobody had trained it yet
    with pytest.raises(InputError, match="was trained with given"):
        take_part(path, plans)


def test_a_study_that_is_refused_is_removed_unless_others_take_part(plans, tmp_path):
    path, joined, done = tmp_path / "study", threading.Event(), threading.Event()

    def other():
        with SharedStudy.join(path):
            joined.set()
            done.wait(30)

    def refused():
        with contextlib.suppress(InputError), SharedStudy.join(path) as study:
            study.begin(plans)
            study.abandon()
            raise InputError("units is 0")

    refused()
    assert not path.exists()
    thread = threading.Thread(target=other)
    thread.start()
    joined.wait(30)
    refused()
    assert (path / "study.json").exists()
    done.set()
    thread.join()


# The folder of a run.


def test_a_folder_that_another_process_trains_into_is_refused_by_its_name(tmp_path):
    path = tmp_path / "run"

    def train():
        with RunFolder.claim("x", path) as folder:
            folder.settings.write_text("{}")
            until(lambda: False, 60)

    process = Process(train)
    until((path / "settings.json").exists)
    with (
        pytest.raises(InUseError, match=rf"{path} is in use by process {process.pid} on .*--out"),
        RunFolder.claim("x", path),
    ):
        pytest.fail("two processes train into one folder")
    assert RunFolder(path).in_use
    process.kill()
    assert RunFolder(path).in_use is None
    with pytest.raises(InputError, match="not empty"), RunFolder.claim("x", path):
        pass
    assert [entry.name for entry in path.iterdir()] == ["settings.json"]


def test_a_folder_that_is_removed_while_it_is_held_is_gone_at_the_end(tmp_path):
    with contextlib.suppress(InputError), RunFolder.claim("x", tmp_path / "run") as folder:
        folder.settings.write_text("{}")
        (folder.path / "train").mkdir()
        (folder.path / "train" / "events").write_text("")
        remove_folder(folder.path)
        assert [entry.name for entry in folder.path.iterdir()] == [".lock"]
        raise InputError("refused before the first step")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_leaves_of_an_empty_folder_is_empty(tmp_path):
    (tmp_path / ".lock").write_text("")
    (tmp_path / ".settings.rnnkit-01234567-1-0.json").write_text("")
    assert new_folder(tmp_path) == tmp_path
    (tmp_path / ".hidden").write_text("")
    with pytest.raises(InputError, match="not empty"):
        new_folder(tmp_path)


def test_processes_that_start_in_one_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda pattern: "20250131-101500")

    def make():
        for _ in range(10):
            (new_default_folder("x") / str(os.getpid())).touch()

    processes = [Process(make) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert [len(list(path.iterdir())) for path in Path("runs").iterdir()] == [1] * 30


def test_a_folder_where_a_file_is_in_the_way_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs").write_text("")
    with pytest.raises(InputError, match="Cannot write a run to"):
        new_default_folder("x")


def test_the_record_of_a_study_that_is_damaged_is_refused(plans, tmp_path):
    (tmp_path / "study.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match=r"study\.json is damaged.*new study"):
        take_part(tmp_path, plans)
