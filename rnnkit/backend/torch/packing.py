"""Real steps laid side by side: what any mask becomes before a loop runs over it.

Each row's real steps move to the left, the rows are sorted by how many they have, and step k of the
loop holds the first step not yet taken of every row that has one: `sizes[k]` rows, never more than
in the step before. Nothing is computed on padding. The packed steps lie one after the other in
N = `sum(sizes)` rows, the states in B + N rows: those before the first step, then one block a step.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# The gates of so many rows are computed and differentiated together: few products, and the
# numbers are still in the cache when they are needed again.
BLOCK_ROWS = 1024


class Block(NamedTuple):
    """Some consecutive steps: their numbers, their packed rows, and the rows of each step."""

    steps: slice
    rows: slice
    sizes: list[int]


class Packing(NamedTuple):
    """Where everything lies; all indices are for `index_select`.

    Args:
        sizes: how many rows take part in each step.
        order: `(B,)` the row of the batch at each place of the sorted batch; None = unsorted.
        rows: `(N,)` for each packed step, its place among the `B T` steps of the batch.
        places: `(B T,)` for each step of the batch its packed row; N where it is masked.
        before: `(N,)` for each packed step, the row of the states before it; None = in order.
        shown: `(B T,)` for each step of the batch, the row of the state it puts out.
        last: `(B,)` for each row of the batch, the row of its last state.
    """

    sizes: list[int]
    order: Tensor | None
    rows: Tensor
    places: Tensor
    before: Tensor | None
    shown: Tensor
    last: Tensor

    def pack(self, x: Tensor) -> Tensor:
        """`(B, T, D)` -> `(N, D)`."""
        return x.reshape(-1, x.shape[-1]).index_select(0, self.rows)

    def sort(self, state: Tensor) -> Tensor:
        """Rows of the batch `(B, U)` -> the order of the loop; always a copy."""
        return state.clone() if self.order is None else state.index_select(0, self.order)

    def unsort(self, state: Tensor) -> Tensor:
        """The other way round."""
        if self.order is None:
            return state
        return torch.empty_like(state).index_copy_(0, self.order, state)

    def states_before(self, states: Tensor) -> Tensor:
        """All states `(B + N, U)` -> the one before each packed step `(N, U)`."""
        if self.before is None:
            return states[: len(self.rows)]
        return states.index_select(0, self.before)

    def split(self, states: Tensor) -> tuple[Tensor, ...]:
        """All states `(B + N, U)` -> those before the first step, then those after each."""
        return states.split([len(self.last), *self.sizes])

    def gather(self, d_outputs: Tensor | None, d_last: Tensor | None, states: Tensor) -> Tensor:
        """Return the gradient by all states `(B + N, U)` from those by outputs and last state."""
        d = torch.zeros_like(states)
        if d_outputs is not None:
            d.index_add_(0, self.shown, d_outputs.reshape(-1, d.shape[1]))
        if d_last is not None:
            d.index_add_(0, self.last, d_last)
        return d

    def spread(self, drop: Tensor) -> Tensor:
        """Rows in the loop's order `(B, U)` -> those of each packed step `(N, U)`."""
        sizes = torch.tensor(self.sizes, dtype=torch.long, device=drop.device)
        start = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
        return drop.index_select(0, torch.arange(len(start), device=drop.device) - start)

    def blocks(self) -> list[Block]:
        """Cut the steps into blocks of about `BLOCK_ROWS` rows."""
        found, step, row, rows = [], 0, 0, 0
        for end, size in enumerate(self.sizes, start=1):
            rows += size
            if rows >= BLOCK_ROWS or end == len(self.sizes):
                found.append(Block(slice(step, end), slice(row, row + rows), self.sizes[step:end]))
                step, row, rows = end, row + rows, 0
        return found


def packing(x: Tensor, mask: Tensor | None, reverse: bool) -> Packing:
    """Lay out `x (B, T, D)` for a pass over it.

    Args:
        x: `(B, T, D)`.
        mask: boolean `(B, T)`, any pattern; None = all steps are real.
        reverse: the pass runs from the last step to the first.

    Returns:
        The packing.

    Example:
        >>> mask = torch.tensor([[True, False, False], [True, False, True]])
        >>> packing(torch.ones(2, 3, 1), mask, reverse=False).sizes
        [2, 1]
    """
    batch, time = x.shape[:2]
    if mask is None:
        return _without_mask(batch, time, reverse, x.device)
    real = mask.to(torch.bool)
    real = real.flip(1) if reverse else real  # now in the order of the pass
    taken = real.cumsum(1)
    lengths = real.sum(1)
    sizes = batch - torch.bincount(lengths, minlength=time + 1).cumsum(0)[:time]
    first = torch.cat([sizes.new_zeros(1), sizes.new_full((1,), batch), sizes]).cumsum(0)
    order = lengths.argsort(descending=True, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(batch, device=x.device)

    # The state after k steps of a row lies in block k, at the row's place in the sorted batch.
    shown = first[taken] + place[:, None]
    before = first[(taken - 1).clamp_(min=0)] + place[:, None]
    if reverse:
        real, shown, before = real.flip(1), shown.flip(1), before.flip(1)
    steps = real.reshape(-1).nonzero().squeeze(1)
    packed = shown.reshape(-1)[steps] - batch
    rows = torch.empty_like(steps)
    rows[packed] = steps
    return Packing(
        sizes=[size for size in sizes.tolist() if size],
        order=order,
        rows=rows,
        places=torch.where(real, shown - batch, len(steps)).reshape(-1),
        before=before.reshape(-1)[rows],
        shown=shown.reshape(-1),
        last=first[lengths] + place,
    )


def _without_mask(batch: int, time: int, reverse: bool, device: torch.device) -> Packing:
    """Lay out a batch in which every step is real."""
    row = torch.arange(batch, device=device)
    step = torch.arange(time, device=device)
    step = step.flip(0) if reverse else step
    places = (step * batch + row[:, None]).reshape(-1)
    return Packing(
        sizes=[batch] * time if batch else [],
        order=None,
        rows=(row * time + step[:, None]).reshape(-1),
        places=places,
        before=None,
        shown=places + batch,
        last=row + time * batch,
    )
