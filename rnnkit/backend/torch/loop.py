"""A recurrent pass over packed steps as one autograd function, shared by all cell types.

Forward: only the recurrent product runs step by step; the input projection is one product per
block. Backward: the factors by which a step multiplies the gradient are computed for a whole block
at once, the steps propagate the gradient, and the gradients of the weights and inputs are again one
product per block. A cell type defines its forward and its backward loop: see `Steps`. A gradient
that is itself differentiated is that of the portable loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd import Function

from rnnkit.backend.torch.double import reference_gradients
from rnnkit.backend.torch.packing import Packing, pack_steps
from rnnkit.backend.torch.segments import any_reset

Share: TypeAlias = Tensor | float  # of the old state that zoneout keeps
NAMES = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")


class Weights(NamedTuple):
    """The weights of a pass, their gates in the order of `Steps`.

    `drop (S, U)`, the recurrent dropout mask, has its rows in loop order. `zoneout` has for each
    state the share of the old value at every packed step `(N, U)`, or a number for all; or nothing.
    """

    kernel: Tensor
    recurrent_kernel: Tensor
    bias: Tensor | None
    recurrent_bias: Tensor | None
    drop: Tensor | None
    zoneout: Sequence[Share] = ()

    def share(self, state: int) -> Share | None:
        """Return the share of the old value that zoneout keeps of a state; None = no zoneout."""
        return self.zoneout[state] if self.zoneout else None


class Kept(NamedTuple):
    """What a pass keeps for its gradient: all states h `(S + N, U)`, and what `forward` saved."""

    packed: Packing
    weights: Weights
    h: Tensor
    saved: Sequence[Tensor]


class Steps(ABC):
    """Forward and backward loop of one cell type. Abstract.

    Attributes:
        input_gates: order of the gates of the input projection, as indices into Keras's order.
        state_gates: the same for the product with the recurrent kernel.
    """

    input_gates: tuple[int, ...]
    state_gates: tuple[int, ...]

    @abstractmethod
    def forward(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], save: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Run the steps over the packed inputs `x (N, D)`, from the states `first (S, U)`.

        Returns all states h `(S + N, U)`; the last of each other state, in batch order; and, if
        `save`, the tensors that `backward` needs.
        """

    @abstractmethod
    def backward(
        self, kept: Kept, d: Tensor, d_others: Sequence[Tensor], grads: GradientAccumulator
    ) -> None:
        """Run the steps in reverse and propagate the gradient.

        In place: `d (S + N, U)` is the gradient by each state h from outside the loop, and its
        first S rows become that by the initial ones; `d_others (S, U)` are the gradients by the
        last of each other state and become those by the initial ones. `grads` accumulates those by
        weights and inputs.
        """


class GradientAccumulator:
    """The gradients by inputs and weights, accumulated block by block."""

    def __init__(self, x: Tensor, weights: Weights, want_x: bool) -> None:
        self._x, self._kernel_t = x, weights.kernel.t()
        self.kernel = torch.zeros_like(weights.kernel)
        self.recurrent_kernel = torch.zeros_like(weights.recurrent_kernel)
        self.bias = x.new_zeros(weights.kernel.shape[1])
        self.recurrent_bias = x.new_zeros(weights.recurrent_kernel.shape[1])
        self.x = x.new_empty(len(x) + 1, x.shape[1]) if want_x else None
        if self.x is not None:
            self.x[-1] = 0  # the gradient by every masked step

    def accumulate_input_grad(self, rows: slice, d: Tensor) -> None:
        """Accumulate, given the gradient by the projected inputs of a block, `(n, G U)`."""
        self.kernel.addmm_(self._x[rows].t(), d)
        self.bias += d.sum(0)
        if self.x is not None:
            torch.mm(d, self._kernel_t, out=self.x[rows])


class Gates:
    """Buffers of the gates, block by block: saved for the gradient, or one block reused."""

    def __init__(self, x: Tensor, width: int, save: bool) -> None:
        self._x, self._width, self._keep = x, width, save
        self._last = x.new_empty(0, width)
        self.saved: list[Tensor] = []

    def block(self, rows: int) -> Tensor:
        """Return an uninitialised `(rows, width)`."""
        if self._keep or len(self._last) < rows:
            self._last = self._x.new_empty(rows, self._width)
        if self._keep:
            self.saved.append(self._last)
        return self._last[:rows]


