"""The state of a run: complete, running, interrupted, failed or damaged, and how far it came."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError
from rnnkit.locks import holder
from rnnkit.records.checks import (
    read_epochs,
    read_json,
    read_results,
    read_settings,
    updated_record,
)
from rnnkit.training.checkpoints import Checkpoints, read_values

FAILURE = "failed.json"  # why the loss became NaN or infinite


@dataclass(frozen=True)
class RunState:
    """How far a run came.

    Attributes:
        name: "complete", "running", "interrupted", "failed" (the loss became NaN or infinite) or
            "damaged" (a record cannot be read).
        reason: why it failed or is damaged, or which process trains it.
        epochs: how many it completed, by the newest checkpoint that can be read; without one, by
            metrics.csv.
        step: of the epoch under way at that checkpoint; 0 = between two epochs.
        planned: epochs, at most; None where the recipe chooses by the size of the data.
        learned: whether there is a checkpoint after the first step.
        monitor: the measure that decides which epoch is the best; "" where that is not known.
        best: the row of metrics.csv of the best epoch so far; empty before the first one ended. Of
            models without validation data, such as word vectors: the last row.
    """

    name: str
    reason: str = ""
    epochs: int = 0
    step: int = 0
    planned: int | None = None
    learned: bool = False
    monitor: str = ""
    best: Mapping[str, float] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where the training is.

        Example:
            >>> RunState("interrupted", epochs=2, step=7, planned=10).place
            'in epoch 3 of 10'
        """
        of = f" of {self.planned}" if self.planned else ""
        if self.step:
            return f"in epoch {self.epochs + 1}{of}"
        return f"after epoch {self.epochs}{of}" if self.epochs else "before the first epoch ended"


def read_state(folder: Path) -> RunState:
    """Return the state of the run in a folder; no framework is imported.

    Example:
        >>> read_state(Path("runs/none")).name
        'damaged'
    """
    try:
        record = updated_record(read_settings(folder / "settings.json"))
        if (folder / "results.json").is_file():
            return _complete(folder)
        return _incomplete(folder, record)
    except (InputError, OSError) as error:
        return RunState("damaged", str(error))


def record_failure(folder: Path, error: Exception) -> None:
    """Record that the loss of a run became NaN or infinite, for `read_state`."""
    with contextlib.suppress(OSError):  # the failure itself is what the user must learn of
        text = json.dumps({"reason": " ".join(str(error).split())})
        (folder / FAILURE).write_text(text + "\n", encoding="utf-8")


def forget_failure(folder: Path) -> None:
    """Remove what `record_failure` wrote: the run goes on."""
    (folder / FAILURE).unlink(missing_ok=True)


def _complete(folder: Path) -> RunState:
    results = read_results(folder / "results.json")
    if not (folder / "model.keras").is_file():
        return RunState("damaged", f"{folder} has no model.keras. Train the run again.")
    epochs, monitor = results.get("epochs", 0), results.get("monitor", "")
    rows = [row for row in _rows(folder) if row.get("epoch") == results.get("best_epoch")]
    return RunState(
        "complete",
        epochs=epochs,
        planned=epochs,
        learned=True,
        monitor=monitor,
        best=rows[0] if rows else {},
    )


def _incomplete(folder: Path, record: Mapping[str, Any]) -> RunState:
    rows = _rows(folder)
    values = next(_checkpoints(folder), {})

    planned = record.get("settings", {}).get("epochs") or record.get("given", {}).get("epochs")
    if {"seconds", "steps"} & (record.get("budget") or {}).keys():
        planned = None  # the budget ends the training, not a number of epochs
    epochs, step = values.get("epoch", len(rows)), values.get("step", 0)
    name, reason = "interrupted", ""
    if who := holder(folder / ".lock"):
        name, reason = "running", who
    elif why := _failure(folder, rows):
        name, reason = "failed", why
    return RunState(
        name,
        reason,
        epochs=epochs,
        step=step,
        planned=planned if isinstance(planned, int) else None,
        learned=bool(values) and epochs + step > 0,
        monitor=values.get("monitor", ""),
        best=_best(rows, values),
    )


def _rows(folder: Path) -> list[dict[str, float]]:
    """Return the rows of metrics.csv; none where it is damaged: nothing else depends on it."""
    try:
        return read_epochs(folder / "metrics.csv")
    except (InputError, OSError):
        return []


def _failure(folder: Path, rows: list[dict[str, float]]) -> str:
    if (folder / FAILURE).is_file():
        return str(read_json(folder / FAILURE).get("reason", "The loss is not finite."))
    last = rows[-1].get("loss", 0.0) if rows else 0.0
    return "" if math.isfinite(last) else f"loss is {last} in epoch {len(rows)}."


def _checkpoints(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what each checkpoint says of itself, the newest first; damaged ones are left out."""
    for path in Checkpoints(folder / "checkpoints").files():
        try:
            yield _checked(read_values(path))
        except (InputError, KeyError, ValueError, TypeError, AttributeError):
            continue


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return what is read here of the values of a checkpoint; of another type, a ValueError."""
    best = None
    for one in values["callbacks"]:
        if one["class"] == "EarlyStopping" and one["state"].get("best_weights"):
            best = int(one["state"].get("best_epoch", 0)) + 1
    return {
        "epoch": int(values["epoch"]),
        "step": int(values["step"]),
        "monitor": str(values.get("monitor", "")),
        "best": best,
    }


def _best(rows: list[dict[str, float]], values: Mapping[str, Any]) -> dict[str, float]:
    """Return the row of the best epoch: the one that early stopping noted in the checkpoint."""
    if values.get("best") is not None:
        return next((row for row in rows if row.get("epoch") == values["best"]), {})
    done = [] if values.get("monitor", "").startswith("val_") else rows[: values.get("epoch")]
    return done[-1] if done else {}
