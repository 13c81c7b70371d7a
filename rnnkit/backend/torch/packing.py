"""Packed sequences for any mask, as in `torch.nn.utils.rnn.pack_padded_sequence`.

The real steps of each row move to the left, the rows are sorted by their number of real steps, and
step k of the loop processes the k-th real step of every row that has one: `sizes[k]` rows, never
more than in the step before. Nothing is computed on padding. The packed steps lie one after the
other in N = `sum(sizes)` rows, the states in B + N rows: the initial ones, then a block per step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

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
        order: `(B,)`, sorted row -> row of the batch; None = unsorted.
        rows: `(N,)`, packed step -> step of the batch, one of `B T`.
        packed_index: `(B T,)`, step of the batch -> packed step; N where it is masked.
        before: `(N,)`, packed step -> row of the state before it; None = in order.
        output_index: `(B T,)`, step of the batch -> row of the state that it outputs.
        last: `(B,)`, row of the batch -> row of its last state.
    """

    sizes: list[int]
    order: Tensor | None
    rows: Tensor
    packed_index: Tensor
    before: Tensor | None
    output_index: Tensor
    last: Tensor

    def pack(self, x: Tensor) -> Tensor:
        """`(B, T, D)` -> `(N, D)`."""
        return x.reshape(-1, x.shape[-1]).index_select(0, self.rows)

    def sort(self, state: Tensor) -> Tensor:
        """Batch order -> loop order, for `(B, U)`; always a copy."""
        return state.clone() if self.order is None else state.index_select(0, self.order)

    def unsort(self, state: Tensor) -> Tensor:
        """Inverse of `sort`: loop order -> batch order."""
        if self.order is None:
            return state
        return torch.empty_like(state).index_copy_(0, self.order, state)

    def states_before(self, states: Tensor) -> Tensor:
        """All states `(B + N, U)` -> the state before each packed step `(N, U)`."""
        if self.before is None:
            return states[: len(self.rows)]
        return states.index_select(0, self.before)

    def split(self, states: Tensor) -> tuple[Tensor, ...]:
        """All states `(B + N, U)` -> the initial ones, then those after each step."""
        return states.split([len(self.last), *self.sizes])

    def gather(self, d_outputs: Tensor | None, d_last: Tensor | None, states: Tensor) -> Tensor:
        """Return the gradient by all states `(B + N, U)`, given those by outputs and last state."""
        d = torch.zeros_like(states)
        if d_outputs is not None:
            d.index_add_(0, self.output_index, d_outputs.reshape(-1, d.shape[1]))
        if d_last is not None:
            d.index_add_(0, self.last, d_last)
        return d

    def repeat_per_step(self, drop: Tensor) -> Tensor:
        """Rows in loop order `(B, U)` -> the row of each packed step `(N, U)`."""
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


def pack_steps(x: Tensor, mask: Tensor | None, reverse: bool) -> Packing:
    """Return the packing of `x (B, T, D)`, with any mask `(B, T)` or none, for one pass.

    Example:
        >>> mask = torch.tensor([[True, False, False], [True, False, True]])
        >>> pack_steps(torch.ones(2, 3, 1), mask, reverse=False).sizes
        [2, 1]
    """
    batch, time = x.shape[:2]
    if mask is None:
        return _pack_unmasked(batch, time, reverse, x.device)
    real = mask.to(torch.bool)
    real = real.flip(1) if reverse else real  # now in the order of the pass
    taken = real.cumsum(1)
    lengths = real.sum(1)
    sizes = batch - torch.bincount(lengths, minlength=time + 1).cumsum(0)[:time]
    first = torch.cat([sizes.new_zeros(1), sizes.new_full((1,), batch), sizes]).cumsum(0)
    order = lengths.argsort(descending=True, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(batch, device=x.device)

    # The state after k steps of a row lies in block k, at the rank of the row in the sorted batch.
    output_index = first[taken] + place[:, None]
    before = first[(taken - 1).clamp_(min=0)] + place[:, None]
    if reverse:
        real, output_index, before = real.flip(1), output_index.flip(1), before.flip(1)
    steps = real.reshape(-1).nonzero().squeeze(1)
    packed = output_index.reshape(-1)[steps] - batch
    rows = torch.empty_like(steps)
    rows[packed] = steps
    return Packing(
        sizes=[size for size in sizes.tolist() if size],
        order=order,
        rows=rows,
        packed_index=torch.where(real, output_index - batch, len(steps)).reshape(-1),
        before=before.reshape(-1)[rows],
        output_index=output_index.reshape(-1),
        last=first[lengths] + place,
    )


def _pack_unmasked(batch: int, time: int, reverse: bool, device: torch.device) -> Packing:
    """Return the packing of a batch without a mask."""
    row = torch.arange(batch, device=device)
    step = torch.arange(time, device=device)
    step = step.flip(0) if reverse else step
    packed_index = (step * batch + row[:, None]).reshape(-1)
    return Packing(
        sizes=[batch] * time if batch else [],
        order=None,
        rows=(row * time + step[:, None]).reshape(-1),
        packed_index=packed_index,
        before=None,
        output_index=packed_index + batch,
        last=row + time * batch,
    )
