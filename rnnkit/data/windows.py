"""Windows of long sequences for truncated back-propagation through time (TBPTT)."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError, check_count


class Window(NamedTuple):
    """k steps of B rows.

    Attributes:
        x: `(B, k, ...)`, the inputs; zeros after the end of a row.
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


class Layout(NamedTuple):
    """Row and first step of each sequence in B parallel rows, and the length of all rows."""

    places: Sequence[tuple[int, int]]
    steps: int


class Windows:
    """Sequences laid end to end in B parallel rows, split into consecutive windows of k steps.

    Window i + 1 continues every row where window i ended, so that a network that carries its states
    from window to window reads each sequence from its start to its end. `resets` is true where a
    sequence starts, also in the middle of a window. Each sequence is assigned to the row that is
    the shortest so far; rows that end early are padded and masked.

    Args:
        sequences: arrays `(T_i, ...)` of any length, or one array `(N, T, ...)`.
        targets: one array `(T_i, ...)` for each sequence, a value for each step; or None.
        sample_weight: one array `(T_i,)` for each sequence, a weight for each step; or None. A
            sequence with one label has its weight on the last step.
        window: k, the number of steps that gradients are propagated back.
        rows: B, the rows of a batch.
        layout: the positions of the sequences; None = they are assigned as said above.

    Raises:
        InputError: no sequences, shapes that do not match, sizes below 1.

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
        layout: Layout | None = None,
    ) -> None:
        self.window, self.rows = check_count("window", window), check_count("rows", rows)
        arrays = _uniform(sequences, "sequences")
        self._lengths = [len(array) for array in arrays]
        self.steps = sum(self._lengths)  # real steps in all windows together
        if not self.steps:
            raise InputError("sequences have no steps: expected at least one step in one of them.")
        if layout is None:
            layout = lay_end_to_end(assign_rows(self._lengths, self.rows), self._lengths)
        self._places = layout.places
        self._count = -(-layout.steps // self.window)
        ones = [np.ones(length, bool) for length in self._lengths]
        weights = ones if sample_weight is None else self._per_step(sample_weight, "sample_weight")
        mask = self._in_rows(ones)
        resets = np.zeros_like(mask)
        resets[:, 0] = True  # not the states after an earlier pass
        for (row, start), length in zip(self._places, self._lengths, strict=True):
            if length:
                resets[row, start] = True
        self._rows = Window(
            self._in_rows(arrays),
            self._in_rows(self._per_step(targets, "targets")),
            self._in_rows(weights).astype("float32"),
            mask,
            resets,
        )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Window:
        """Return one window; they have to be used in their order."""
        if not 0 <= index < self._count:
            raise IndexError(f"window {index} of {self._count}")
        here = np.s_[:, index * self.window : (index + 1) * self.window]
        # Copies: Keras's loss multiplies weights in place.
        parts: Any = (None if part is None else part[here].copy() for part in self._rows)
        return Window(*parts)

    def restore(self, answers: np.ndarray) -> list[np.ndarray]:
        """Join the answers to the windows, `(windows · B, k, ...)`, to one array per sequence.

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
        windows = answers.reshape(self._count, self.rows, self.window, *rest)
        return self.sequences_of(windows.swapaxes(0, 1).reshape(self.rows, -1, *rest))

    def sequences_of(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the values of each sequence from those of whole rows, `(B, windows · k, ...)`."""
        return [
            rows[row, start : start + length]
            for (row, start), length in zip(self._places, self._lengths, strict=True)
        ]

    def _in_rows(self, arrays: list[np.ndarray] | None) -> Any:
        if arrays is None:
            return None
        size = (self.rows, self._count * self.window, *arrays[0].shape[1:])
        filled = np.zeros(size, arrays[0].dtype)
        for array, (row, start) in zip(arrays, self._places, strict=True):
            filled[row, start : start + len(array)] = array
        return filled

    def _per_step(self, arrays: Any, label: str) -> Any:
        if arrays is None:
            return None
        arrays = _uniform(arrays, label)
        lengths = [len(array) for array in arrays]
        if lengths != self._lengths:
            message = f"{len(lengths)} {label} for {len(self._lengths)} sequences"
            for i, (one, other) in enumerate(zip(lengths, self._lengths, strict=False)):
                if one != other:
                    message = f"{label}[{i}] has {one} steps, its sequence {other}"
                    break
            raise InputError(f"{message}: expected one value for each step of each sequence.")
        return arrays


def assign_rows(lengths: Sequence[int], rows: int) -> list[list[int]]:
    """Return the sequences of each row: each is assigned to the row that is the shortest so far.

    Example:
        >>> assign_rows([5, 2, 1, 4], 2)
        [[0], [1, 2, 3]]
    """
    found: list[list[int]] = [[] for _ in range(rows)]
    heap = [(0, row) for row in range(rows)]  # the length of each row so far
    for i, length in enumerate(lengths):
        total, row = heapq.heappop(heap)
        found[row].append(i)
        heapq.heappush(heap, (total + length, row))
    return found


def lay_end_to_end(rows: Sequence[Sequence[int]], lengths: Sequence[int]) -> Layout:
    """Return the positions of sequences that follow each other in each row.

    Example:
        >>> lay_end_to_end([[0], [1, 2]], [5, 2, 1])
        Layout(places=[(0, 0), (1, 0), (1, 2)], steps=5)
    """
    places = [(0, 0)] * len(lengths)
    longest = 0
    for row, members in enumerate(rows):
        end = 0
        for i in members:
            places[i] = (row, end)
            end += lengths[i]
        longest = max(longest, end)
    return Layout(places, longest)


def fold(stream: Any, rows: int) -> list[np.ndarray]:
    """Split one long stream `(T, ...)` into `rows` parallel pieces for `Windows`.

    Where T is no multiple of the rows, the first pieces are a step longer.

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


def _uniform(arrays: Any, label: str) -> list[np.ndarray]:
    """Return arrays that differ in length alone, of one dtype."""
    if isinstance(arrays, (str, bytes)) or not isinstance(arrays, (Sequence, np.ndarray)):
        raise InputError(f"{label} is {type(arrays).__name__}: expected a list of arrays.")
    found = [np.asarray(array) for array in arrays]
    if not found:
        raise InputError(f"{label} is empty: expected at least one array.")
    for i, array in enumerate(found):
        same = array.ndim > 0 and array.shape[1:] == found[0].shape[1:]
        if not same or array.dtype.kind not in "iufb":
            raise InputError(
                f"{label}[{i}] is {array.dtype} of shape {array.shape}: expected numbers of shape "
                f"{('T', *found[0].shape[1:])}, the steps first."
            )
    dtype = np.result_type(*found)
    return [array.astype(dtype, copy=False) for array in found]
