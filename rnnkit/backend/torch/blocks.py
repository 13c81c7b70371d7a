"""Batches cut into blocks of steps, for kernels that know no masks.

The real steps of each row move to the left and the rows are sorted by their number of real steps,
most first. A kernel that runs a whole sequence then runs over blocks of consecutive steps, each
with the rows that are still running where the block starts: a rectangle with a little padding. One
block is the whole batch; one block per step would be a packed sequence, without any padding.
A reset starts a new row (`segments.py`), so that the blocks have S >= B rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

from rnnkit.backend.torch.loops import exporting
from rnnkit.backend.torch.segments import segments


def call_cost(width: int, units: int) -> int:
    """Return the padded steps of rows that cost what one more call of oneDNN's LSTM does.

    Measured on a CPU, for training and inference alike: a call costs some time and that of
    arranging the weights, a step of a row some time and that of its products.

    Example:
        >>> call_cost(16, 16), call_cost(100, 64), call_cost(128, 256)
        (746, 208, 113)
    """
    return 100 + 1_300_000 // (1_500 + units * (width + units))


def can_read(flags: Tensor) -> bool:
    """Return whether the values of a tensor cost nothing to read: on a CPU, and not traced."""
    return flags.device.type == "cpu" and not (torch.compiler.is_compiling() or exporting())


class Blocks(NamedTuple):
    """Places of the steps of a batch `(B, T)` in blocks of M steps of rows in total.

    Args:
        shapes: (steps, rows) of each block.
        order: `(S,)`, sorted row -> row of the batch; None = as they are.
        fresh: `(S, 1)`, true = the sorted row starts from zero; None = none does.
        ends: `(B,)`, row of the batch -> the sorted row that it ends in; None = as they are.
        source: `(M,)`, place in the blocks -> step of the batch, one of `B T`; 0 on padding.
        padding: the places in the blocks that are padding.
        place: `(B T,)`, real step of the batch -> place in the blocks; 0 where it is masked.
        masked: the steps of the batch that are masked.
        latest: `(B, T)`, step of the batch -> place of the last real step up to and with it, since
            the last reset.
        begun: `(B, T)`, whether there is one.
        unreset: `(B, T)`, whether no reset of the row came up to and with the step; None = none
            comes.
        end: the last step in the order of the pass, 0 or -1.
    """

    shapes: list[tuple[int, int]]
    order: Tensor | None
    fresh: Tensor | None
    ends: Tensor | None
    source: Tensor
    padding: Tensor
    place: Tensor
    masked: Tensor
    latest: Tensor
    begun: Tensor
    unreset: Tensor | None
    end: int

    def pack(self, x: Tensor) -> Tensor:
        """`(B, T, D)` -> `(M, D)`, zero on padding."""
        return _Move.apply(x.flatten(0, 1), self.source, self.padding, self.place, self.masked)

    def unpack(self, y: Tensor) -> Tensor:
        """`(M, U)` -> `(B, T, U)`, zero at masked steps."""
        moved = _Move.apply(y, self.place, self.masked, self.source, self.padding)
        return moved.unflatten(0, self.latest.shape)

    def unpack_filled(self, y: Tensor, before: Tensor) -> Tensor:
        """`(M, U)` -> `(B, T, U)`; a masked step repeats the one before, at first `before`."""
        filled = y.index_select(0, self.latest.flatten()).unflatten(0, self.latest.shape)
        before = before.unsqueeze(1)
        if self.unreset is not None:
            before = torch.where(self.unreset.unsqueeze(-1), before, 0.0)
        return torch.where(self.begun.unsqueeze(-1), filled, before)

    def last_outputs(self, y: Tensor, before: Tensor) -> Tensor:
        """`(M, U)` -> the outputs of the last steps `(B, U)`; see `unpack_filled`."""
        end = slice(self.end, self.end + 1 or None)
        parts = self.latest[:, end], self.begun[:, end]
        unreset = None if self.unreset is None else self.unreset[:, end]
        last = self._replace(latest=parts[0], begun=parts[1], unreset=unreset)
        return last.unpack_filled(y, before).squeeze(1)

    def first_states(self, state: Tensor) -> Tensor:
        """Return the states before the blocks `(S, U)`, given those of the batch `(B, U)`."""
        if self.order is None:
            return state
        rows = state.index_select(0, self.order)
        return rows if self.fresh is None else rows.masked_fill(self.fresh, 0.0)

    def last_states(self, rows: Tensor) -> Tensor:
        """Return the states of the batch `(B, U)`, given those after the blocks `(S, U)`."""
        return rows if self.ends is None else rows.index_select(0, self.ends)

    def padding_flags(self, like: Tensor) -> Tensor:
        """Return `(M, 1)`, 1 on padding, else 0, in the dtype of a tensor."""
        return like.new_zeros(len(self.source), 1).index_fill_(0, self.padding, 1.0)


class _Move(Function):
    """Rows moved to other places, each to at most one, and zero where none comes.

    So its gradient is a move, too: back, where a plain gather has to add up.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, source: Tensor, empty: Tensor, target: Tensor, left: Tensor
    ) -> Tensor:
        """Return `x[source]`, zero at the places `empty`; `target` and `left` are its inverse."""
        ctx.save_for_backward(source, empty, target, left)
        return x.index_select(0, source).index_fill_(0, empty, 0.0)

    @staticmethod
    def backward(ctx: Any, *d: Tensor) -> tuple[Tensor | None, ...]:
        """Move the gradient back."""
        source, empty, target, left = ctx.saved_tensors
        return _Move.apply(d[0], target, left, source, empty), None, None, None, None


