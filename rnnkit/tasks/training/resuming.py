"""Training that can go on: checkpoints as callback, and Keras's fit from the middle of an epoch."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.tasks.training.callback_state import (
    digest_attributes,
    has_own_state,
    read_states,
    restore_states,
)
from rnnkit.tasks.training.checkpoints import Checkpoint, Checkpoints
from rnnkit.tasks.training.datasets import KerasDataset
from rnnkit.tasks.training.interrupts import Interrupt
from rnnkit.tasks.training.model_state import read_variables, write_metrics, write_variables


class CheckpointWriter(keras.callbacks.Callback):
    """Callback that writes checkpoints, and ends the training after a signal.

    It comes after all other callbacks, so that what they did belongs to the checkpoint.

    Args:
        model: the model; at hand before Keras sets it.
        callbacks: the other ones, whose state is part of a checkpoint.
        steps: batches of an epoch.
        interrupt: says whether a signal arrived.
        checkpoints: where; None = write none.
        record: what each checkpoint holds besides: on what the training depends, and what was
            learned before the first step.
        goes_on: whether the training goes on from a checkpoint.
    """

    def __init__(
        self,
        model: Any,
        callbacks: Sequence[Any],
        steps: int,
        interrupt: Interrupt,
        checkpoints: Checkpoints | None,
        record: Mapping[str, Any],
        goes_on: bool = False,
    ) -> None:
        super().__init__()
        self._task, self._callbacks, self._steps = model, list(callbacks), steps
        self._interrupt, self._checkpoints = interrupt, checkpoints
        self._record, self._goes_on = dict(record), goes_on
        self._at_start = [
            {} if has_own_state(one) else digest_attributes(one) for one in self._callbacks
        ]
        self._epoch, self._step, self._written = 0, 0, time.monotonic()
        self._failed = False

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
        if self._step >= self._steps or self._task.stop_training:
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
        arrays = read_variables(self._task)
        values = {
            "epoch": self._epoch,
            "step": self._step,
            "steps": self._steps,
            "stopped": bool(self._task.stop_training),
            **self._record,
            "callbacks": read_states(self._callbacks, self._at_start, arrays),
        }
        try:
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
        place = f"in epoch {self._epoch + 1}, after step {self._step} of {self._steps}"
        if not self._step:
            place = f"after epoch {self._epoch}"
        if self._checkpoints is None:
            kept = "The model holds the weights of that step."
        else:
            files = self._checkpoints.files()
            command = self._checkpoints.command
            kept = f"Kept: {files[0] if files else 'nothing, because it could not be written'}\n"
            kept += (
                f"To go on: {command}"
                if command
                else f"To go on, call fit again with checkpoints={str(self._checkpoints.folder)!r}."
            )
        print(f"rnnkit: training was interrupted {place}. {kept}", file=sys.stderr)
        self._interrupt.end()


class ResumedCallbacks(keras.callbacks.CallbackList):
    """Callbacks of a training that goes on: their states are restored, their batches counted on.

    The rest of the epoch under way and the epochs after it are two fits of Keras; for the callbacks
    they are one.

    Args:
        callbacks: of the training.
        checkpoint: where it goes on.
        model: the model.
        batch: of the training.
        **params: as Keras has them.
    """

    def __init__(
        self,
        callbacks: Sequence[Any],
        checkpoint: Checkpoint,
        model: Any,
        batch: tuple,
        **params: Any,
    ) -> None:
        super().__init__(
            list(callbacks),
            add_history=True,
            add_progbar=params.get("verbose") != 0,
            model=model,
            **params,
        )
        self._checkpoint, self._batch = checkpoint, batch
        self._first = int(checkpoint.values["step"])  # of the epoch under way
        self._begun, self.ends = False, True

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin once, and restore what the callbacks had changed."""
        if self._begun:
            return
        self._begun = True
        self._restore(own=True)
        super().on_train_begin(logs)
        self._restore(own=False)
        write_variables(self.model, self._checkpoint.arrays)  # a callback may have set some

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restore the sums of the metrics where the epoch was under way."""
        super().on_epoch_begin(epoch, logs)
        if not self._first:
            return
        # The callbacks had begun this epoch: a rate that one of them halves is halved already.
        self._restore(own=False)
        arrays = self._checkpoint.arrays
        write_variables(self.model, arrays)
        if len(self.model.metrics_variables) < sum(name.startswith("metric") for name in arrays):
            # TensorFlow makes the metrics in the first step; a step of evaluation makes them, too.
            self.model.test_on_batch(*self._batch)
            write_variables(self.model, arrays)
        write_metrics(self.model, arrays)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Count on."""
        super().on_train_batch_begin(batch + self._first, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count on."""
        super().on_train_batch_end(batch + self._first, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The next epoch is whole."""
        self._first = 0
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: Any = None) -> None:
        """End once."""
        if self.ends:
            super().on_train_end(logs)

    def _restore(self, own: bool) -> None:
        states = self._checkpoint.values["callbacks"]
        restore_states(self.callbacks[: len(states)], states, self._checkpoint.arrays, own)


def resume_fit(
    model: Any,
    batches: Batches,
    checkpoint: Checkpoint,
    callbacks: Sequence[Any],
    *,
    epochs: int,
    verbose: Any,
    **options: Any,
) -> keras.callbacks.History:
    """Train from a checkpoint to the end, as if the training had not stopped.

    Args:
        model: compiled; its variables are restored here.
        batches: of a whole epoch.
        checkpoint: where it goes on.
        callbacks: those of the first call, in their order.
        epochs: of the whole training.
        verbose: as in Keras.
        **options: of Keras's fit.
    """
    epoch, step = int(checkpoint.values["epoch"]), int(checkpoint.values["step"])
    write_variables(model, checkpoint.arrays)
    if checkpoint.values["stopped"] and not step:
        epochs = epoch  # stopped early: nothing is left but to end
    calls = ResumedCallbacks(
        *(callbacks, checkpoint, model, KerasDataset(batches)[0]),
        **{"verbose": verbose, "epochs": epochs, "steps": len(batches)},
    )

    def fit(dataset: KerasDataset, first: int, last: int) -> keras.callbacks.History:
        feed = native.feed(dataset)
        return keras.Model.fit(
            model,
            feed,
            initial_epoch=first,
            epochs=last,
            callbacks=calls,
            verbose=verbose,
            shuffle=False,
            **options,
        )

    if step:
        whole = epoch + 1 == epochs
        calls.ends = False
        with _weights_as_they_are(model.optimizer):
            history = fit(KerasDataset(batches, first=step), epoch, epoch + 1)
        calls.ends = True
        if model.stop_training or whole:
            model.optimizer.finalize_variable_values(model.trainable_weights)
            calls.on_train_end()
            return history
        epoch += 1
    return fit(KerasDataset(batches), epoch, max(epochs, epoch))


@contextmanager
def _weights_as_they_are(optimizer: Any) -> Iterator[None]:
    """Keep Keras from ending the moving average of the weights with the first of two fits."""
    optimizer.finalize_variable_values = lambda variables: None
    try:
        yield
    finally:
        del optimizer.finalize_variable_values
