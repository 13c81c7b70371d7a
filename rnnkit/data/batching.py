"""Length bucketing: padded batches of sequences of similar length."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from rnnkit.errors import InputError, check_choice, check_count

Truncate = Literal["head", "tail", "both"]
Inputs = np.ndarray | tuple[np.ndarray, np.ndarray]  # ids; or values and mask
Batch = tuple[Inputs, np.ndarray | None, np.ndarray | None]

PROGRAM_CELLS = 120_000  # steps of an epoch that cost what compiling a program does
POOL = 50  # batches sorted together: larger = less padding, smaller = more random batches


def bucket_length(length: int, max_length: int | None = None) -> int:
    """Round a length up to the next of 8, 16, 24, 32, 40, 48, 64, 80, 96, 120 ...: about x 1.25.

    The buckets, at most `max_length`, are the same for every data set, so train, validation and
    prediction share their shapes, and XLA, which compiles for each shape, compiles few. Of these,
    batches use those that `choose_widths` returns.

    Example:
        >>> [bucket_length(n, 100) for n in (0, 8, 9, 60, 89)]
        [8, 8, 16, 64, 96]
    """
    bucket = 8
    while bucket < length:
        bucket = max(bucket + 8, round(bucket * 1.25 / 8) * 8)
    return bucket if max_length is None else min(bucket, max_length)


def choose_widths(
    lengths: np.ndarray, max_length: int | None = None, program_cells: int | None = None
) -> tuple[int, ...]:
    """Return the buckets that rows of these lengths are padded to, narrowest first.

    Of all choices of buckets, the one with the lowest cost of an epoch, in steps: those of all
    rows, padded to the next width, and `program_cells`, by default `PROGRAM_CELLS`, for each width.
    Of a small set all rows have the same width. Dynamic programming over the buckets.

    Example:
        >>> choose_widths(np.array([5, 30, 90])), choose_widths(np.array([5, 30, 90] * 4000))
        ((96,), (32, 96))
    """
    different, rows = np.unique(lengths, return_counts=True)
    counts: dict[int, int] = {}  # bucket -> rows, narrowest first
    for length, count in zip(different.tolist(), rows.tolist(), strict=True):
        bucket = bucket_length(length, max_length)
        counts[bucket] = counts.get(bucket, 0) + count
    buckets, before = list(counts), [0, *itertools.accumulate(counts.values())]
    program = PROGRAM_CELLS if program_cells is None else program_cells
    # The best choice for the rows of the first buckets: its cost, and its widths.
    best: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for last, width in enumerate(buckets, start=1):
        choices = [
            (cost + program + width * (before[last] - before[first]), (*widths, width))
            for first, (cost, widths) in enumerate(best)
        ]
        best.append(min(choices))
    return best[-1][1]


def width_of(length: int, widths: Sequence[int]) -> int:
    """Return the narrowest of the widths that a length fits in.

    Example:
        >>> width_of(9, (8, 32, 96))
        32
    """
    return next(width for width in widths if width >= length)


def into_batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Split rows, sorted by length, into batches; the first batch may be smaller.

    The shortest rows of a pool are in the same bucket in almost every epoch, the longest are not:
    so the smaller batch has one shape, too, and XLA compiles it once.

    Example:
        >>> [batch.tolist() for batch in into_batches(np.arange(5), 2)]
        [[0], [1, 2], [3, 4]]
    """
    first = len(rows) % size
    starts = [*([0] if first else []), *range(first, len(rows), size)]
    return [rows[start:end] for start, end in itertools.pairwise([*starts, len(rows)])]


