"""The callback that writes checkpoints, and ends a training after a signal."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np

from rnnkit.training.callback_state import digest_attributes, has_own_state, read_states
from rnnkit.training.checkpoints import Checkpoint, Checkpoints
from rnnkit.training.interrupts import Interrupt

# What a model says of itself: values by name, arrays by name; None = not at this moment.
Read = Callable[[], tuple[dict[str, Any], dict[str, np.ndarray]] | None]


class CheckpointWriter(keras.callbacks.Callback):
    """Callback that writes checkpoints, and ends the training after a signal.

    It comes after all other callbacks, so that what they did belongs to the checkpoint.

    Args:
        model: the model; at hand before Keras sets it.
        read: returns values and arrays of the model; None where a training cannot go on from this
            moment, and nothing is written.
        callbacks: the other ones, whose state is part of a checkpoint.
        steps: batches of an epoch; None = not known before its end.
        interrupt: says whether a signal arrived.
        checkpoints: where; None = write none.
        record: what each checkpoint holds besides: on what the training depends, and what was
            learned before the first step.
        goes_on: whether the training goes on from a checkpoint.
    """

    def __init__(
        self,
        model: Any,
        read: Read,
        callbacks: Sequence[Any],
        steps: int | None,
        interrupt: Interrupt,
        checkpoints: Checkpoints | None,
        record: Mapping[str, Any],
        goes_on: bool = False,
    ) -> None:
        super().__init__()
        self._of, self._read = model, read  # Keras calls the model by its own name
        self._callbacks, self._steps = list(callbacks), steps
        self._interrupt, self._checkpoints = interrupt, checkpoints
        self._record, self._goes_on = dict(record), goes_on
        self._at_start = [
            {} if has_own_state(one) else digest_attributes(one) for one in self._callbacks
        ]
        self._epoch, self._step, self._written = 0, 0, time.monotonic()
        self._failed = self._begins_anew = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Write the checkpoint before the first step."""
        if not self._goes_on:
            self._write()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch."""
        self._epoch, self._step = epoch, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write a checkpoint where it is time; end after a signal."""
        self._step = batch + 1
        last = self._steps is not None and self._step >= self._steps
        if last or self._of.stop_training:
            return  # the validation belongs to the epoch: `on_epoch_end` comes next
        ends = self._interrupt.signal is not None  # asked once: a signal may come any moment
        due = time.monotonic() - self._written >= 60 * getattr(self._checkpoints, "minutes", 1e9)
        if due or ends:
            self._write()
        if ends:
            self._end()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write a checkpoint; end after a signal."""
        self._epoch, self._step = epoch + 1, 0
        self._write()
        if self._interrupt.signal is not None:
            self._end()

    def _write(self) -> None:
        if self._checkpoints is None:
            return
        found = self._read()
        self._begins_anew = found is None
        if found is None:
            return
        values, arrays = found
        values = {
            **values,
            "epoch": self._epoch,
            "step": self._step,
            "steps": self._steps,
            "stopped": bool(self._of.stop_training),
            **self._record,
            "callbacks": read_states(self._callbacks, self._at_start, arrays),
        }
        try:
            if self._steps is None:
                number = self._checkpoints.last + 1
            else:
                number = self._epoch * self._steps + self._step
            self._checkpoints.write(number, Checkpoint(values, arrays))
        except OSError as error:  # the older checkpoints are there; the next one may fit again
            if not self._failed or self._interrupt.signal is not None:
                warnings.warn(
                    f"rnnkit: a checkpoint could not be written to {self._checkpoints.folder} "
                    f"({error}). The ones before it are kept, and training goes on.",
                    stacklevel=2,
                )
            self._failed = True
        self._written = time.monotonic()

    def _end(self) -> None:
        place = f"in epoch {self._epoch + 1}, after step {self._step}"
        if self._steps is not None:
            place += f" of {self._steps}"
        if self._begins_anew:
            place += ", and this epoch will begin anew"
        if not self._step:
            place = f"after epoch {self._epoch}"
        if self._checkpoints is None:
            said = f"training was interrupted {place}. The model holds the weights of that step."
        else:
            said = self._checkpoints.describe_interruption(place)
        print(f"rnnkit: {said}", file=sys.stderr)
        self._interrupt.end()
