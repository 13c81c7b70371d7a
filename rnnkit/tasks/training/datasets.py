"""Batches as a Keras data set, their sizes and order, the default number of epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from rnnkit import backend
from rnnkit.data.batches import Batches
from rnnkit.tasks.training.full_batches import filled


class KerasDataset(keras.utils.PyDataset):
    """Batches as a `keras.utils.PyDataset`: tuples without `None`.

    Args:
        batches: of an epoch.
        first: the number of the batch to begin with.
        rows: fill batches up to this number of rows; see `rnnkit.tasks.training.full_batches`.
    """

    def __init__(self, batches: Batches, first: int = 0, rows: int | None = None) -> None:
        super().__init__()
        self.batches, self.first, self.rows = batches, first, rows

    def __len__(self) -> int:
        return len(self.batches) - self.first

    def __getitem__(self, index: int) -> tuple:
        batch = self.batches[self.first + index]
        if self.rows is not None:
            batch = filled(batch, self.rows)
        return tuple(part for part in batch if part is not None)


class EpochOrder(keras.callbacks.Callback):
    """Callback that draws the order of the batches at the start of each epoch.

    Keras calls the `on_epoch_end` of a data set once more on JAX and torch than on TensorFlow, so
    the same seed would give different batches there.
    """

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Draw the order of the epoch that begins."""
        self.batches.start_epoch(epoch)


def fill_last_batch(rows: Sequence[Any], batch_size: int) -> list[Any]:
    """Return rows for prediction with copies of the shortest one at their end, on JAX.

    JAX compiles a program for each size of the last batch, which takes a second and megabytes: here
    the sizes are powers of two. The other backends take any size as it comes.

    Example:
        >>> rows = fill_last_batch([np.ones(3), np.ones(2), np.ones(4)], 32)  # doctest: +SKIP
        >>> [len(row) for row in rows]  # doctest: +SKIP
        [3, 2, 4, 2]
    """
    left = len(rows) % batch_size
    if backend.name != "jax" or not left:
        return list(rows)
    size = min(batch_size, 1 << (left - 1).bit_length())
    return [*rows, *[min(rows, key=len)] * (size - left)]


def default_epochs(steps: int) -> int:
    """Return the default number of epochs, 3 to 15: enough for 2,000 steps, if possible.

    Example:
        >>> [default_epochs(steps) for steps in (704, 125, 1)]
        [3, 15, 15]
    """
    return min(15, max(3, math.ceil(2000 / max(1, steps))))
