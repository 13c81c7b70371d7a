"""The callback that writes metrics.csv."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import keras

import rnnkit.backend  # noqa: F401 - picks the backend before Keras loads
from rnnkit.study.runs import RunFolder


class EpochLog(keras.callbacks.Callback):
    """Write one row per epoch to a run's metrics.csv: the logs of Keras, and its seconds.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder
        self._made, self._before = time.perf_counter(), 0.0  # before the training stopped
        self._epoch_began: float | None = None  # None between two epochs
        self._epoch_before = 0.0

    @property
    def seconds(self) -> float:
        """The seconds since the log was made, and those before the training stopped."""
        return self._before + time.perf_counter() - self._made

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the rows, and the seconds of the training and of the epoch under way."""
        began = self._epoch_began
        of_epoch = 0.0 if began is None else time.perf_counter() - began
        return {"rows": self.folder.rows(), "seconds": self.seconds, "of_epoch": of_epoch}

    def restore_checkpoint(self, state: dict[str, Any]) -> None:
        """Write the rows of the checkpoint: later ones are written once more."""
        self.folder.replace_rows(state["rows"])
        self._before += state["seconds"]
        self._epoch_before = state["of_epoch"]

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock; in an epoch that was under way, where it stood."""
        self._epoch_began = time.perf_counter() - self._epoch_before
        self._epoch_before = 0.0

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the row."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - (self._epoch_began or 0.0)
        self._epoch_began = None
        self.folder.add_epoch({"epoch": epoch + 1, "seconds": seconds, **values})
