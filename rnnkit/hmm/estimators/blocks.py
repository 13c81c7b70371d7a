"""Batching: sequences of unequal length as padded blocks of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnnkit.hmm.estimators.sequences import Sequences

# Steps times states times restarts in a block: an E-step keeps about ten arrays of this size.
MAX_BLOCK_ELEMENTS = 1 << 21
# Padded steps that a further block must save: each new block shape is compiled anew.
MIN_PADDING_SAVED = 1 << 17


class Block(NamedTuple):
    """Some of the sequences, padded on the right: the input of a compiled function."""

    x: Any  # (B * T, ...), the observations; any valid value where there is none
    mask: Any  # boolean (B, T), true = real step
    observed: Any  # boolean (B, T), true = real step with an observation; () = all, none masked
    states: Any = ()  # (B, T), the known state or -1; the empty tuple if none is known


@dataclass(frozen=True)
class Blocks:
    """All sequences as blocks, and where they came from."""

    blocks: list[Block]
    rows: list[np.ndarray]  # the index of the sequence in each row; empty rows may follow
    # (N,), the position of each step among the B * T cells of all blocks; None: in this order.
    cells: np.ndarray | None

    def restore_steps(self, results: Sequence[np.ndarray]) -> np.ndarray:
        """Return the results `(B, T, ...)` of the blocks as `(N, ...)`, one for each real step."""
        flat = [np.asarray(result).reshape(-1, *result.shape[2:]) for result in results]
        joined = flat[0] if len(flat) == 1 else np.concatenate(flat)
        return joined if self.cells is None else np.take(joined, self.cells, axis=0)

    def restore_sequences(self, results: Sequence[np.ndarray]) -> np.ndarray:
        """Return the results `(B, ...)` of the blocks in the order of the sequences."""
        pairs = zip(results, self.rows, strict=True)
        joined = np.concatenate([np.asarray(result)[: len(rows)] for result, rows in pairs])
        out = np.empty_like(joined)
        out[np.concatenate(self.rows)] = joined
        return out


def make_blocks(
    sequences: Sequences, x: np.ndarray, observed: np.ndarray, width: int = 8
) -> Blocks:
    """Sort the sequences by length and divide them into blocks.

    A block ends when it is full, or when padding further sequences to its length would cost more
    than another block. `x` is as the emission needs it; `width` is states times restarts, the
    number of elements computed per step.
    """
    order = np.argsort(-sequences.lengths, kind="stable")
    lengths, starts = sequences.lengths[order], sequences.starts[order]
    blocks, all_rows, cells, start, done = [], [], np.empty(len(x), int), 0, 0
    while start < len(order):
        left = lengths[start:]
        steps = _rounded(int(left[0]))
        saved = (len(left) - np.arange(len(left))) * (left[0] - left)  # by ending before each
        enough = saved > MIN_PADDING_SAVED
        rows = int(np.argmax(enough)) if enough.any() else len(left)
        count = -(-rows * steps * width // MAX_BLOCK_ELEMENTS)
        rows = -(-rows // count)  # equal shapes where possible
        chosen = slice(start, start + rows)
        mask = np.zeros((_rounded(rows), steps), bool)
        mask[:rows] = np.arange(steps) < lengths[chosen, None]
        whole = len(x) == mask.size and bool(mask.all()) and bool((np.diff(order) > 0).all())
        if whole:  # nothing to pad and nothing to move
            places = None
        else:
            places = np.zeros(mask.shape, int)
            places[:rows] = np.where(mask[:rows], starts[chosen, None] + np.arange(steps), 0)
            cells[places[mask]] = done + np.flatnonzero(mask)
        known: Any = ()
        if sequences.states is not None:
            known = np.where(mask, _gather(sequences.states, places, mask), -1).astype("int32")
        seen = () if whole and observed.all() else _gather(observed, places, mask) & mask
        flat = x if places is None else np.take(x, places.reshape(-1), axis=0)
        blocks.append(Block(flat, mask, seen, known))
        all_rows.append(order[chosen])
        if whole:
            return Blocks(blocks, all_rows, None)
        done += mask.size
        start += rows
    return Blocks(blocks, all_rows, cells)


def _gather(values: np.ndarray, places: np.ndarray | None, mask: np.ndarray) -> np.ndarray:
    """Return the values at the places, in the shape of the mask; None = all, in their order."""
    return values.reshape(mask.shape) if places is None else np.take(values, places)


def _rounded(count: int) -> int:
    """Round up to one of 16 sizes between powers of two: few shapes are few compilations."""
    if count <= 2:
        return count
    grain = max(4, 1 << max(count.bit_length() - 5, 0))
    return -(-count // grain) * grain
