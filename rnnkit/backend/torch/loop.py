"""One pass over packed steps with a gradient of its own: what all recurrences share.

Ahead, only what a step cannot do without runs step by step; the input projection is one product a
block. Backward, the factors by which a step multiplies the gradient are formed for a whole block
at once, the steps pass the gradient on, and the gradients of the weights and inputs are again one
product a block. Each system adds its own two halves: see `Steps`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from rnnkit.backend.torch.packing import Packing, packing


class Weights(NamedTuple):
    """The weights of a pass, their gates in the order in which the steps want them.

    `drop (B, U)`, the recurrent dropout mask, has its rows in the order of the loop.
    """

    kernel: Tensor
    recurrent_kernel: Tensor
    bias: Tensor | None
    recurrent_bias: Tensor | None
    drop: Tensor | None


class Steps(ABC):
    """The steps of one recurrence, ahead and back. Abstract.

    Attributes:
        input_gates: for each gate of the input projection, in the order in which the steps want
            them, its number in Keras's order.
        state_gates: the same for the product with the recurrent kernel.
    """

    input_gates: tuple[int, ...]
    state_gates: tuple[int, ...]

    @abstractmethod
    def ahead(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], keep: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Run the steps over the packed inputs `x (N, D)`, from the states `first (B, U)`.

        Returns all states h `(B + N, U)`; the last of each other state, in the order of the batch;
        and what `back` needs, if `keep`.
        """

    @abstractmethod
    def back(
        self,
        packed: Packing,
        weights: Weights,
        h: Tensor,
        kept: Sequence[Tensor],
        d: Tensor,
        d_others: Sequence[Tensor],
        sums: Sums,
    ) -> None:
        """Run back over the steps.

        `d (B + N, U)` comes as the gradient by each state h from outside the loop and leaves with
        that by the first ones in its first B rows; `d_others (B, U)` come as those by the last of
        each other state and leave as those by the first. Weights and inputs go into `sums`.
        """


class Sums:
    """The gradients by inputs and weights, added up block by block."""

    def __init__(self, x: Tensor, weights: Weights, want_x: bool) -> None:
        self._x, self._back = x, weights.kernel.t()
        self.kernel = torch.zeros_like(weights.kernel)
        self.recurrent_kernel = torch.zeros_like(weights.recurrent_kernel)
        self.bias = x.new_zeros(weights.kernel.shape[1])
        self.recurrent_bias = x.new_zeros(weights.recurrent_kernel.shape[1])
        self.x = x.new_empty(len(x) + 1, x.shape[1]) if want_x else None
        if self.x is not None:
            self.x[-1] = 0  # the gradient by every masked step

    def project_back(self, rows: slice, d: Tensor) -> None:
        """Take the gradient by the projected inputs of a block, `(n, G U)`."""
        self.kernel.addmm_(self._x[rows].t(), d)
        self.bias += d.sum(0)
        if self.x is not None:
            torch.mm(d, self._back, out=self.x[rows])


class Gates:
    """The gates of a pass, block by block: kept for the way back, or one block used over again."""

    def __init__(self, x: Tensor, width: int, keep: bool) -> None:
        self._x, self._width, self._keep = x, width, keep
        self._last = x.new_empty(0, width)
        self.kept: list[Tensor] = []

    def block(self, rows: int) -> Tensor:
        """Return an empty `(rows, width)`."""
        if self._keep or len(self._last) < rows:
            self._last = self._x.new_empty(rows, self._width)
        if self._keep:
            self.kept.append(self._last)
        return self._last[:rows]