def project(x: Tensor, kernel: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """Compute the input projection `x W + b` into `out`."""
    if bias is None:
        torch.mm(x, kernel, out=out)
    else:
        torch.addmm(bias, x, kernel, out=out)


def first_rows(h: Tensor, size: int) -> Tensor:
    """Return the first rows of a tensor, the tensor itself if these are all."""
    return h if len(h) == size else h[:size]


def share_per_step(share: Share | None, sizes: Sequence[int]) -> Sequence[Share | None]:
    """Split the share of the old state that zoneout keeps by steps; None = no zoneout."""
    return share.split(sizes) if isinstance(share, Tensor) else [share] * len(sizes)


def share_of_rows(share: Share | None, rows: slice) -> Any:
    """Return the share of the old state that zoneout keeps, at the packed steps of a block."""
    return share[rows] if isinstance(share, Tensor) else share


def dropped_state(h: Tensor, drop: Tensor | None) -> Tensor:
    """Return the states of a step after recurrent dropout."""
    return h if drop is None else h * first_rows(drop, len(h))


def dropped_states(packed: Packing, states: Tensor, drop: Tensor | None) -> Tensor:
    """Return the states before all steps `(N, U)` after recurrent dropout."""
    return states if drop is None else states * packed.repeat_per_step(drop)


def accumulate_state_grad(
    d: Tensor, d_gates: Tensor, kernel_t: Tensor, drop: Tensor | None
) -> None:
    """Add to `d (n, U)`, the gradient by the states of a step, that through the product."""
    if drop is None:
        d.addmm_(d_gates, kernel_t)
    else:
        d.addcmul_(d_gates @ kernel_t, first_rows(drop, len(d)))


def sigmoid_grad(d: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """Compute `d y (1 - y)` into `out`: the gradient through `y = σ(.)`."""
    return torch.ops.aten.sigmoid_backward.grad_input(d, y, grad_input=out)


def tanh_grad(d: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """Compute `d (1 - y²)` into `out`: the gradient through `y = tanh(.)`."""
    return torch.ops.aten.tanh_backward.grad_input(d, y, grad_input=out)


def _reorder_gates(weights: Tensor | None, gates: Sequence[int]) -> Tensor | None:
    """Reorder the gates along the last axis."""
    if weights is None or list(gates) == sorted(gates):
        return weights
    parts = weights.chunk(len(gates), -1)
    return torch.cat([parts[gate] for gate in gates], -1)


def _restore_gates(weights: Tensor, gates: Sequence[int]) -> Tensor | None:
    """Inverse of `_reorder_gates`."""
    return _reorder_gates(weights, [gates.index(gate) for gate in range(len(gates))])


class Extras(NamedTuple):
    """The marks of the steps of a pass, which are not differentiated; see `kernels.Kernel`."""

    mask: Tensor | None
    resets: Tensor | None
    zoneout: Sequence[Share]


def _weights(
    steps: Steps,
    packed: Packing,
    drop: Tensor | None,
    zoneout: Sequence[Share],
    parts: Sequence[Tensor | None],
) -> Weights:
    """Return the weights in the order of the gates that the steps have."""
    kernel, recurrent_kernel, bias, recurrent_bias = parts[:4]
    return Weights(
        _reorder_gates(kernel, steps.input_gates),
        _reorder_gates(recurrent_kernel, steps.state_gates),
        _reorder_gates(bias, steps.input_gates),
        _reorder_gates(recurrent_bias, steps.state_gates),
        None if drop is None else packed.sort(drop),
        [packed.pack(part).float() if isinstance(part, Tensor) else part for part in zoneout],
    )


class _Pass(Function):
    """A recurrent pass as one node of the autograd graph."""

    @staticmethod
    def forward(
        ctx: Any,
        steps: Steps,
        packed: Packing,
        sequences: bool,
        save: bool,
        reference: Callable | None,
        extras: Extras,
        x: Tensor,
        drop: Tensor | None,
        *parts: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        """Return the outputs and the last states; `parts`: four weights, then first states."""
        weights = _weights(steps, packed, drop, extras.zoneout, parts)
        first = [packed.first_states(state) for state in parts[4:]]
        h, others, saved = steps.forward(packed, packed.pack(x), weights, first, save)
        if save:
            ctx.steps, ctx.packed, ctx.count = steps, packed, len(parts)
            ctx.sequences, ctx.reference, ctx.extras = sequences, reference, extras
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(x, drop, *parts, h, *saved)
        outputs = None
        if sequences:
            outputs = h.index_select(0, packed.output_index).view(*x.shape[:2], -1)
        return outputs, h.index_select(0, packed.last), *others

    @staticmethod
    def backward(ctx: Any, *d: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients by inputs, weights and first states."""
        wanted = ctx.needs_input_grad[6:]
        found = _Pass._twice(ctx, d, wanted) if torch.is_grad_enabled() else _Pass._once(ctx, *d)
        return *[None] * 6, *(g if want else None for g, want in zip(found, wanted, strict=True))

    @staticmethod
    def _twice(ctx: Any, d: Sequence[Tensor | None], wanted: Sequence[bool]) -> list[Tensor | None]:
        """Return gradients that can be differentiated: those of the portable loop."""

        def run(x: Tensor, drop: Tensor | None, *parts: Tensor | None) -> list[Tensor | None]:
            weights = {**dict(zip(NAMES, parts, strict=False)), "drop": drop}
            params = {name: part for name, part in weights.items() if part is not None}
            outputs, states = ctx.reference(x, tuple(parts[4:]), params, *ctx.extras)
            return [outputs, *states]

        return reference_gradients(run, ctx.saved_tensors[: 2 + ctx.count], wanted, d)

    @staticmethod
    def _once(
        ctx: Any, d_outputs: Tensor | None, d_last: Tensor | None, *d_others: Tensor | None
    ) -> list[Tensor | None]:
        """Return the gradients by the hand-written loop."""
        steps, packed = ctx.steps, ctx.packed
        x, drop, *rest = ctx.saved_tensors
        parts, (h, *saved) = rest[: ctx.count], rest[ctx.count :]
        weights = _weights(steps, packed, drop, ctx.extras.zoneout, parts)
        kept = Kept(packed, weights, h, saved)
        d = packed.gather(d_outputs, d_last, kept.h)
        first = d[: packed.row_count]
        others = [
            torch.zeros_like(first) if o is None else packed.last_states_grad(o) for o in d_others
        ]
        want_x = ctx.needs_input_grad[6]
        grads = GradientAccumulator(packed.pack(x), kept.weights, want_x)
        steps.backward(kept, d, others, grads)
        d_x = grads.x
        if d_x is not None:
            d_x = d_x.index_select(0, packed.packed_index).view(x.shape)
        return [
            d_x,
            None,
            _restore_gates(grads.kernel, steps.input_gates),
            _restore_gates(grads.recurrent_kernel, steps.state_gates),
            _restore_gates(grads.bias, steps.input_gates),
            _restore_gates(grads.recurrent_bias, steps.state_gates),
            *(packed.first_states_grad(o) for o in (first, *others)),
        ]


@torch.compiler.disable  # a compiler would unroll the loop, to no gain
def run(
    steps: Steps,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
    zoneout: Sequence[Share] = (),
    reverse: bool = False,
    sequences: bool = True,
    reference: Callable | None = None,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run a recurrence over time with the loops of a cell type; see `kernels.Kernel`."""
    parts = [*(params.get(name) for name in NAMES), *states]
    learns = any(part is not None and part.requires_grad for part in (x, *parts))
    resets = any_reset(resets)
    outputs, *last = _Pass.apply(
        steps,
        pack_steps(x, mask, reverse, resets),
        sequences,
        learns and torch.is_grad_enabled(),
        reference,
        Extras(mask, resets, tuple(zoneout)),
        x,
        params.get("drop"),
        *parts,
    )
    return outputs, tuple(last)
