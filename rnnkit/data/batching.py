"""Sequences of unequal length -> padded batches in which little is padding."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from rnnkit.errors import InputError

Truncate = Literal["head", "tail", "both"]
Inputs = np.ndarray | tuple[np.ndarray, np.ndarray]  # ids; or values and mask
Batch = tuple[Inputs, np.ndarray | None, np.ndarray | None]

POOL = 50  # batches sorted together: less padding if larger, more random batches if smaller


def bucket_length(length: int, max_length: int | None = None) -> int:
    """Round a length up to the next of 8, 16, 24, 32, 40, 48, 64, 80, 96, 120 ...: about x 1.25.

    The steps are the same for every data set, so train, validation and prediction share their
    shapes, and a compiler that works per shape (XLA) compiles few of them: 15 up to 400.

    Args:
        length: real steps, from 0 on.
        max_length: no bucket is longer than this.

    Example:
        >>> [bucket_length(n, 100) for n in (0, 8, 9, 60, 89)]
        [8, 8, 16, 64, 96]
    """
    bucket = 8
    while bucket < length:
        bucket = max(bucket + 8, round(bucket * 1.25 / 8) * 8)
    return bucket if max_length is None else min(bucket, max_length)


def into_batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut rows that stand by length, the shortest first, into batches; the first may have fewer.

    The shortest rows of a pool fall into the same bucket in almost every epoch, the longest do not:
    so the one batch that is not of full size has the same shape, too, for compilers that work per
    shape.

    Example:
        >>> [batch.tolist() for batch in into_batches(np.arange(5), 2)]
        [[0], [1, 2], [3, 4]]
    """
    first = len(rows) % size
    starts = [*([0] if first else []), *range(first, len(rows), size)]
    return [rows[start:end] for start, end in itertools.pairwise([*starts, len(rows)])]


