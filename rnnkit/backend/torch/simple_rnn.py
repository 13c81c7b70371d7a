"""Forward and backward loop of the Elman network."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from rnnkit.backend.torch.loop import (
    GradientAccumulator,
    Kept,
    Steps,
    Weights,
    accumulate_state_grad,
    dropped_state,
    dropped_states,
    first_rows,
    project,
    tanh_grad,
)
from rnnkit.backend.torch.packing import Packing


class SimpleRNNSteps(Steps):
    """Elman network: `h_t = f(x_t W + b + h_{t-1} R)`, two operations per step, both ways.

    Args:
        relu: f is relu; otherwise it is tanh.
    """

    input_gates = (0,)
    state_gates = (0,)

    def __init__(self, relu: bool = False) -> None:
        self.relu = relu

    def forward(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], save: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """See `Steps`."""
        states = x.new_empty(len(first[0]) + len(x), first[0].shape[1])
        h, *after = packed.split(states)
        h.copy_(first[0])
        project(x, weights.kernel, weights.bias, out=states[len(h) :])
        for size, new in zip(packed.sizes, after, strict=True):
            new.addmm_(dropped_state(first_rows(h, size), weights.drop), weights.recurrent_kernel)
            h = new.relu_() if self.relu else new.tanh_()
        return states, [], []

    def backward(
        self, kept: Kept, d: Tensor, d_others: Sequence[Tensor], grads: GradientAccumulator
    ) -> None:
        """See `Steps`."""
        packed, weights, h, _ = kept
        by_state, states = packed.split(d), packed.split(h)
        kernel_t = weights.recurrent_kernel.t().contiguous()
        for step in range(len(packed.sizes), 0, -1):
            here, before = by_state[step], by_state[step - 1]
            if self.relu:
                here.mul_(states[step] > 0)
            else:
                tanh_grad(here, states[step], out=here)
            before = first_rows(before, packed.sizes[step - 1])
            accumulate_state_grad(before, here, kernel_t, weights.drop)
        d_projected = d[len(packed.last) :]
        dropped = dropped_states(packed, packed.states_before(h), weights.drop)
        grads.recurrent_kernel.addmm_(dropped.t(), d_projected)
        grads.accumulate_input_grad(slice(0, len(d_projected)), d_projected)
