"""Protocol of batches: what the training loop of a task needs of every class of batches."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Batches(Protocol):
    """Batches of one epoch by index; a new order may be drawn for each epoch.

    Implemented by `BucketedBatches`, `PairBatches`, `TextWindows`, `ForecastWindows` and
    `FullSeriesBatches`.

    Example:
        >>> from rnnkit.data.batching import BucketedBatches
        >>> isinstance(BucketedBatches([np.array([5, 6])], [0], batch_size=1), Batches)
        True
    """

    tokens: int
    """Real steps of an epoch: padding is not counted."""

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __getitem__(self, index: int, /) -> tuple[Any, Any, Any]:
        """Return a batch `(inputs, targets, weights)`; targets or weights may be None.

        The inputs are an array or a tuple of arrays. Each is batch first, `(B, ...)`.
        """

    @property
    def order(self) -> np.ndarray:
        """Indices of the examples in the order in which this epoch gives them."""

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch from the seed and its number; the first is 0."""
