"""Batches on their way into Keras's `fit`, and how often it goes through them."""

from __future__ import annotations

import math
from typing import Any

import keras

from rnnkit.data.batching import BucketedBatches


class KerasDataset(keras.utils.PyDataset):
    """Batches as Keras wants them: no `None` among the parts."""

    def __init__(self, batches: BucketedBatches) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple:
        return tuple(part for part in self.batches[index] if part is not None)


class EpochOrder(keras.callbacks.Callback):
    """Draw each epoch's order when the epoch begins.

    Keras calls a data set's own `on_epoch_end` once more on JAX and torch than on TensorFlow, and
    the same seed would give other batches there.
    """

    def __init__(self, batches: BucketedBatches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Draw the order of the epoch that begins."""
        self.batches.start_epoch(epoch)


def default_epochs(steps: int) -> int:
    """Return how many epochs of that many steps a training is given: 2,000 steps, 3 to 15 epochs.

    A small data set needs more passes to learn as much, and each is quick.

    Example:
        >>> [default_epochs(steps) for steps in (704, 125, 1)]
        [3, 15, 15]
    """
    return min(15, max(3, math.ceil(2000 / max(1, steps))))
