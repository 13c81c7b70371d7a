"""Engines and searches as they are: Ray, submitit, several processes; one of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnnkit import locks, study
from rnnkit.study.records import read_json

pytestmark = [
    pytest.mark.deep,
    pytest.mark.filterwarnings("ignore"),  # of Ray and submitit
]
SECONDS = 900
EPOCHS = 30


def process_of_a_run(folder: Path, again: float = 0.05) -> tuple[Path, int]:
    """Return a run that has a checkpoint of an epoch, and the number of the process."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for run in folder.glob("*/settings.json"):
            rows = run.with_name("metrics.csv")
            pid = locks._read_record(run.with_name(".lock")).get("pid")
            if pid and rows.exists() and len(rows.read_text().splitlines()) > 3:
                return run.parent, pid
        time.sleep(again)
    raise AssertionError(f"no run in {folder} has done an epoch")


class Killer(threading.Thread):
    """Kills the process of the first run that did some epochs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.killed = folder, None
        self.start()

    def run(self) -> None:
        self.killed, pid = process_of_a_run(self.folder)
        assert pid != os.getpid()
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def options(table, columns):
    return {
        **columns,
        "data": table,
        "settings": {"ngrams": 1},
        "epochs": EPOCHS,
        "baselines": False,
        "seeds": 3,
        "verbose": 0,
    }


def check(done, killer, said):
    """Each run is complete; the killed one went on from its checkpoint."""
    killer.join()
    assert len(done.runs) == 3
    assert all(run.results["epochs"] == EPOCHS for run in done.runs.values())
    environment = read_json(killer.killed / "environment.json")
    assert len(environment["resumed"]) == 1
    assert [line for line in said if line.startswith(f"{killer.killed.name}: ")]
    assert done.report.is_file()


@pytest.mark.parametrize("engine", ["processes", "ray", "slurm"])
def test_a_killed_run_goes_on_elsewhere(engine, options, tmp_path, monkeypatch):
    if engine != "processes":
        pytest.importorskip({"ray": "ray", "slurm": "submitit"}[engine])
    if engine == "ray":
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    said, killer = [], Killer(tmp_path / "s")
    given = {"slurm": {"cluster": "local", "timeout_min": 30}}.get(engine)
    done = study.compare(
        ["bag_of_words_sentiment"],
        out=tmp_path / "s",
        engine=engine,
        workers=2,
        engine_options=given,
        announce=said.append,
        **options,
    )
    check(done, killer, said)
    # As if it had not been killed.
    options |= {"seeds": [int(killer.killed.name[-1])]}
    alone = study.compare(["bag_of_words_sentiment"], out=tmp_path / "alone", **options)
    (run,) = alone.runs.values()
    assert done.runs[run.path.name].results["test"] == run.results["test"]


def test_two_processes_on_one_search_one_killed(table, columns, tmp_path):
    folder = tmp_path / "s"
    command = [sys.executable, "-m", "rnnkit", "tune", "bag_of_words_sentiment", "--data", table]
    command += ["--text-column", "review", "--label-column", "mood", "--ngrams", "1", "--trials"]
    command += ["6", "--epochs", str(EPOCHS), "--search", "units=2..8", "--search", "dropout"]
    command += ["--pruner", "none", "--out", folder]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killer = Killer(folder)
    outs = [process.communicate(timeout=SECONDS)[0] for process in both]
    killer.join()
    assert sorted(process.returncode for process in both) == [-9, 0]
    out = next(out for process, out in zip(both, outs, strict=True) if not process.returncode)
    assert "train it:   rnnkit train bag_of_words_sentiment --data" in out
    rows = (folder / "trials.csv").read_text().splitlines()[1:]
    states = [row.split(",")[1] for row in rows]
    assert (states.count("complete"), states.count("failed")) == (6, 1)
    assert len(read_json(killer.killed / "environment.json")["resumed"]) == 1