class EpochBatches:
    """Base class of padded batches that are drawn anew for every epoch.

    A subclass has `_draw`, which sets `_batches`, the rows of each batch. `epoch` is the number of
    this epoch.
    """

    _batches: list[np.ndarray]

    def __init__(self, batch_size: int, shuffle: bool, seed: int) -> None:
        self.batch_size = check_count("batch_size", batch_size)
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0

    def __len__(self) -> int:
        return len(self._batches)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch where rows are shuffled; the first epoch is 0."""
        self.epoch = epoch
        if self.shuffle:
            self._draw()

    @property
    def order(self) -> np.ndarray:
        """Return the indices of the rows in the order of this epoch."""
        return np.concatenate([np.zeros(0, np.int64), *self._batches])

    def _draw(self) -> None:
        raise NotImplementedError


class BucketedBatches(EpochBatches):
    """Batches of sequences of similar length, padded with 0, as ``(inputs, labels, weights)``.

    The inputs are ids ``(B, T)`` or ``(B, T, C)``, where 0 is padding; for series of numbers they
    are ``(values, mask)``: ``(B, T, D)`` and boolean ``(B, T)``, True at real steps. There is a
    label for each sequence, or for each step: then labels are padded and truncated like their
    sequences, and weights ``(B, T)`` are 0 at the padding. Rows are shuffled, sorted by length
    within pools of `POOL` batches, split into batches, and the batches shuffled. Without `shuffle`
    all rows are sorted, shortest first, in every epoch. Only NumPy's seeded generator is used.

    Args:
        sequences: integers ``(T,)`` or ``(T, C)``, or floats ``(T, D)``; T may differ, or be 0.
        labels: one for each sequence; or a list of integer arrays ``(T,)``, one for each step; or
            ``None``.
        sample_weight: one for each sequence, or ``None``.
        batch_size: rows of a batch; the batch with the shortest sequences may have fewer.
        max_length: longer sequences are truncated to this length.
        truncate: which end is kept: ``"head"``, ``"tail"``, or ``"both"`` (half of each).
        shuffle: draw a new order for every epoch.
        seed: of the orders.
        program_cells: steps of an epoch that cost what a program for one more width does; see
            `choose_widths`.

    Attributes:
        order: the indices of the rows in the order of this epoch. To undo it:
            ``restored = np.empty_like(predictions); restored[batches.order] = predictions``.
        tokens: real steps of an epoch, after truncation.
        widths: the lengths that rows are padded to; see `choose_widths`.

    Raises:
        InputError: labels or weights do not match, or a setting or a sequence is invalid.

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
        program_cells: int | None = None,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        if max_length is not None:
            check_count("max_length", max_length)
        check_choice("truncate", truncate, get_args(Truncate))
        self.max_length = max_length
        self._weights = _for_each_sequence(sample_weight, len(sequences), "sample_weight")
        rows = [_check_sequence(row, i) for i, row in enumerate(sequences)]
        self._labels: np.ndarray | None = None
        self._step_labels: list[np.ndarray] | None = None
        if isinstance(labels, list) and labels and np.ndim(labels[0]) == 1:
            if len(labels) != len(rows):
                raise InputError(f"There are labels for {len(labels)} of {len(rows)} sequences.")
            found = [_check_step_labels(labels[i], row, i) for i, row in enumerate(rows)]
            self._step_labels = [_truncated(label, max_length, truncate) for label in found]
        else:
            self._labels = _for_each_sequence(labels, len(sequences), "labels")
        self._rows = [_truncated(row, max_length, truncate) for row in rows]
        if len({row.shape[1:] for row in self._rows}) > 1:
            shapes = sorted({str(row.shape[1:]) for row in self._rows})
            raise InputError(f"The steps of the sequences have the shapes {', '.join(shapes)}.")
        self._lengths = np.array([len(row) for row in self._rows], dtype=np.int64)
        self.widths = choose_widths(self._lengths, max_length, program_cells)
        self.tokens = int(self._lengths.sum())
        self._draw()

    def __getitem__(self, index: int) -> Batch:
        rows = self._batches[index]
        lengths = self._lengths[rows]
        steps = self._width(rows)
        first = self._rows[rows[0]]
        padded = pad([self._rows[row] for row in rows], steps, first.shape[1:], first.dtype)
        real = np.arange(steps) < lengths[:, None]
        inputs = (padded, real) if first.dtype.kind == "f" else padded
        weights = None if self._weights is None else self._weights[rows]
        if self._step_labels is not None:
            labels = pad([self._step_labels[row] for row in rows], steps)
            weight = 1.0 if weights is None else weights[:, None]
            # Not float32: Keras's loss multiplies float32 torch tensors by the mask in place, and
            # its weighted metrics then count the steps wrongly.
            return inputs, labels, (real * weight).astype("float64")
        return inputs, None if self._labels is None else self._labels[rows], weights

    def shapes(self, rows: int | None = None) -> set[tuple[int, int]]:
        """Return the different shapes `(B, T)` of the batches of this epoch.

        Args:
            rows: the number of rows that smaller batches are filled up to.
        """
        return {(rows or len(batch), self._width(batch)) for batch in self._batches}

    @property
    def padding_share(self) -> float:
        """Return the share of padding in this epoch."""
        cells = sum(len(rows) * self._width(rows) for rows in self._batches)
        return 1 - self.tokens / cells if cells else 0.0

    def _width(self, rows: np.ndarray) -> int:
        """Return the number of steps that a batch of these rows is padded to."""
        return width_of(int(self._lengths[rows].max()), self.widths)

    def _draw(self) -> None:
        count, size = len(self._rows), self.batch_size
        if not self.shuffle:
            self._batches = into_batches(np.argsort(self._lengths, kind="stable"), size)
            return
        # The epoch is part of the seed: a run resumed in epoch 3 draws the order of epoch 3.
        random = np.random.default_rng((self.seed, self.epoch))
        shuffled = random.permutation(count)
        pools = [
            pool[np.argsort(self._lengths[pool], kind="stable")]
            for pool in (shuffled[i : i + POOL * size] for i in range(0, count, POOL * size))
        ]
        batches = [batch for pool in pools for batch in into_batches(pool, size)]
        self._batches = [batches[i] for i in random.permutation(len(batches))]


def pad(
    rows: Sequence[np.ndarray], steps: int, shape: tuple[int, ...] = (), dtype: Any = np.int32
) -> np.ndarray:
    """Return rows as one array `(B, steps, *shape)`, padded with 0."""
    padded = np.zeros((len(rows), steps, *shape), dtype=dtype)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def _truncated(row: np.ndarray, max_length: int | None, truncate: Truncate) -> np.ndarray:
    if max_length is None or len(row) <= max_length:
        return row
    if truncate == "head":
        return row[:max_length]
    if truncate == "tail":
        return row[-max_length:]
    tail = max_length // 2
    return np.concatenate([row[: max_length - tail], row[len(row) - tail :]])


def _check_sequence(row: np.ndarray, index: int) -> np.ndarray:
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


def _check_step_labels(labels: Any, row: np.ndarray, index: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != row.shape[:1] or (labels.size and labels.dtype.kind not in "iu"):
        raise InputError(
            f"labels[{index}] is {labels.dtype} of shape {labels.shape}: expected {len(row)} "
            f"integers, one for each step of sequences[{index}]."
        )
    return labels.astype(np.int32)


def _for_each_sequence(values: object, count: int, name: str) -> np.ndarray | None:
    if values is None:
        return None
    values = np.asarray(values)
    if values.ndim == 0 or len(values) != count:
        raise InputError(f"{name} has shape {values.shape}, but there are {count} sequences.")
    return values
