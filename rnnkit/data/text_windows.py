"""Token ids of texts in contiguous windows, for language models trained by truncated BPTT."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.data.windows import assign_rows, lay_end_to_end
from rnnkit.errors import InputError, check_count

MIN_WINDOWS = 4  # windows of a part of a text; in shorter ones too many tokens lack their context
RESET_RATE = 0.02  # share of training windows that begin with zero states for no other reason
BOS_EOS_ID = 0  # the input before the first token of a text, and the target after its last
ExtraInputs = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, ...]]


class _Part(NamedTuple):
    """The steps of a text from `start` to before `end`."""

    text: int
    start: int
    end: int


class TextWindows:
    """Contiguous TBPTT batches: row b continues that of the previous batch unless `starts[b]` is 1.

    A text of n tokens gives n steps: the inputs are `BOS_EOS_ID, x_1 .. x_{n-1}`, the targets
    `x_1 .. x_n`; with `ends` there is one more step, whose target is `BOS_EOS_ID`. Each text begins
    at the first step of a window, so that states are reset only there, which all fast kernels
    support; windows are padded with weight 0 after the last token of a text. A text that is longer
    than a row is split into parts of equal length, of at least four windows, in several rows. All
    parts but the first begin with zero states in the middle of the text, given only the one token
    before.

    A batch is `((ids, starts, [labels], *extra), targets, weights)`: ids, targets int32 and weights
    float32 `(B, k)`; starts float32 `(B,)`, 1 = zero states; labels int32 `(B,)`.

    Args:
        texts: the token ids of each text, from 1 on; see also `rnnkit.data.token_files`.
        labels: the class index of each text, or None.
        window: k, the number of steps that gradients are propagated back.
        rows: B, the rows of a batch.
        ends: whether the end of a text is predicted, too.
        shuffle: in every epoch draw the order of the texts and the beginnings of parts, and reset
            the states before a few more windows, so that the network learns short contexts, too.
        seed: of these draws, and of the draws of `extra_inputs`.
        extra_inputs: a function that makes more inputs from the targets and weights of a window.

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
        self.window, self.rows = check_count("window", window), check_count("rows", rows)
        # Steps of each text; the texts stay where they are, which may be the disk.
        steps = np.fromiter(map(len, texts), np.int64, len(texts)) + bool(ends)
        self._source, self._kept = texts, np.flatnonzero(steps)
        self._steps: list[int] = steps[self._kept].tolist()
        self._labels = None if labels is None else np.asarray(labels, "int32")[self._kept]
        self.tokens = sum(self._steps)  # targets of an epoch
        if not self.tokens:
            raise InputError("The texts hold no token: expected at least one.")
        self.shuffle, self.seed, self.extra_inputs = shuffle, seed, extra_inputs
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Lay the texts out in rows; the order is drawn from the seed and the epoch."""
        self.epoch = epoch
        random = np.random.default_rng([self.seed, epoch])
        parts = [part for i in range(len(self._steps)) for part in self._parts_of(i)]
        if self.shuffle:
            parts = [parts[i] for i in random.permutation(len(parts)).tolist()]
        # The longest first, so that every epoch has the same number of windows in whatever order.
        parts.sort(key=lambda part: part.start - part.end)
        k = self.window
        counts = [-(-(part.end - part.start) // k) for part in parts]  # windows
        rows = assign_rows(counts, self.rows)
        shift = int(random.integers(k)) if self.shuffle else 0
        size = (self.rows, max(sum(counts[p] for p in row) for row in rows))
        self._starts, self._row_labels = np.zeros(size, "float32"), np.zeros(size, "int32")
        if self.shuffle:
            # In one long text only the first window has zero states; a network that saw them so
            # rarely writes nonsense after a short prompt.
            self._starts[random.random(size) < RESET_RATE] = 1.0
            rows = [[row[p] for p in random.permutation(len(row)).tolist()] for row in rows]
        self._places = lay_end_to_end(rows, counts).places  # row and window of each part
        self._part_at = np.full(size, -1)
        for p, (row, first) in enumerate(self._places):
            self._part_at[row, first : first + counts[p]] = p
            self._starts[row, first] = 1.0
            if self._labels is not None:
                self._row_labels[row, first : first + counts[p]] = self._labels[parts[p].text]
        self._parts = [self._shifted(part, shift) for part in parts]
        self._row_order = [p for row in rows for p in row]

    @property
    def order(self) -> np.ndarray:
        """Return the index of the text of each part, row by row, in the order of this epoch."""
        return self._kept[[self._parts[p].text for p in self._row_order]]

    def _parts_of(self, i: int) -> list[_Part]:
        """Return the parts of a text that lie in different rows."""
        steps = self._steps[i]
        row = -(-self.tokens // self.rows)
        parts = max(1, min(round(steps / row), steps // (MIN_WINDOWS * self.window)))
        borders = np.linspace(0, steps, parts + 1).round().astype(int).tolist()
        return [_Part(i, start, end) for start, end in itertools.pairwise(borders)]

    def _shifted(self, part: _Part, shift: int) -> _Part:
        """Return a part whose windows begin elsewhere; whole texts and short parts stay."""
        i, start, end = part
        steps = self._steps[i]
        if (start, end) == (0, steps) or end - start <= self.window:
            return part
        return _Part(i, start + shift, min(end + shift, steps))

    def __len__(self) -> int:
        return self._starts.shape[1]

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
        """Return one window; the windows have to be used in their order."""
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        size = (self.rows, self.window)
        ids, targets = np.zeros(size, "int32"), np.zeros(size, "int32")
        weights = np.zeros(size, "float32")
        for row, p in enumerate(self._part_at[:, index].tolist()):
            if p < 0:
                continue
            i, begin, end = self._parts[p]
            start = begin + (index - self._places[p][1]) * self.window
            count = min(self.window, end - start)
            if count <= 0:  # a part at the end of a text may lose its last window to the shift
                continue
            read = self._read(i, start, start + count + 1)
            ids[row, :count], targets[row, :count] = read[:-1], read[1:]
            weights[row, :count] = 1.0
        inputs = [ids, self._starts[:, index].copy()]
        if self._labels is not None:
            inputs.append(self._row_labels[:, index])
        if self.extra_inputs is not None:
            random = np.random.default_rng([self.seed, self.epoch, index])
            inputs += self.extra_inputs(targets, weights, random)
        return tuple(inputs), targets, weights

    def _read(self, i: int, start: int, end: int) -> np.ndarray:
        """Return ids `start` to before `end` of a text with its beginning and end, both 0."""
        text = self._source[self._kept[i]]
        inside = text[max(start - 1, 0) : end - 1]
        border = np.zeros(1, inside.dtype)
        parts = [border] if start == 0 else []
        parts += [inside, border] if end - 1 > len(text) else [inside]
        return np.concatenate(parts)

    def restore(self, values: np.ndarray) -> list[np.ndarray]:
        """Join the values of all steps, `(B, windows · k, ...)`, to `(steps, ...)` for each text.

        Texts without a step are left out.

        Example:
            >>> windows = TextWindows([np.arange(1, 8), np.arange(8, 9)], window=2, rows=2)
            >>> targets = np.concatenate([y for _, y, _ in windows], axis=1)
            >>> [row.tolist() for row in windows.restore(targets)]
            [[1, 2, 3, 4, 5, 6, 7], [8]]
        """
        found: list[list[tuple[int, np.ndarray]]] = [[] for _ in self._steps]
        for part, (row, first) in zip(self._parts, self._places, strict=True):
            start = first * self.window
            rows = values[row, start : start + part.end - part.start]
            found[part.text].append((part.start, rows))
        ordered = (sorted(parts, key=lambda part: part[0]) for parts in found)
        return [np.concatenate([rows for _, rows in parts]) for parts in ordered]
