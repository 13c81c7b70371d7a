"""Packed sequences for any mask, as in `torch.nn.utils.rnn.pack_padded_sequence`.

The real steps of each row move to the left, the rows are sorted by their number of real steps, and
step k of the loop processes the k-th real step of every row that has one: `sizes[k]` rows, never
more than in the step before. Nothing is computed on padding. A reset starts a new row
(`segments.py`), so that the loop sees S >= B rows. The packed steps lie one after the other in
N = `sum(sizes)` rows, the states in S + N rows: the initial ones, then a block per step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rnnkit.backend.torch.segments import segments

# Rows whose gates are computed and differentiated together: few products, and the numbers are
# still in the cache when they are needed again.
BLOCK_ROWS = 1024


class Block(NamedTuple):
    """A range of consecutive steps, the range of their packed rows, and the rows of each step."""

    steps: slice
    rows: slice
    sizes: list[int]


class Packing(NamedTuple):
    """Indices of a packed batch, all for `index_select`.

    Args:
        sizes: number of rows in each step of the loop.
        row_count: S, the number of rows of the loop.
        order: `(S,)`, row of the loop -> row of the batch; None = unsorted.
        fresh: `(S, 1)`, true = the row of the loop starts from zero; None = none does.
        first, ends: `(B,)`, row of the batch -> the row of the loop with its first, last steps.
        rows: `(N,)`, packed step -> step of the batch, one of `B T`.
        packed_index: `(B T,)`, step of the batch -> packed step; N where it is masked.
        before: `(N,)`, packed step -> row of the state before it; None = in order.
        output_index: `(B T,)`, step of the batch -> row of the state that it outputs.
        last: `(B,)`, row of the batch -> row of its last state.
    """

    sizes: list[int]
    row_count: int
    order: Tensor | None
    fresh: Tensor | None
    first: Tensor | None
    ends: Tensor | None
    rows: Tensor
    packed_index: Tensor
    before: Tensor | None
    output_index: Tensor
    last: Tensor

    def pack(self, x: Tensor) -> Tensor:
        """`(B, T, D)` -> `(N, D)`."""
        return x.reshape(-1, x.shape[-1]).index_select(0, self.rows)

    def sort(self, rows: Tensor) -> Tensor:
        """Batch order `(B, U)` -> loop order `(S, U)`; always a copy."""
        return rows.clone() if self.order is None else rows.index_select(0, self.order)

    def first_states(self, state: Tensor) -> Tensor:
        """Return the states before the first steps of the loop `(S, U)`; always a copy."""
        rows = self.sort(state)
        return rows if self.fresh is None else rows.masked_fill_(self.fresh, 0.0)

    def first_states_grad(self, d: Tensor) -> Tensor:
        """Return the gradient by `state` of `first_states(state)`."""
        return d if self.first is None else d.index_select(0, self.first)

    def last_states(self, rows: Tensor) -> Tensor:
        """Return the last states `(B, U)`, given those of the rows of the loop `(S, U)`."""
        return rows if self.ends is None else rows.index_select(0, self.ends)

    def last_states_grad(self, d: Tensor) -> Tensor:
        """Return the gradient by `rows` of `last_states(rows)`; always a copy."""
        if self.ends is None:
            return d.clone()
        return d.new_zeros(self.row_count, d.shape[1]).index_copy_(0, self.ends, d)

    def states_before(self, states: Tensor) -> Tensor:
        """All states `(S + N, U)` -> the state before each packed step `(N, U)`."""
        if self.before is None:
            return states[: len(self.rows)]
        return states.index_select(0, self.before)

    def split(self, states: Tensor) -> tuple[Tensor, ...]:
        """All states `(S + N, U)` -> the initial ones, then those after each step."""
        return states.split([self.row_count, *self.sizes])

    def gather(self, d_outputs: Tensor | None, d_last: Tensor | None, states: Tensor) -> Tensor:
        """Return the gradient by all states `(S + N, U)`, given those by outputs and last state."""
        d = torch.zeros_like(states)
        if d_outputs is not None:
            d.index_add_(0, self.output_index, d_outputs.reshape(-1, d.shape[1]))
        if d_last is not None:
            d.index_add_(0, self.last, d_last)
        return d

    def repeat_per_step(self, drop: Tensor) -> Tensor:
        """Rows in loop order `(S, U)` -> the row of each packed step `(N, U)`."""
        sizes = torch.tensor(self.sizes, dtype=torch.long, device=drop.device)
        start = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
        return drop.index_select(0, torch.arange(len(start), device=drop.device) - start)

    def blocks(self) -> list[Block]:
        """Split the steps into blocks of about `BLOCK_ROWS` rows."""
        found, step, row, rows = [], 0, 0, 0
        for end, size in enumerate(self.sizes, start=1):
            rows += size
            if rows >= BLOCK_ROWS or end == len(self.sizes):
                found.append(Block(slice(step, end), slice(row, row + rows), self.sizes[step:end]))
                step, row, rows = end, row + rows, 0
        return found

    def reversed_blocks(self, saved: Sequence[Tensor]) -> Iterator[tuple[Block, Tensor]]:
        """Iterate backwards over the blocks and what each of them saved."""
        return zip(reversed(self.blocks()), reversed(saved), strict=True)


def pack_steps(
    x: Tensor, mask: Tensor | None, reverse: bool, resets: Tensor | None = None
) -> Packing:
    """Return the packing of `x (B, T, D)`, with any mask and resets `(B, T)`, for one pass.

    Example:
        >>> mask = torch.tensor([[True, False, False], [True, False, True]])
        >>> pack_steps(torch.ones(2, 3, 1), mask, reverse=False).sizes
        [2, 1]
    """
    batch, time = x.shape[:2]
    if mask is None and resets is None:
        return _pack_unmasked(batch, time, reverse, x.device)
    real = torch.ones_like(resets) if mask is None else mask.to(torch.bool)
    if reverse:  # now in the order of the pass
        real, resets = real.flip(1), None if resets is None else resets.flip(1)
    cut = segments(real, resets)
    taken, lengths, count = cut.taken, cut.lengths, len(cut.lengths)
    sizes = count - torch.bincount(lengths, minlength=time + 1).cumsum(0)[:time]
    start = torch.cat([sizes.new_zeros(1), sizes.new_full((1,), count), sizes]).cumsum(0)
    order = lengths.argsort(descending=True, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(count, device=x.device)

    # The state after k steps of a row lies in block k, at the rank of the row among the sorted.
    output_index = start[taken] + place[cut.at]
    before = start[(taken - 1).clamp_(min=0)] + place[cut.at]
    last = output_index[:, -1]
    if reverse:
        real, output_index, before = real.flip(1), output_index.flip(1), before.flip(1)
    steps = real.reshape(-1).nonzero().squeeze(1)
    packed = output_index.reshape(-1)[steps] - count
    rows = torch.empty_like(steps)
    rows[packed] = steps
    return Packing(
        sizes=[size for size in sizes.tolist() if size],
        row_count=count,
        order=order if cut.row is None else cut.row[order],
        fresh=None if cut.fresh is None else cut.fresh[order].unsqueeze(1),
        first=place[cut.first],
        ends=place[cut.last],
        rows=rows,
        packed_index=torch.where(real, output_index - count, len(steps)).reshape(-1),
        before=before.reshape(-1)[rows],
        output_index=output_index.reshape(-1),
        last=last,
    )


def _pack_unmasked(batch: int, time: int, reverse: bool, device: torch.device) -> Packing:
    """Return the packing of a batch without a mask."""
    row = torch.arange(batch, device=device)
    step = torch.arange(time, device=device)
    step = step.flip(0) if reverse else step
    packed_index = (step * batch + row[:, None]).reshape(-1)
    return Packing(
        sizes=[batch] * time if batch else [],
        row_count=batch,
        order=None,
        fresh=None,
        first=None,
        ends=None,
        rows=(row * time + step[:, None]).reshape(-1),
        packed_index=packed_index,
        before=None,
        output_index=packed_index + batch,
        last=row + time * batch,
    )
