"""Texts as token ids -> windows of k tokens in B rows, a token and the one that follows it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from rnnkit.errors import InputError

BORDER = 0  # what stands before the first token of a text, and after its last
Helper = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, ...]]


class TextWindows:
    """Windows in which each row goes on where it ended in the window before, or starts anew.

    A text of n tokens gives n steps: the inputs are `BORDER, x_1 .. x_{n-1}`, the targets
    `x_1 .. x_n`; with `ends` one more, whose target is `BORDER`. Each text begins at the first step
    of a window, so that states have to be zeroed there alone, where every fast kernel can take it;
    the windows behind a text's last token are filled up with weight 0. A text that is longer than a
    row is cut into parts of equal length that lie in several rows. Of those all but the first begin
    with empty states in the middle of the text, knowing the one token before.

    A batch is `((ids, starts, [labels], *help), targets, weights)`: ids, targets int32 and weights
    float32 `(B, k)`; starts float32 `(B,)`, 1 = the row starts anew; labels int32 `(B,)`.

    Args:
        texts: the token ids of each text, from 1 on.
        labels: the class index of each text, or None.
        window: k, the steps that a gradient goes back.
        rows: B, the rows of a batch.
        ends: whether the end of a text is to be foretold, too.
        shuffle: for every epoch draw the order of the texts anew, and where parts begin.
        seed: of these draws, and of what `helper` draws.
        helper: more inputs, made from the targets and weights of a window.

    Attributes:
        tokens: targets of an epoch.

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
        helper: Helper | None = None,
    ) -> None:
        for label, size in (("window", window), ("rows", rows)):
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise InputError(f"{label} is {size!r}: expected a whole number from 1 on.")
        after = [BORDER] if ends else []
        self._texts = [
            np.concatenate([[BORDER], text, after]).astype("int32")
            for text in texts
            if len(text) or ends
        ]
        kept = [i for i, text in enumerate(texts) if len(text) or ends]
        self._labels = None if labels is None else np.asarray(labels, "int32")[kept]
        self.tokens = sum(len(text) - 1 for text in self._texts)
        if not self.tokens:
            raise InputError("The texts hold no token: expected at least one.")
        self.window, self.rows = int(window), int(rows)
        self.shuffle, self.seed, self.helper = shuffle, seed, helper
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Lay the texts out in rows, as the number of the epoch says."""
        self.epoch = epoch
        random = np.random.default_rng([self.seed, epoch])
        order = np.arange(len(self._texts))
        if self.shuffle:
            order = random.permutation(order)
        k = self.window
        pieces = [piece for i in order.tolist() for piece in self._cut(i, random)]
        heap = [(0, row) for row in range(self.rows)]  # windows that a row has, and its number
        places = []
        for _, start, end in pieces:
            length, row = heapq.heappop(heap)
            places.append((row, length))
            heapq.heappush(heap, (length - (start - end) // k, row))
        self._count = max(length for length, _ in heap)
        size = (self.rows, self._count * k)
        self._ids, self._targets = np.zeros(size, "int32"), np.zeros(size, "int32")
        self._real = np.zeros(size, bool)
        self._starts = np.zeros((self.rows, self._count), "float32")
        self._row_labels = np.zeros((self.rows, self._count), "int32")
        for (i, start, end), (row, first) in zip(pieces, places, strict=True):
            here = slice(first * k, first * k + end - start)
            self._ids[row, here] = self._texts[i][start:end]
            self._targets[row, here] = self._texts[i][start + 1 : end + 1]
            self._real[row, here] = True
            self._starts[row, first] = 1.0
            if self._labels is not None:
                self._row_labels[row, first : first - (start - end) // k] = self._labels[i]

    def _cut(self, i: int, random: np.random.Generator) -> list[tuple[int, int, int]]:
        """Return the parts of a text: its number, first step, and the step after the last."""
        steps = len(self._texts[i]) - 1
        row = -(-self.tokens // self.rows)
        parts = max(1, round(steps / row))
        borders = np.linspace(0, steps, parts + 1).round().astype(int)
        if self.shuffle and parts > 1:  # windows begin elsewhere in each epoch
            borders[1:-1] += random.integers(min(self.window, row))
        return [(i, int(a), int(b)) for a, b in itertools.pairwise(borders) if a < b]

    def __len__(self) -> int:
        """Return the number of windows."""
        return self._count

    def __getitem__(self, index: int) -> tuple:
        """Return one window; the windows have to be taken in their order."""
        if not 0 <= index < self._count:
            raise IndexError(f"window {index} of {self._count}")
        here = slice(index * self.window, (index + 1) * self.window)
        targets, weights = self._targets[:, here], self._real[:, here].astype("float32")
        inputs = [self._ids[:, here], self._starts[:, index]]
        if self._labels is not None:
            inputs.append(self._row_labels[:, index])
        if self.helper is not None:
            random = np.random.default_rng([self.seed, self.epoch, index])
            inputs += self.helper(targets, weights, random)
        return tuple(inputs), targets, weights
