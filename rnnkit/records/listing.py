"""The runs of a folder and of the studies in it, each in one record; no framework is imported."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError
from rnnkit.records.checks import read_results, read_settings
from rnnkit.records.states import RunState, read_state

DEPTH = 3  # folders below the one that is listed: runs/study/run, and one more
RECORDS = ("settings.json", "results.json", "metrics.csv")  # a folder with one of these is a run


@dataclass(frozen=True)
class RunSummary:
    """One run in a list.

    Attributes:
        path: the run's folder.
        state: see `RunState`.
        recipe: the recipe's name; "" where the settings are damaged.
        data: the data set or file.
        measure: the name of the score: of a complete run, the measure on the test split that chose
            the best epoch on the validation split; of another one, that of its best epoch so far
            on the validation split, "val_loss" for example. "" where there is no score.
        score: its value; None where there is none.
        changed: when its records were last written, in seconds since 1970.
    """

    path: Path
    state: RunState
    recipe: str = ""
    data: str = ""
    measure: str = ""
    score: float | None = None
    changed: float = 0.0

    @property
    def age(self) -> float:
        """The seconds since its records were last written; 0 where that lies in the future."""
        return max(0.0, time.time() - self.changed)

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "run": str(self.path),
            "state": self.state.name,
            "reason": self.state.reason,
            "recipe": self.recipe,
            "data": self.data,
            "measure": self.measure,
            "score": self.score,
            "epochs": self.state.epochs,
            "planned": self.state.planned,
            "changed": self.changed,
            "age": self.age,
        }


def list_runs(folder: str | os.PathLike[str] = "runs") -> list[RunSummary]:
    """Return the runs in a folder and in the studies in it, the newest first.

    A run whose records are damaged is listed with the reason. No framework is imported.

    Args:
        folder: of runs, of one study, or of one run.

    Raises:
        InputError: there is no such folder.

    Example:
        >>> [(run.path.name, run.state.name) for run in list_runs("runs")]  # doctest: +SKIP
        [('lstm_sentiment-20250131-101500', 'complete')]
    """
    top = Path(folder)
    if not top.is_dir():
        what = "is a file" if top.exists() else "does not exist"
        raise InputError(f"{top} {what}; expected a folder of runs, such as runs.")
    found = [_summary(path) for path in _run_folders(top, DEPTH)]
    return sorted(found, key=lambda run: (-run.changed, str(run.path)))


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders of runs; hidden folders and links to folders are left out."""
    if any((folder / name).is_file() for name in RECORDS):
        yield folder
        return
    try:
        inside = [Path(one) for one in os.scandir(folder) if one.is_dir(follow_symlinks=False)]
    except OSError:  # not ours to read
        return
    for path in inside if depth else ():
        if not path.name.startswith("."):
            yield from _run_folders(path, depth - 1)


def _summary(path: Path) -> RunSummary:
    state, changed = read_state(path), _changed(path)
    try:
        settings = read_settings(path / "settings.json")
    except InputError:
        return RunSummary(path, state, changed=changed)
    measure, score = _score(path, state)
    data = settings["data"]["name"]
    return RunSummary(path, state, settings["recipe"], data, measure, score, changed)


def _score(path: Path, state: RunState) -> tuple[str, float | None]:
    """Return the name and the value of the measure that says how good the run is."""
    if state.name != "complete":
        measure = state.monitor or ("val_loss" if "val_loss" in state.best else "loss")
        value = state.best.get(measure, math.nan)
        return (measure, value) if math.isfinite(value) else ("", None)
    test = read_results(path / "results.json")["test"]
    measure = state.monitor.removeprefix("val_")
    if measure not in test:  # word vectors are not measured by what they minimise
        measure = next(iter(test), "")
    return measure, test.get(measure)


def _changed(path: Path) -> float:
    """Return when the newest record of a run was written."""
    found = [path / name for name in (*RECORDS, "environment.json")]
    found += (path / "checkpoints").glob("checkpoint-*.npz")
    times = []
    for file in found:
        try:
            times.append(file.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
