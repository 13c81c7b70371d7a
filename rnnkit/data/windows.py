"""Long sequences -> consecutive windows of k steps, for truncated back-propagation through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError


class Window(NamedTuple):
    """k steps of B rows.

    Args:
        x: `(B, k, ...)`, the inputs; zeros where a row has come to its end.
        targets: `(B, k, ...)`, or None.
        weights: `(B, k)` float32, the weight of each step in the loss, 0 where the mask is false.
        mask: `(B, k)` boolean, true = real step.
        resets: `(B, k)` boolean, true = a sequence starts at this step.
    """

    x: np.ndarray
    targets: np.ndarray | None
    weights: np.ndarray
    mask: np.ndarray
    resets: np.ndarray


class Windows:
    """Sequences laid end to end in B parallel rows, cut into windows of k steps.

    Window i + 1 goes on in every row where window i ended, so that a network that carries its
    states from window to window reads each sequence from its start to its end. Where a sequence
    starts, in the middle of a window too, `resets` says so. Each sequence goes to the row that is
    the shortest so far; rows that end early are filled up and masked.

    Args:
        sequences: arrays `(T_i, ...)` of any length, or one array `(N, T, ...)`.
        targets: one array `(T_i, ...)` for each sequence, a value for each step; or None.
        sample_weight: one array `(T_i,)` for each sequence, a weight for each step; or None. A
            sequence with one label has its weight on the last step.
        window: k, the steps that a gradient goes back.
        rows: B, the rows of a batch.

    Attributes:
        steps: real steps in all windows together.

    Raises:
        InputError: no sequences, shapes that do not fit each other, sizes below 1.

    Source: Williams and Peng 1990, An Efficient Gradient-Based Algorithm for On-Line Training of
        Recurrent Network Trajectories.

    Example:
        >>> windows = Windows([np.arange(1, 6), np.arange(7, 9)], window=3, rows=2)
        >>> [window.x.tolist() for window in windows]
        [[[1, 2, 3], [7, 8, 0]], [[4, 5, 0], [0, 0, 0]]]
    """

    def __init__(
        self,
        sequences: Any,
        targets: Any = None,
        sample_weight: Any = None,
        *,
        window: int,
        rows: int,
    ) -> None:
        for label, size in (("window", window), ("rows", rows)):
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise InputError(f"{label} is {size!r}: expected a whole number from 1 on.")
        self.window, self.rows = int(window), int(rows)
        self._sequences = _alike(sequences, "sequences")
        self._lengths = [len(sequence) for sequence in self._sequences]
        self._targets = self._beside(targets, "targets")
        self._weights = self._beside(sample_weight, "sample_weight")
        self.steps = sum(self._lengths)
        self._places: list[tuple[int, int]] = []  # the row and the step where a sequence starts
        ends = [0] * self.rows
        for length in self._lengths:
            row = ends.index(min(ends))
            self._places.append((row, ends[row]))
            ends[row] += length
        self._count = -(-max(ends) // self.window)
        if not self._count:
            raise InputError("sequences have no steps: expected at least one step in one of them.")

    def __len__(self) -> int:
        """Return the number of windows."""
        return self._count

    def __getitem__(self, index: int) -> Window:
        """Return one window; the windows have to be taken in their order."""
        if not 0 <= index < self._count:
            raise IndexError(f"window {index} of {self._count}")
        begin, size = index * self.window, (self.rows, self.window)
        x = _empty(self._sequences, size)
        targets = None if self._targets is None else _empty(self._targets, size)
        weights, mask, resets = (
            np.zeros(size, "float32"),
            np.zeros(size, bool),
            np.zeros(size, bool),
        )
        resets[:, 0] = index == 0  # what a network still holds from the pass before
        for i, ((row, start), length) in enumerate(zip(self._places, self._lengths, strict=True)):
            first, last = max(start, begin), min(start + length, begin + self.window)
            if first >= last:
                continue
            here, there = slice(first - begin, last - begin), slice(first - start, last - start)
            x[row, here] = self._sequences[i][there]
            mask[row, here] = True
            weights[row, here] = 1.0 if self._weights is None else self._weights[i][there]
            if targets is not None and self._targets is not None:
                targets[row, here] = self._targets[i][there]
            if first == start:
                resets[row, start - begin] = True
        return Window(x, targets, weights, mask, resets)

    def restore(self, answers: np.ndarray) -> list[np.ndarray]:
        """Put answers to the windows together again, sequence by sequence.

        Args:
            answers: `(windows · B, k, ...)`, what `predict` returned for all windows.

        Returns:
            One array `(T_i, ...)` for each sequence.

        Raises:
            InputError: answers to other windows.

        Example:
            >>> windows = Windows([np.arange(5), np.arange(2)], window=3, rows=2)
            >>> answers = np.concatenate([10 * window.x for window in windows])
            >>> [answer.tolist() for answer in windows.restore(answers)]
            [[0, 10, 20, 30, 40], [0, 10]]
        """
        answers = np.asarray(answers)
        expected = (self._count * self.rows, self.window)
        if answers.shape[:2] != expected:
            raise InputError(
                f"answers have the shape {answers.shape}; expected {(*expected, '...')}: an answer "
                "for each step of each row of each window."
            )
        rest = answers.shape[2:]
        cut = answers.reshape(self._count, self.rows, self.window, *rest)
        whole = cut.swapaxes(0, 1).reshape(self.rows, -1, *rest)
        return [
            whole[row, start : start + length]
            for (row, start), length in zip(self._places, self._lengths, strict=True)
        ]

    def _beside(self, arrays: Any, label: str) -> list[np.ndarray] | None:
        """Return what comes beside the sequences; refuse another number or other lengths."""
        if arrays is None:
            return None
        arrays = _alike(arrays, label)
        lengths = [len(array) for array in arrays]
        if lengths != self._lengths:
            pairs = enumerate(zip(lengths, self._lengths, strict=False))
            what = f"{len(lengths)} {label} for {len(self._lengths)} sequences"
            for i, (one, other) in pairs:
                if one != other:
                    what = f"{label}[{i}] has {one} steps, its sequence {other}"
                    break
            raise InputError(f"{what}: expected one value for each step of each sequence.")
        return arrays


def fold(stream: Any, rows: int) -> list[np.ndarray]:
    """Cut one long stream into parallel pieces, for `Windows` to read side by side.

    Args:
        stream: `(T, ...)`.
        rows: the number of pieces.

    Returns:
        `rows` arrays of T / rows steps, the first ones a step longer where that does not divide.

    Raises:
        InputError: fewer steps than rows.

    Example:
        >>> [piece.tolist() for piece in fold(range(5), 2)]
        [[0, 1, 2], [3, 4]]
    """
    stream = np.asarray(stream)
    if rows < 1 or not stream.ndim or len(stream) < rows:
        raise InputError(f"the stream has the shape {stream.shape}: expected {rows} steps or more.")
    return np.array_split(stream, rows)


def _alike(arrays: Any, label: str) -> list[np.ndarray]:
    """Return a list of arrays of one shape but for their lengths, and of one dtype."""
    if isinstance(arrays, (str, bytes)) or not isinstance(arrays, (Sequence, np.ndarray)):
        raise InputError(f"{label} is {type(arrays).__name__}: expected a list of arrays.")
    found = [np.asarray(array) for array in arrays]
    if not found:
        raise InputError(f"{label} is empty: expected at least one array.")
    for i, array in enumerate(found):
        if (
            array.ndim == 0
            or array.shape[1:] != found[0].shape[1:]
            or array.dtype.kind not in "iufb"
        ):
            raise InputError(
                f"{label}[{i}] is {array.dtype} of shape {array.shape}: expected numbers of shape "
                f"{('T', *found[0].shape[1:])}, the steps first."
            )
    dtype = np.result_type(*found)
    return [array.astype(dtype, copy=False) for array in found]


def _empty(arrays: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    return np.zeros((*size, *arrays[0].shape[1:]), arrays[0].dtype)
