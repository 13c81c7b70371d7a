"""The steps of the Elman network, ahead and back."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from rnnkit.backend.torch.loop import (
    Steps,
    Sums,
    Weights,
    enter,
    entered,
    leave,
    project,
    rows_of,
    tanh_back,
)
from rnnkit.backend.torch.packing import Packing


class SimpleRNNSteps(Steps):
    """`h_t = f(x_t W + b + h_{t-1} R)`: two operations a step in either direction.

    Args:
        relu: f is relu; otherwise it is tanh.
    """

    input_gates = (0,)
    state_gates = (0,)

    def __init__(self, relu: bool = False) -> None:
        self.relu = relu

    def ahead(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], keep: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """See `Steps`."""
        del keep
        states = x.new_empty(len(first[0]) + len(x), first[0].shape[1])
        h, *after = packed.split(states)
        h.copy_(first[0])
        project(x, weights.kernel, weights.bias, out=states[len(h) :])
        for size, new in zip(packed.sizes, after, strict=True):
            new.addmm_(enter(rows_of(h, size), weights.drop), weights.recurrent_kernel)
            h = new.relu_() if self.relu else new.tanh_()
        return states, [], []

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
        """See `Steps`."""
        del kept, d_others
        by_state, states = packed.split(d), packed.split(h)
        back = weights.recurrent_kernel.t().contiguous()
        for step in range(len(packed.sizes), 0, -1):
            here, before = by_state[step], by_state[step - 1]
            if self.relu:
                here.mul_(states[step] > 0)
            else:
                tanh_back(here, states[step], out=here)
            leave(rows_of(before, packed.sizes[step - 1]), here, back, weights.drop)
        d_projected = d[len(packed.last) :]
        came = entered(packed, packed.states_before(h), weights.drop)
        sums.recurrent_kernel.addmm_(came.t(), d_projected)
        sums.project_back(slice(0, len(d_projected)), d_projected)
