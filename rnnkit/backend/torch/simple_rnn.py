"""Forward and backward loop of the Elman network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
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
    share_per_step,
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
        share = weights.share(0)
        # What the cell computes; with zoneout apart from the states, which are mixed with it.
        found = states[len(h) :] if share is None else x.new_empty(len(x), h.shape[1])
        project(x, weights.kernel, weights.bias, out=found)
        sizes = packed.sizes
        walk = zip(sizes, after, found.split(sizes), share_per_step(share, sizes), strict=True)
        for size, after_step, new, kept in walk:
            old = first_rows(h, size)
            new.addmm_(dropped_state(old, weights.drop), weights.recurrent_kernel)
            h = new.relu_() if self.relu else new.tanh_()
            if kept is not None:
                h = torch.lerp(new, old, kept, out=after_step)
        return states, [], [] if share is None else [found]

    def backward(
        self, kept: Kept, d: Tensor, d_others: Sequence[Tensor], grads: GradientAccumulator
    ) -> None:
        """See `Steps`."""
        packed, weights, h, saved = kept
        by_state, sizes = packed.split(d), packed.sizes
        found = saved[0] if saved else h[packed.row_count :]
        shares = share_per_step(weights.share(0), sizes)
        kernel_t = weights.recurrent_kernel.t().contiguous()
        walk = zip(sizes, by_state, by_state[1:], found.split(sizes), shares, strict=False)
        for size, before, here, new, share in reversed(list(walk)):
            before = first_rows(before, size)
            if share is not None:
                passed = here * share
                before.add_(passed)
                here.sub_(passed)
            if self.relu:
                here.mul_(new > 0)
            else:
                tanh_grad(here, new, out=here)
            accumulate_state_grad(before, here, kernel_t, weights.drop)
        d_projected = d[packed.row_count :]
        dropped = dropped_states(packed, packed.states_before(h), weights.drop)
        grads.recurrent_kernel.addmm_(dropped.t(), d_projected)
        grads.accumulate_input_grad(slice(0, len(d_projected)), d_projected)
