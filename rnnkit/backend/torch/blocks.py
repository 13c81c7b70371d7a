"""Batches cut into blocks of steps, for kernels that know no masks.

The real steps of each row move to the left and the rows are sorted by their number of real steps,
most first. A kernel that runs a whole sequence then runs over blocks of consecutive steps, each
with the rows that are still running where the block starts: a rectangle with a little padding. One
block is the whole batch; one block per step would be a packed sequence, without any padding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function


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
    return flags.device.type == "cpu" and not torch.compiler.is_compiling()


class Blocks(NamedTuple):
    """Places of the steps of a batch `(B, T)` in blocks of M steps of rows in total.

    Args:
        shapes: (steps, rows) of each block.
        order: `(B,)`, sorted row -> row of the batch; None = as they are.
        lengths: `(B,)`, the number of real steps of each row of the batch.
        source: `(M,)`, place in the blocks -> step of the batch, one of `B T`; 0 on padding.
        padding: the places in the blocks that are padding.
        place: `(B T,)`, real step of the batch -> place in the blocks; 0 where it is masked.
        masked: the steps of the batch that are masked.
        latest: `(B, T)`, step of the batch -> place of the last real step up to and with it.
        begun: `(B, T)`, whether there is one.
        last: `(B,)`, row of the batch -> place of its last real step.
    """

    shapes: list[tuple[int, int]]
    order: Tensor | None
    lengths: Tensor
    source: Tensor
    padding: Tensor
    place: Tensor
    masked: Tensor
    latest: Tensor
    begun: Tensor
    last: Tensor

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
        return torch.where(self.begun.unsqueeze(-1), filled, before.unsqueeze(1))

    def sort(self, state: Tensor) -> Tensor:
        """Batch order -> order of the blocks, for `(B, U)`."""
        return state if self.order is None else state.index_select(0, self.order)

    def unsort(self, state: Tensor) -> Tensor:
        """Inverse of `sort`."""
        return state if self.order is None else state.index_select(0, self.order.argsort())

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


def cut(mask: Tensor, reverse: bool, call_cost: int) -> Blocks:
    """Return the blocks of a batch with any mask `(B, T)`, for one pass.

    Example:
        >>> mask = torch.tensor([[True, False, False], [True, False, True]])
        >>> cut(mask, reverse=False, call_cost=100).shapes
        [(2, 2)]
    """
    batch, time = mask.shape
    real = mask.flip(1) if reverse else mask  # now in the order of the pass
    taken = real.cumsum(1)
    lengths = taken[:, -1]
    step = torch.arange(batch * time, device=mask.device)
    order, rank = None, torch.arange(batch, device=mask.device)
    shapes, sizes = [(time, batch)], torch.full((time,), batch, device=mask.device)
    if can_read(mask):
        order = lengths.argsort(descending=True, stable=True)
        rank = torch.empty_like(order).index_copy_(0, order, rank)
        shapes = block_shapes(lengths.tolist(), call_cost)
        sizes = torch.tensor([rows for steps, rows in shapes for _ in range(steps)])
    start = sizes.cumsum(0) - sizes
    count = sum(steps * rows for steps, rows in shapes)
    latest = start[(taken - 1).clamp_(min=0)] + rank[:, None]
    latest = torch.where(taken > 0, latest, 0)  # rows without a real step are in no block
    last = latest[:, -1]
    if reverse:
        latest, taken = latest.flip(1), taken.flip(1)
    flat = mask.flatten()
    # Masked steps are written to one place more, which is cut off.
    place = torch.where(flat, latest.flatten(), count)
    source = step.new_full((count + 1,), -1).index_copy_(0, place, step)[:count]
    return Blocks(
        shapes=shapes,
        order=order,
        lengths=lengths,
        source=source.clamp(min=0),
        padding=(source < 0).nonzero().squeeze(1),
        place=torch.where(flat, place, 0),
        masked=flat.logical_not().nonzero().squeeze(1),
        latest=latest,
        begun=taken > 0,
        last=last,
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
