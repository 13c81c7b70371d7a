"""Sequences of unequal length as padded blocks of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.hmm.estimators.sequences import Sequences

# Steps times states times restarts in a block: an E-step keeps about ten arrays of this size.
BLOCK = 1 << 21
# Padded steps that another block must save: a block of another shape is compiled anew.
WORTH = 1 << 17


@dataclass(frozen=True)
class Chunk:
    """Some of the sequences, padded on the right.

    Attributes:
        x: `(B * T, ...)`, the observations; any valid value where there is none.
        mask: `(B, T)`, True = a real step.
        observed: `(B, T)`, True = a real step that was observed.
        states: `(B, T)`, the known state or -1; None where none is known.
        rows: which sequences these are; fewer than B where empty rows fill the block.
    """

    x: np.ndarray
    mask: np.ndarray
    observed: np.ndarray
    states: np.ndarray | None
    rows: np.ndarray


@dataclass(frozen=True)
class Chunks:
    """All blocks, and the way back.

    Attributes:
        blocks: the blocks.
        cells: `(N,)`, the place of each step among the cells `B * T` of all blocks in a row; None
            where that is the order of the steps already.
        order: the sequences in the order of the blocks' rows.
    """

    blocks: list[Chunk]
    cells: np.ndarray | None
    order: np.ndarray

    def steps(self, results: Sequence[np.ndarray]) -> np.ndarray:
        """Return results `(B, T, ...)` of the blocks as `(N, ...)`, one for each real step."""
        flat = [np.asarray(result).reshape(-1, *result.shape[2:]) for result in results]
        joined = flat[0] if len(flat) == 1 else np.concatenate(flat)
        return joined if self.cells is None else np.take(joined, self.cells, axis=0)

    def rows(self, results: Sequence[np.ndarray]) -> np.ndarray:
        """Return results `(B, ...)` of the blocks as one array in the order of the sequences."""
        pairs = zip(results, self.blocks, strict=True)
        joined = np.concatenate([np.asarray(result)[: len(block.rows)] for result, block in pairs])
        out = np.empty_like(joined)
        out[self.order] = joined
        return out


def split(sequences: Sequences, x: np.ndarray, observed: np.ndarray, width: int = 8) -> Chunks:
    """Sort the sequences by length and cut them into blocks.

    A block ends where it is full, or where going on with its length would pad too much.

    Args:
        sequences: lengths and known states.
        x: `(N, ...)`, the observations as the emission wants them; any valid value where there
            is none.
        observed: `(N,)`.
        width: states times restarts: what is computed for each step.
    """
    order = np.argsort(-sequences.lengths, kind="stable")
    lengths, first = sequences.lengths[order], sequences.first[order]
    blocks, cells, start, done = [], np.empty(len(x), int), 0, 0
    while start < len(order):
        left = lengths[start:]
        steps = _rounded(int(left[0]))
        saved = (len(left) - np.arange(len(left))) * (left[0] - left)  # by a cut before each
        rows = int(np.argmax(saved > WORTH)) if saved.max() > WORTH else len(left)
        count = -(-rows * steps * width // BLOCK)
        rows = -(-rows // count)  # blocks of one shape where they can be
        chosen = slice(start, start + rows)
        mask = np.zeros((_rounded(rows), steps), bool)
        mask[:rows] = np.arange(steps) < lengths[chosen, None]
        whole = len(x) == mask.size and bool(mask.all()) and bool((np.diff(order) > 0).all())
        if whole:  # nothing to pad and nothing to move
            places = None
        else:
            places = np.zeros(mask.shape, int)
            places[:rows] = np.where(mask[:rows], first[chosen, None] + np.arange(steps), 0)
            cells[places[mask]] = done + np.flatnonzero(mask)
        known = None
        if sequences.states is not None:
            known = np.where(mask, _taken(sequences.states, places, mask), -1).astype("int32")
        seen = _taken(observed, places, mask) & mask
        flat = x if places is None else np.take(x, places.reshape(-1), axis=0)
        blocks.append(Chunk(flat, mask, seen, known, order[chosen]))
        if whole:
            return Chunks(blocks, None, order)
        done += mask.size
        start += rows
    return Chunks(blocks, cells, order)


def _taken(values: np.ndarray, places: np.ndarray | None, mask: np.ndarray) -> np.ndarray:
    """Return the values at the places; None = all of them in their order."""
    return values.reshape(mask.shape) if places is None else np.take(values, places)


def _rounded(count: int) -> int:
    """Round up to one of 16 sizes between powers of two: few shapes are few compilations."""
    if count <= 2:
        return count
    grain = max(4, 1 << max(count.bit_length() - 5, 0))
    return -(-count // grain) * grain
