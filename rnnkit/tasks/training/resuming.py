"""Keras's fit from the middle of an epoch: a training goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.tasks.training.datasets import KerasDataset
from rnnkit.tasks.training.model_state import write_metrics, write_variables
from rnnkit.training.callback_state import restore_states
from rnnkit.training.checkpoints import Checkpoint


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
    rows: int | None = None,
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
        rows: of every batch; see `KerasDataset`.
        **options: of Keras's fit.
    """
    epoch, step = int(checkpoint.values["epoch"]), int(checkpoint.values["step"])
    write_variables(model, checkpoint.arrays)
    if checkpoint.values["stopped"] and not step:
        epochs = epoch  # stopped early: nothing is left but to end
    calls = ResumedCallbacks(
        *(callbacks, checkpoint, model, KerasDataset(batches, rows=rows)[0]),
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
            history = fit(KerasDataset(batches, first=step, rows=rows), epoch, epoch + 1)
        calls.ends = True
        if model.stop_training or whole:
            model.optimizer.finalize_variable_values(model.trainable_weights)
            calls.on_train_end()
            return history
        epoch += 1
    return fit(KerasDataset(batches, rows=rows), epoch, max(epochs, epoch))


@contextmanager
def _weights_as_they_are(optimizer: Any) -> Iterator[None]:
    """Keep Keras from ending the moving average of the weights with the first of two fits."""
    optimizer.finalize_variable_values = lambda variables: None
    try:
        yield
    finally:
        del optimizer.finalize_variable_values
