"""Batches of encoded series for networks that forecast at every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.data.series_encoding import Encoded

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
MAX_BATCH_STEPS = 65_536  # steps of a batch of full series


class ForecastWindows:
    """Training windows of encoded series, with a new order and new positions in each epoch.

    A window has `window` steps with a loss and up to `warm_up` steps before them, which the network
    only reads. Windows at the end of a series are padded with zeros of weight 0; a causal network
    needs no mask for them.

    Args:
        encoded: the series.
        context: the number of steps to be read before a forecast counts.
        window: steps of a window that have a loss.
        warm_up: steps before them.
        batch_size: windows of a batch.
        shuffle: draw order and positions of the windows in every epoch.
        seed: of these draws.

    Example:
        >>> values = np.arange(5, dtype="float32")
        >>> series = Encoded(values[:, None], 10 * values, values, np.ones(5, bool))
        >>> windows = ForecastWindows([series], context=1, window=2, warm_up=1, batch_size=3)
        >>> x, targets, weights = windows[0]
        >>> x[..., 0].tolist(), weights.astype(int).tolist()
        ([[0.0, 1.0, 0.0], [1.0, 2.0, 3.0], [3.0, 4.0, 0.0]], [[1, 1, 0], [0, 1, 1], [0, 1, 0]])
    """

    def __init__(
        self,
        encoded: Sequence[Encoded],
        *,
        context: int,
        window: int,
        warm_up: int = 0,
        batch_size: int = 16,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        self._encoded = list(encoded)
        self._counts = [one.counts(context) for one in encoded]
        self.window, self.warm_up = window, warm_up
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self._places = [
            (i, start)
            for i, counts in enumerate(self._counts)
            if counts.any()
            for start in range(0, len(counts), window)
        ]
        self._starts = [start for _, start in self._places]
        self.order = np.arange(len(self._places))  # of the windows in this epoch
        self.tokens = sum(len(one.x) for one in self._encoded)  # steps of all series

    def __len__(self) -> int:
        return -(-len(self._places) // self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        """Draw order and positions of an epoch from the seed and its number."""
        if not self.shuffle:
            return
        random = np.random.default_rng([self.seed, epoch])
        self.order = random.permutation(len(self._places))
        shift = random.integers(-(self.window // 2), self.window - self.window // 2)
        for row, (i, start) in enumerate(self._places):
            last = max(0, len(self._encoded[i].x) - self.window)
            self._starts[row] = int(np.clip(start + shift, 0, last))

    def __getitem__(self, index: int) -> Batch:
        """Return inputs `(B, warm_up + window, F)`, targets `(..., 1)` and weights of a batch."""
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        length = self.warm_up + self.window
        batch = _empty(len(rows), length, self._encoded[0])
        for row, place in enumerate(rows):
            i, start = self._places[place][0], self._starts[place]
            first = max(0, start - self.warm_up)
            end = min(start + self.window, len(self._counts[i]))
            _fill(batch, row, self._encoded[i], self._counts[i], slice(first, end))
            batch[2][row, : start - first] = 0
            if several(self._encoded[i]):
                outputs = self._counts[i][0].size  # the columns after them are scales
                batch[1][row, : start - first, :outputs] = np.nan
        return batch


class FullSeriesBatches:
    """Batches of full encoded series, at most `batch_size`, grouped by similar length and padded.

    `context` is the number of steps to be read before a forecast counts.
    """

    def __init__(self, encoded: Sequence[Encoded], *, context: int, batch_size: int = 64) -> None:
        self._encoded = list(encoded)
        self._counts = [one.counts(context) for one in encoded]
        self.tokens = sum(len(one.x) for one in self._encoded)
        lengths = [_padded_length(len(one.x)) for one in self._encoded]
        self.groups: list[list[int]] = []  # the series of each batch
        for i in np.argsort(lengths, kind="stable").tolist():
            most = min(batch_size, max(1, MAX_BATCH_STEPS // lengths[i]))
            last = self.groups[-1] if self.groups else None
            if last is not None and lengths[last[0]] == lengths[i] and len(last) < most:
                last.append(i)
            else:
                self.groups.append([i])
        self._lengths = lengths
        self.order = np.array([i for group in self.groups for i in group], np.int64)

    def __len__(self) -> int:
        return len(self.groups)

    def start_epoch(self, epoch: int) -> None:
        """Do nothing: the order is the same in every epoch."""

    def __getitem__(self, index: int) -> Batch:
        """Return inputs `(B, T, F)`, targets `(B, T, 1)` and weights `(B, T)` of a batch."""
        group = self.groups[index]
        batch = _empty(len(group), self._lengths[group[0]], self._encoded[group[0]])
        for row, i in enumerate(group):
            _fill(batch, row, self._encoded[i], self._counts[i], slice(len(self._counts[i])))
        return batch


def _padded_length(length: int) -> int:
    """Return the padded length; there are few, since each shape is compiled."""
    size = 32
    while size < length:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def several(one: Encoded) -> bool:
    """Return whether targets that do not count are NaN, each of several outputs apart.

    Else weights alone tell them. With groups, columns with the share of each output's scale (see
    `Encoded`) follow the targets: errors are measured in the units of the series.
    """
    return one.target.ndim == 2 or one.share is not None


def _empty(rows: int, length: int, one: Encoded) -> Batch:
    x = np.zeros((rows, length, one.x.shape[1]), "float32")
    outputs = one.target[0].size
    targets = np.full((rows, length, outputs), np.nan if several(one) else 0.0, "float32")
    if one.share is not None:
        targets = np.concatenate([targets, np.ones_like(targets)], axis=-1)
    # Weights are not float32: Keras's loss multiplies float32 torch tensors in place.
    return x, targets, np.zeros((rows, length))


def _fill(batch: Batch, row: int, one: Encoded, counts: np.ndarray, steps: slice) -> None:
    x, targets, weights = batch
    length = len(counts[steps])
    x[row, :length] = one.x[steps]
    if not several(one):
        targets[row, :length, 0] = one.target[steps]
        weights[row, :length] = counts[steps]
        return
    counted, target = (column[steps].reshape(length, -1) for column in (counts, one.target))
    outputs = target.shape[1]
    targets[row, :length, :outputs] = np.where(counted, target, np.nan)
    weights[row, :length] = counted.mean(axis=1)
    if one.share is not None:
        targets[row, :, outputs:] = one.share
