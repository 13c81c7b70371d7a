"""Texts as token ids -> windows of k tokens in B rows, a token and the one that follows it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from rnnkit.errors import InputError

MIN_WINDOWS = (
    4  # windows of a part of a text: shorter ones would know too little of what came before
)
RESTARTS = 0.02  # share of a row's windows in training that begin with empty states
BOS_EOS_ID = 0  # what stands before the first token of a text, and after its last
ExtraInputs = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, ...]]


class TextWindows:
    """Windows in which each row goes on where it ended in the window before, or starts anew.

    A text of n tokens gives n steps: the inputs are `BOS_EOS_ID, x_1 .. x_{n-1}`, the targets
    `x_1 .. x_n`; with `ends` one more, whose target is `BOS_EOS_ID`. Each text begins at the first step
    of a window, so that states have to be zeroed there alone, where every fast kernel can take it;
    the windows behind a text's last token are filled up with weight 0. A text that is longer than a
    row is cut into parts of equal length, four windows at least, that lie in several rows. Of those
    all but the first begin with empty states in the middle of the text, knowing the one token
    before.

    A batch is `((ids, starts, [labels], *help), targets, weights)`: ids, targets int32 and weights
    float32 `(B, k)`; starts float32 `(B,)`, 1 = the row starts anew; labels int32 `(B,)`.

    Args:
        texts: the token ids of each text, from 1 on.
        labels: the class index of each text, or None.
        window: k, the steps that a gradient goes back.
        rows: B, the rows of a batch.
        ends: whether the end of a text is to be foretold, too.
        shuffle: for every epoch draw the order of the texts anew, and where parts begin; and empty
            the states before a few windows more, so that short prompts are known, too.
        seed: of these draws, and of what `extra_inputs` draws.
        extra_inputs: more inputs, made from the targets and weights of a window.

    Attributes:
        tokens: targets of an epoch.
        order: the index of the text of each part, row by row, in the order of this epoch.

    Raises:
        InputError: no token in the texts, sizes below 1.

    Source: Williams and Peng 1990 (truncated back-propagation through time).

    Example:
        >>> windows = TextWindows([np.arange(1, 6), np.arange(7, 9)], window=3, rows=2)
        >>> [(x[0].tolist(), x[1].tolist(), y.tolist()) for x, y, _ in windows]
        ... # doctest: +NORMALIZE_WHITESPACE
        [([[0, 1, 2], [0, 7, 0]], [1.0, 1.0], [[1, 2, 3], [7, 8, 0]]),
         ([[3, 4, 0], [0, 0, 0]], [0.0, 0.0], [[4, 5, 0], [0, 0, 0]])]
    """

    def __init__(
        self,
        texts: Sequence[np.ndarray],
        labels: np.ndarray | None = None,
        *,
        window: int,
        rows: int,
        ends: bool = False,
        shuffle: bool = False,
        seed: int = 0,
        extra_inputs: ExtraInputs | None = None,
    ) -> None:
        for label, size in (("window", window), ("rows", rows)):
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise InputError(f"{label} is {size!r}: expected a whole number from 1 on.")
        after = [BOS_EOS_ID] if ends else []
        self._texts = [
            np.concatenate([[BOS_EOS_ID], text, after]).astype("int32")
            for text in texts
            if len(text) or ends
        ]
        self._kept = np.array([i for i, text in enumerate(texts) if len(text) or ends], np.int64)
        self._labels = None if labels is None else np.asarray(labels, "int32")[self._kept]
        self.tokens = sum(len(text) - 1 for text in self._texts)
        if not self.tokens:
            raise InputError("The texts hold no token: expected at least one.")
        self.window, self.rows = int(window), int(rows)
        self.shuffle, self.seed, self.extra_inputs = shuffle, seed, extra_inputs
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Lay the texts out in rows, as the number of the epoch says."""
        self.epoch = epoch
        random = np.random.default_rng([self.seed, epoch])
        pieces = [piece for i in range(len(self._texts)) for piece in self._cut(i)]
        if self.shuffle:
            pieces = [pieces[i] for i in random.permutation(len(pieces)).tolist()]
        # The longest first, each to the row that is the shortest so far: however they were drawn,
        # there are as many windows in every epoch.
        k = self.window
        rows: list[list[tuple[int, int, int]]] = [[] for _ in range(self.rows)]
        heap = [(0, row) for row in range(self.rows)]  # windows that a row has, and its number
        for piece in sorted(pieces, key=lambda piece: piece[1] - piece[2]):
            length, row = heapq.heappop(heap)
            rows[row].append(piece)
            heapq.heappush(heap, (length + -(-(piece[2] - piece[1]) // k), row))
        self._count = max(length for length, _ in heap)
        shift = int(random.integers(k)) if self.shuffle else 0
        size = (self.rows, self._count * k)
        self._ids, self._targets = np.zeros(size, "int32"), np.zeros(size, "int32")
        self._real = np.zeros(size, bool)
        self._starts = np.zeros((self.rows, self._count), "float32")
        self._row_labels = np.zeros((self.rows, self._count), "int32")
        if self.shuffle:
            # Of one long text states are empty at the first window alone, and a network that saw
            # them so seldom writes nonsense after a short prompt.
            self._starts[random.random(self._starts.shape) < RESTARTS] = 1.0
        self._pieces: list[tuple[int, int, int, int, int]] = []
        for row, found in enumerate(rows):
            first = 0
            for place in random.permutation(len(found)) if self.shuffle else range(len(found)):
                i, start, end = found[place]
                windows = -(-(end - start) // k)
                if (start, end) != (0, len(self._texts[i]) - 1) and end - start > k:
                    # A part of a text: in each epoch its windows begin elsewhere.
                    start, end = start + shift, min(end + shift, len(self._texts[i]) - 1)
                self._put(i, start, end, row, first)
                self._row_labels[row, first : first + windows] = (
                    0 if self._labels is None else self._labels[i]
                )
                first += windows

    @property
    def order(self) -> np.ndarray:
        """Return the index of the text of each part, row by row, in the order of this epoch."""
        return self._kept[[i for i, *_ in self._pieces]]

    def _put(self, i: int, start: int, end: int, row: int, first: int) -> None:
        here = slice(first * self.window, first * self.window + end - start)
        self._ids[row, here] = self._texts[i][start:end]
        self._targets[row, here] = self._texts[i][start + 1 : end + 1]
        self._real[row, here] = True
        self._starts[row, first] = 1.0
        self._pieces.append((i, start, end, row, first))

    def _cut(self, i: int) -> list[tuple[int, int, int]]:
        """Return the parts of a text: its number, first step, and the step after the last."""
        steps = len(self._texts[i]) - 1
        row = -(-self.tokens // self.rows)
        parts = max(1, min(round(steps / row), steps // (MIN_WINDOWS * self.window)))
        borders = np.linspace(0, steps, parts + 1).round().astype(int)
        return [(i, int(a), int(b)) for a, b in itertools.pairwise(borders)]

    def __len__(self) -> int:
        """Return the number of windows."""
        return self._count

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
        """Return one window; the windows have to be taken in their order."""
        if not 0 <= index < self._count:
            raise IndexError(f"window {index} of {self._count}")
        here = slice(index * self.window, (index + 1) * self.window)
        targets, weights = self._targets[:, here], self._real[:, here].astype("float32")
        inputs = [self._ids[:, here], self._starts[:, index]]
        if self._labels is not None:
            inputs.append(self._row_labels[:, index])
        if self.extra_inputs is not None:
            random = np.random.default_rng([self.seed, self.epoch, index])
            inputs += self.extra_inputs(targets, weights, random)
        return tuple(inputs), targets, weights

    def restore(self, values: np.ndarray) -> list[np.ndarray]:
        """Put what was computed for each step together again, text by text.

        Args:
            values: `(B, windows · k, ...)`.

        Returns:
            One array `(steps, ...)` for each text, in their order; texts without a step have none.

        Example:
            >>> windows = TextWindows([np.arange(1, 8), np.arange(8, 9)], window=2, rows=2)
            >>> targets = np.concatenate([y for _, y, _ in windows], axis=1)
            >>> [row.tolist() for row in windows.restore(targets)]
            [[1, 2, 3, 4, 5, 6, 7], [8]]
        """
        parts: list[list[tuple[int, np.ndarray]]] = [[] for _ in self._texts]
        for i, start, end, row, first in self._pieces:
            here = slice(first * self.window, first * self.window + end - start)
            parts[i].append((start, values[row, here]))
        return [
            np.concatenate([part for _, part in sorted(found, key=lambda pair: pair[0])])
            for found in parts
        ]