def turned(x: Tensor, time: int) -> Tensor:
    """Swap the first two axes, and turn the one that is time around, in one copy.

    Example:
        >>> turned(torch.arange(6).view(2, 3, 1), time=1).flatten().tolist()
        [2, 5, 1, 4, 0, 3]
    """
    first, second, width = x.shape
    step = torch.arange(first * second, device=x.device)
    source = step.view(first, second).flip(time).t().flatten()
    target = step.view(second, first).flip(1 - time).t().flatten()
    moved = _Move.apply(x.flatten(0, 1), source, step[:0], target, step[:0])
    return moved.view(second, first, width)


def cut(mask: Tensor, reverse: bool, call_cost: int, resets: Tensor | None = None) -> Blocks:
    """Return the blocks of a batch with any mask and resets `(B, T)`, for one pass.

    Example:
        >>> mask = torch.tensor([[True, False, False], [True, False, True]])
        >>> cut(mask, reverse=False, call_cost=100).shapes
        [(2, 2)]
    """
    batch, time = mask.shape
    real = mask.flip(1) if reverse else mask  # now in the order of the pass
    pieces = segments(real, resets.flip(1) if reverse and resets is not None else resets)
    taken, lengths = pieces.taken, pieces.lengths
    step = torch.arange(batch * time, device=mask.device)
    order, rank = None, torch.arange(batch, device=mask.device)
    shapes, sizes = [(time, batch)], torch.full((time,), batch, device=mask.device)
    if can_read(mask):
        order = lengths.argsort(descending=True, stable=True)
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order))
        shapes = block_shapes(lengths.tolist(), call_cost)
        sizes = torch.tensor([rows for steps, rows in shapes for _ in range(steps)])
    start = sizes.cumsum(0) - sizes
    count = sum(steps * rows for steps, rows in shapes)
    latest = start[(taken - 1).clamp(min=0)] + rank[pieces.at]
    latest = torch.where(taken > 0, latest, 0)  # rows without a real step are in no block
    unreset = None if resets is None else pieces.at == pieces.first[:, None]
    if reverse:
        latest, taken = latest.flip(1), taken.flip(1)
        unreset = None if unreset is None else unreset.flip(1)
    flat = mask.flatten()
    # Masked steps are written to one place more, which is cut off.
    place = torch.where(flat, latest.flatten(), count)
    source = step.new_full((count + 1,), -1).index_copy_(0, place, step)[:count]
    return Blocks(
        shapes=shapes,
        order=order if order is None or pieces.row is None else pieces.row[order],
        fresh=None if pieces.fresh is None else pieces.fresh[order].unsqueeze(1),
        ends=None if order is None else rank[pieces.last],
        source=source.clamp(min=0),
        padding=(source < 0).nonzero().squeeze(1),
        place=torch.where(flat, place, 0),
        masked=flat.logical_not().nonzero().squeeze(1),
        latest=latest,
        begun=taken > 0,
        unreset=unreset,
        end=0 if reverse else -1,
    )


def block_shapes(lengths: list[int], call_cost: int) -> list[tuple[int, int]]:
    """Return (steps, rows) of the blocks for rows with these numbers of real steps.

    A block ends where rows end, before its padding grows to what one more call costs.

    Example:
        >>> block_shapes([100, 100, 90, 20], call_cost=30)
        [(20, 4), (80, 3)]
    """
    ends, shapes, begin = sorted(lengths), [], 0
    while ends and ends[-1] > begin:
        running = [end for end in ends if end > begin]
        padding, end = 0, running[0]
        for gone, after in enumerate(running[1:], start=1):
            padding += gone * (after - end)
            if padding > call_cost:
                break
            end = after
        shapes.append((end - begin, len(running)))
        begin = end
    return shapes or [(1, len(ends))]
