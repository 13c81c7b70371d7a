"""The callback that writes metrics.csv."""

from __future__ import annotations

import time
from collections.abc import Mapping

import keras

import rnnkit.backend  # noqa: F401 - picks the backend before Keras loads
from rnnkit.study.runs import RunFolder


class EpochLog(keras.callbacks.Callback):
    """Write one row per epoch to a run's metrics.csv: the logs of Keras, and its seconds."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder
        self._begin = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock."""
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note that there is something to lose."""
        self.folder.training_began = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the row."""
        self.folder.training_began = True
        values = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - self._begin
        self.folder.add_epoch({"epoch": epoch + 1, "seconds": seconds, **values})