def project(x: Tensor, kernel: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """Put `x W + b` into `out`."""
    if bias is None:
        torch.mm(x, kernel, out=out)
    else:
        torch.addmm(bias, x, kernel, out=out)


def rows_of(h: Tensor, size: int) -> Tensor:
    """Return the first rows; where these are all, at no cost."""
    return h if len(h) == size else h[:size]


def enter(h: Tensor, drop: Tensor | None) -> Tensor:
    """Return the states of a step as they enter the recurrent product."""
    return h if drop is None else h * rows_of(drop, len(h))


def entered(packed: Packing, states: Tensor, drop: Tensor | None) -> Tensor:
    """Return the states before all steps `(N, U)` as they entered the recurrent product."""
    return states if drop is None else states * packed.spread(drop)


def leave(d: Tensor, d_gates: Tensor, back: Tensor, drop: Tensor | None) -> None:
    """Add to `d (n, U)`, the gradient by the states of a step, what the product passes back."""
    if drop is None:
        d.addmm_(d_gates, back)
    else:
        d.addcmul_(d_gates @ back, rows_of(drop, len(d)))


def sigmoid_back(d: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """Put `d y (1 - y)` into `out`: the gradient through `y = σ(.)`."""
    return torch.ops.aten.sigmoid_backward.grad_input(d, y, grad_input=out)


def tanh_back(d: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """Put `d (1 - y²)` into `out`: the gradient through `y = tanh(.)`."""
    return torch.ops.aten.tanh_backward.grad_input(d, y, grad_input=out)


def _arrange(weights: Tensor | None, gates: Sequence[int]) -> Tensor | None:
    """Put the gates, which lie side by side in the last axis, into another order."""
    if weights is None or list(gates) == sorted(gates):
        return weights
    parts = weights.chunk(len(gates), -1)
    return torch.cat([parts[gate] for gate in gates], -1)


def _arrange_back(weights: Tensor, gates: Sequence[int]) -> Tensor | None:
    """Undo `_arrange`."""
    return _arrange(weights, [gates.index(gate) for gate in range(len(gates))])


class _Pass(Function):
    """A pass of a recurrence as one node of the graph."""

    @staticmethod
    def forward(
        ctx: Any,
        steps: Steps,
        packed: Packing,
        sequences: bool,
        keep: bool,
        x: Tensor,
        drop: Tensor | None,
        *parts: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        """Return the outputs `(B, T, U)` or None, and the last states.

        `parts` are kernel, recurrent kernel, bias, recurrent bias, then the first states.
        """
        inputs = packed.pack(x)
        kernel, recurrent_kernel, bias, recurrent_bias = parts[:4]
        weights = Weights(
            _arrange(kernel, steps.input_gates),
            _arrange(recurrent_kernel, steps.state_gates),
            _arrange(bias, steps.input_gates),
            _arrange(recurrent_bias, steps.state_gates),
            None if drop is None else packed.sort(drop),
        )
        first = [packed.sort(state) for state in parts[4:]]
        h, others, kept = steps.ahead(packed, inputs, weights, first, keep)
        if keep:
            ctx.steps, ctx.packed, ctx.shape = steps, packed, x.shape
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(inputs, *weights, h, *kept)
        outputs = None
        if sequences:
            outputs = h.index_select(0, packed.shown).view(*x.shape[:2], -1)
        return outputs, h.index_select(0, packed.last), *others

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_outputs: Tensor | None, d_last: Tensor | None, *d_others: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Return the gradients by inputs, weights and first states."""
        steps, packed = ctx.steps, ctx.packed
        inputs, *parts = ctx.saved_tensors
        weights, h, kept = Weights(*parts[:5]), parts[5], parts[6:]
        wanted = ctx.needs_input_grad[4:]
        d = packed.gather(d_outputs, d_last, h)
        first = d[: len(packed.last)]
        others = [torch.zeros_like(first) if o is None else packed.sort(o) for o in d_others]
        sums = Sums(inputs, weights, wanted[0])
        steps.back(packed, weights, h, kept, d, others, sums)
        found = [
            None if sums.x is None else sums.x.index_select(0, packed.places).view(ctx.shape),
            None,
            _arrange_back(sums.kernel, steps.input_gates),
            _arrange_back(sums.recurrent_kernel, steps.state_gates),
            _arrange_back(sums.bias, steps.input_gates),
            _arrange_back(sums.recurrent_bias, steps.state_gates),
            *(packed.unsort(o) for o in (first, *others)),
        ]
        return *[None] * 4, *(g if want else None for g, want in zip(found, wanted, strict=True))


@torch.compiler.disable  # a compiler would write out every step, to no gain
def run(
    steps: Steps,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    reverse: bool = False,
    sequences: bool = True,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run the steps of a recurrence over time, for any mask; see `portable.recurrence`.

    Args:
        steps: the steps.
        x: `(B, T, D)`.
        states: the states before the first step, each `(B, U)`.
        params: kernel, recurrent_kernel and, where they are, bias, recurrent_bias, drop.
        mask: boolean `(B, T)`, any pattern; None = all steps are real.
        reverse: run from the last step to the first.
        sequences: return the output of every step.

    Returns:
        The outputs `(B, T, U)` in the order of x, or None; and the states after the last step.
    """
    names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    parts = [*(params.get(name) for name in names), *states]
    learns = any(part is not None and part.requires_grad for part in (x, *parts))
    outputs, *last = _Pass.apply(
        steps,
        packing(x, mask, reverse),
        sequences,
        learns and torch.is_grad_enabled(),
        x,
        params.get("drop"),
        *parts,
    )
    return outputs, tuple(last)
