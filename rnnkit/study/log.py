"""The callback that writes metrics.csv."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

# isort: off
import rnnkit.backend  # noqa: F401 - picks the backend before Keras loads
import keras

# isort: on
from rnnkit.backend.compilation import Compilations, compilations
from rnnkit.study.run_folder import RunFolder
from rnnkit.training.costs import TrainingCosts

AfterEpoch = Callable[[Mapping[str, float]], None]  # takes a row of metrics.csv


class EpochLog(keras.callbacks.Callback):
    """Write one row per epoch to a run's metrics.csv: the logs of Keras, and its seconds.

    Args:
        folder: of the run.
        after_epoch: called with each row, once it is written.
    """

    def __init__(self, folder: RunFolder, after_epoch: AfterEpoch | None = None) -> None:
        super().__init__()
        self.folder, self._after_epoch = folder, after_epoch
        self.costs = TrainingCosts()
        self._epoch_began: float | None = None  # None between two epochs
        self._epoch_before = 0.0
        self._compiled = compilations()  # before the training
        self._compiled_before, self._of_epochs = Compilations(), Compilations()
        self._of_epoch = Compilations()  # when it began

    @property
    def seconds(self) -> float:
        """The seconds since the log was made, and those before the training stopped."""
        return self.costs.seconds

    @property
    def processor_seconds(self) -> float | None:
        """The seconds that all threads of the process computed, counted as `seconds` is.

        None for a training that began with a version of rnnkit that did not count them.
        """
        return self.costs.processor_seconds

    @property
    def compiled(self) -> Compilations:
        """What was compiled since the log was made, and before the training stopped."""
        return self._compiled_before.plus(compilations().since(self._compiled))

    @property
    def compiling_in_epochs(self) -> float:
        """The seconds of compiling that the seconds of the epochs contain."""
        return self._of_epochs.seconds

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the rows, and the seconds of the training and of the epoch under way."""
        began = self._epoch_began
        of_epoch = 0.0 if began is None else time.perf_counter() - began
        state = {"rows": self.folder.rows(), "of_epoch": of_epoch, **self.costs.state}
        within = Compilations() if began is None else compilations().since(self._of_epoch)
        of_epochs = self._of_epochs.plus(within)
        return state | {"compiled": list(self.compiled), "compiled_in_epochs": list(of_epochs)}

    def restore_checkpoint(self, state: dict[str, Any]) -> None:
        """Write the rows of the checkpoint: later ones are written once more."""
        self.folder.replace_rows(state["rows"])
        self.costs.restore(state)
        self._epoch_before = state["of_epoch"]
        nothing = list(Compilations())  # of checkpoints that were written before it was counted
        self._compiled_before = Compilations(*state.get("compiled", nothing))
        self._of_epochs = Compilations(*state.get("compiled_in_epochs", nothing))

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock; in an epoch that was under way, where it stood."""
        self._epoch_began = time.perf_counter() - self._epoch_before
        self._epoch_before = 0.0
        self._of_epoch = compilations()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note that there is something to lose."""
        self.folder.training_began = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the row."""
        self.folder.training_began = True
        values = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - (self._epoch_began or 0.0)
        self._epoch_began = None
        self._of_epochs = self._of_epochs.plus(compilations().since(self._of_epoch))
        row = {"epoch": epoch + 1, "seconds": seconds, **values}
        self.folder.add_epoch(row)
        if self._after_epoch is not None:
            self._after_epoch(row)