class BucketedBatches:
    """Batches of sequences of like length, right-padded with 0, as ``(inputs, labels, weights)``.

    The inputs are ids ``(B, T)`` or ``(B, T, C)``, of which 0 is padding; of series of numbers, of
    which 0 is one, they are ``(values, mask)``: ``(B, T, D)`` and boolean ``(B, T)``, True at real
    steps. A label stands for a whole sequence, or each step has one of its own: then the labels
    are padded and cut as their sequences are, and weights ``(B, T)`` leave the padding out.
    Rows are shuffled, sorted by length within pools of `POOL` batches, cut into batches, and the
    batches shuffled. Without `shuffle` all rows are sorted, shortest first, always the same;
    `order` says which row went where. Only NumPy's seeded generator is used.

    Args:
        sequences: integers ``(T,)`` or ``(T, C)``, or floats ``(T, D)``; T may differ, or be 0.
        labels: one for each sequence; or a list of integer arrays ``(T,)``, one for each step; or
            ``None``.
        sample_weight: one for each sequence, or ``None``.
        batch_size: rows of a batch; the one with the shortest may have fewer.
        max_length: cut longer sequences down to this.
        truncate: which end a cut keeps: ``"head"``, ``"tail"``, or ``"both"`` (half of each).
        shuffle: draw a new order for every epoch.
        seed: of the orders.

    Attributes:
        order: the rows' indices in the order in which they are given in this epoch. To undo it:
            ``restored = np.empty_like(predictions); restored[batches.order] = predictions``.
        tokens: real steps of an epoch, after the cut.
        padding_share: which share of all cells of this epoch is padding.
        epoch: the number of the epoch whose order this is.

    Raises:
        InputError: if lengths differ, or a setting or a sequence cannot be used.

    Example:
        >>> batches = BucketedBatches([np.array([5, 6, 7]), np.array([8])], [0, 1], batch_size=2)
        >>> ids, labels, _ = batches[0]
        >>> ids[:, :4].tolist(), labels.tolist(), batches.order.tolist()
        ([[8, 0, 0, 0], [5, 6, 7, 0]], [1, 0], [1, 0])
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        labels: np.ndarray | Sequence[int] | list[np.ndarray] | None = None,
        sample_weight: np.ndarray | Sequence[float] | None = None,
        *,
        batch_size: int,
        max_length: int | None = None,
        truncate: Truncate = "head",
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: expected 1 or more.")
        if max_length is not None and max_length < 1:
            raise InputError(f"max_length is {max_length}: expected 1 or more, or None.")
        if truncate not in get_args(Truncate):
            raise InputError(f"truncate is {truncate!r}: expected 'head', 'tail' or 'both'.")
        self.batch_size = batch_size
        self.max_length = max_length
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self._weights = _beside(sample_weight, len(sequences), "sample_weight")
        rows = [_checked(row, i) for i, row in enumerate(sequences)]
        self._labels: np.ndarray | None = None
        self._step_labels: list[np.ndarray] | None = None
        if isinstance(labels, list) and labels and np.ndim(labels[0]) == 1:
            if len(labels) != len(rows):
                raise InputError(f"There are labels for {len(labels)} of {len(rows)} sequences.")
            found = [_labels_of_steps(labels[i], row, i) for i, row in enumerate(rows)]
            self._step_labels = [_cut(label, max_length, truncate) for label in found]
        else:
            self._labels = _beside(labels, len(sequences), "labels")
        self._rows = [_cut(row, max_length, truncate) for row in rows]
        if len({row.shape[1:] for row in self._rows}) > 1:
            shapes = sorted({str(row.shape[1:]) for row in self._rows})
            raise InputError(f"The steps of the sequences have the shapes {', '.join(shapes)}.")
        self._lengths = np.array([len(row) for row in self._rows], dtype=np.int64)
        self.tokens = int(self._lengths.sum())
        self._draw()

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self._batches)

    def __getitem__(self, index: int) -> Batch:
        """Return one batch: the inputs, and labels and weights if they were given."""
        rows = self._batches[index]
        lengths = self._lengths[rows]
        steps = bucket_length(int(lengths.max()), self.max_length)
        first = self._rows[rows[0]]
        padded = _padded([self._rows[row] for row in rows], steps, first.shape[1:], first.dtype)
        real = np.arange(steps) < lengths[:, None]
        inputs = (padded, real) if first.dtype.kind == "f" else padded
        weights = None if self._weights is None else self._weights[rows]
        if self._step_labels is not None:
            labels = _padded([self._step_labels[row] for row in rows], steps, (), np.int32)
            weight = 1.0 if weights is None else weights[:, None]
            # Not float32: Keras's loss multiplies such weights by the network's mask in place where
            # they are torch tensors, and its weighted metrics then count the steps wrongly.
            return inputs, labels, (real * weight).astype("float64")
        return inputs, None if self._labels is None else self._labels[rows], weights

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch, if the rows are to be shuffled; the first is 0."""
        self.epoch = epoch
        if self.shuffle:
            self._draw()

    @property
    def order(self) -> np.ndarray:
        """Return the rows' indices in the order in which this epoch gives them."""
        return np.concatenate([np.zeros(0, np.int64), *self._batches])

    @property
    def padding_share(self) -> float:
        """Return which share of all cells of this epoch is padding."""
        cells = sum(
            len(rows) * bucket_length(int(self._lengths[rows].max()), self.max_length)
            for rows in self._batches
        )
        return 1 - self.tokens / cells if cells else 0.0

    def _draw(self) -> None:
        count, size = len(self._rows), self.batch_size
        if not self.shuffle:
            self._batches = into_batches(np.argsort(self._lengths, kind="stable"), size)
            return
        # The epoch is part of the seed: a run that starts again in epoch 3 draws epoch 3's order.
        random = np.random.default_rng((self.seed, self.epoch))
        shuffled = random.permutation(count)
        pools = [
            pool[np.argsort(self._lengths[pool], kind="stable")]
            for pool in (shuffled[i : i + POOL * size] for i in range(0, count, POOL * size))
        ]
        batches = [batch for pool in pools for batch in into_batches(pool, size)]
        self._batches = [batches[i] for i in random.permutation(len(batches))]


def _padded(rows: list[np.ndarray], steps: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    padded = np.zeros((len(rows), steps, *shape), dtype=dtype)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def _cut(row: np.ndarray, max_length: int | None, truncate: Truncate) -> np.ndarray:
    if max_length is None or len(row) <= max_length:
        return row
    if truncate == "head":
        return row[:max_length]
    if truncate == "tail":
        return row[-max_length:]
    tail = max_length // 2
    return np.concatenate([row[: max_length - tail], row[len(row) - tail :]])


def _checked(row: np.ndarray, index: int) -> np.ndarray:
    row = np.asarray(row)
    if row.size == 0 and row.ndim == 1:
        return row.astype(np.int32)  # np.asarray([]) is float
    if row.ndim == 2 and row.dtype.kind == "f":
        return row.astype(np.float32)
    if row.ndim not in (1, 2) or row.dtype.kind not in "iu":
        raise InputError(
            f"sequences[{index}] is {row.dtype} of shape {row.shape}: expected a row of integers, "
            "or floats (T, D); for texts, encode them with a Vocabulary first."
        )
    return row.astype(np.int32)


def _labels_of_steps(labels: Any, row: np.ndarray, index: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != row.shape[:1] or (labels.size and labels.dtype.kind not in "iu"):
        raise InputError(
            f"labels[{index}] is {labels.dtype} of shape {labels.shape}: expected {len(row)} whole "
            f"numbers, one for each step of sequences[{index}]."
        )
    return labels.astype(np.int32)


def _beside(values: object, count: int, name: str) -> np.ndarray | None:
    if values is None:
        return None
    values = np.asarray(values)
    if values.ndim == 0 or len(values) != count:
        raise InputError(f"{name} has shape {values.shape}, but there are {count} sequences.")
    return values
