"""Forward and backward loops of both forms of the GRU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnkit.backend.torch.loop import (
    Gates,
    GradientAccumulator,
    Kept,
    Share,
    Steps,
    Weights,
    accumulate_state_grad,
    dropped_state,
    dropped_states,
    first_rows,
    project,
    share_of_rows,
    share_per_step,
    sigmoid_grad,
    tanh_grad,
)
from rnnkit.backend.torch.packing import Packing


def interpolation_factors(
    before: Tensor,
    z: Tensor,
    g: Tensor,
    share: Share | None,
    rows: slice,
    z_factor: Tensor,
    g_factor: Tensor,
) -> Tensor:
    """Compute the gradients of `z h + (1 - z) g` by z and g before their activation.

    Zoneout that keeps a share of h is a wider update gate, `z + share (1 - z)`. Returns that gate,
    the gradient by h.
    """
    apart = before - g
    if share is not None:
        share = share_of_rows(share, rows)
        apart.mul_(1 - share)
    sigmoid_grad(apart, z, out=z_factor)
    if share is not None:
        z = torch.lerp(z, torch.ones_like(z), share)
    tanh_grad(1 - z, g, out=g_factor)
    return z


class GRUAfterSteps(Steps):
    """GRU, reset after the product: `g = tanh(x_g + r ⊙ s)`, `s = h_{t-1} R_g + b'_g`.

    `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ g`. Five operations per step forward, three backward. The parts
    are in the order g, z, r, s: the product of the inputs gives the first three, that of the states
    the last three.
    """

    input_gates = (2, 0, 1)
    state_gates = (0, 1, 2)

    def forward(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], save: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """See `Steps`."""
        batch, units = first[0].shape
        states = x.new_empty(batch + len(x), units)
        h, *after = packed.split(states)
        h.copy_(first[0])
        bias = x.new_zeros(4 * units)
        if weights.bias is not None:
            bias[: 3 * units] += weights.bias
        if weights.recurrent_bias is not None:
            bias[units:] += weights.recurrent_bias
        gates = Gates(x, 4 * units, save)
        share = weights.share(0)
        for steps, rows, sizes in packed.blocks():
            block = gates.block(rows.stop - rows.start)
            project(x[rows], weights.kernel, bias[: 3 * units], out=block[:, : 3 * units])
            block[:, 3 * units :] = bias[3 * units :]
            walk = zip(
                sizes,
                after[steps],
                block[:, units:].split(sizes),
                block[:, units : 3 * units].split(sizes),
                *(part.split(sizes) for part in block.split(units, 1)),
                share_per_step(share_of_rows(share, rows), sizes),
                strict=True,
            )
            for size, new, zrs, zr, g, z, r, s, kept in walk:
                h = first_rows(h, size)
                zrs.addmm_(dropped_state(h, weights.drop), weights.recurrent_kernel)
                zr.sigmoid_()
                g.addcmul_(r, s).tanh_()
                old, h = h, torch.lerp(g, h, z, out=new)
                if kept is not None:
                    h.lerp_(old, kept)
        return states, [], gates.saved

    def backward(
        self, kept: Kept, d: Tensor, d_others: Sequence[Tensor], grads: GradientAccumulator
    ) -> None:
        """See `Steps`."""
        packed, weights, h, saved = kept
        units, share = h.shape[1], weights.share(0)
        before = packed.states_before(h)
        dropped = dropped_states(packed, before, weights.drop)
        by_state, kernel_t = packed.split(d), weights.recurrent_kernel.t().contiguous()
        for (steps, rows, sizes), block in packed.reversed_blocks(saved):
            g, z, r, s = block.split(units, 1)
            factors, d_parts = torch.empty_like(block), torch.empty_like(block)
            g_factor, z_factor, r_factor, s_factor = factors.split(units, 1)
            z = interpolation_factors(before[rows], z, g, share, rows, z_factor, g_factor)
            sigmoid_grad(s, r, out=r_factor).mul_(g_factor)
            torch.mul(g_factor, r, out=s_factor)
            walk = zip(
                sizes,
                by_state[steps],
                by_state[steps.start + 1 : steps.stop + 1],
                factors.view(-1, 4, units).split(sizes),
                z.split(sizes),
                d_parts.view(-1, 4, units).split(sizes),
                d_parts[:, units:].split(sizes),
                strict=True,
            )
            for size, d_before, d_h, by_all, z_t, d_all, d_zrs in reversed(list(walk)):
                torch.mul(d_h.unsqueeze(1), by_all, out=d_all)
                d_on = first_rows(d_before, size).addcmul_(d_h, z_t)
                accumulate_state_grad(d_on, d_zrs, kernel_t, weights.drop)
            by_product = d_parts[:, units:]
            grads.recurrent_kernel.addmm_(dropped[rows].t(), by_product)
            grads.recurrent_bias += by_product.sum(0)
            grads.accumulate_input_grad(rows, d_parts[:, : 3 * units])


class GRUBeforeSteps(Steps):
    """GRU, reset before the product: `g = tanh(x_g + (r ⊙ h_{t-1}) R_g)`.

    `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ g`. Six operations per step forward, seven backward. The gates
    are in the order r, z, g: the first product gives r and z, one operation takes the gradient by h
    to z and g.
    """

    input_gates = (1, 0, 2)
    state_gates = (1, 0, 2)

    def forward(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], save: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """See `Steps`."""
        batch, units = first[0].shape
        kernel_rz, kernel_g = weights.recurrent_kernel.split([2 * units, units], 1)
        states = x.new_empty(batch + len(x), units)
        h, *after = packed.split(states)
        h.copy_(first[0])
        gates = Gates(x, 3 * units, save)
        share = weights.share(0)
        for steps, rows, sizes in packed.blocks():
            block = gates.block(rows.stop - rows.start)
            project(x[rows], weights.kernel, weights.bias, out=block)
            walk = zip(
                sizes,
                after[steps],
                block[:, : 2 * units].split(sizes),
                *(part.split(sizes) for part in block.split(units, 1)),
                share_per_step(share_of_rows(share, rows), sizes),
                strict=True,
            )
            for size, new, rz, r, z, g, kept in walk:
                h = first_rows(h, size)
                dropped = dropped_state(h, weights.drop)
                rz.addmm_(dropped, kernel_rz).sigmoid_()
                g.addmm_(torch.mul(r, dropped, out=new), kernel_g).tanh_()
                old, h = h, torch.lerp(g, h, z, out=new)
                if kept is not None:
                    h.lerp_(old, kept)
        return states, [], gates.saved

    def backward(
        self, kept: Kept, d: Tensor, d_others: Sequence[Tensor], grads: GradientAccumulator
    ) -> None:
        """See `Steps`."""
        packed, weights, h, saved = kept
        units, share = h.shape[1], weights.share(0)
        before = packed.states_before(h)
        dropped = dropped_states(packed, before, weights.drop)
        by_state = packed.split(d)
        kernel_rz_t, kernel_g_t = (
            weights.recurrent_kernel.t().contiguous().split([2 * units, units])
        )
        sum_rz, sum_g = grads.recurrent_kernel.split([2 * units, units], 1)
        for (steps, rows, sizes), block in packed.reversed_blocks(saved):
            r, z, g = block.split(units, 1)
            factors, d_gates = torch.empty_like(block), torch.empty_like(block)
            r_factor, z_factor, g_factor = factors.split(units, 1)
            sigmoid_grad(dropped[rows], r, out=r_factor)
            z = interpolation_factors(before[rows], z, g, share, rows, z_factor, g_factor)
            walk = zip(
                sizes,
                by_state[steps],
                by_state[steps.start + 1 : steps.stop + 1],
                factors.view(-1, 3, units)[:, 1:].split(sizes),
                r_factor.split(sizes),
                r.split(sizes),
                z.split(sizes),
                d_gates.view(-1, 3, units)[:, 1:].split(sizes),
                d_gates[:, : 2 * units].split(sizes),
                d_gates[:, :units].split(sizes),
                d_gates[:, 2 * units :].split(sizes),
                strict=True,
            )
            for size, d_before, d_h, by_zg, by_r, r_t, z_t, d_zg, d_rz, d_r, d_g in reversed(
                list(walk)
            ):
                torch.mul(d_h.unsqueeze(1), by_zg, out=d_zg)
                d_reset = d_g @ kernel_g_t  # by r ⊙ h
                torch.mul(d_reset, by_r, out=d_r)
                d_on = first_rows(d_before, size).addcmul_(d_h, z_t)
                d_came = d_reset.mul_(r_t).addmm_(d_rz, kernel_rz_t)
                if weights.drop is None:
                    d_on += d_came
                else:
                    d_on.addcmul_(d_came, first_rows(weights.drop, size))
            sum_rz.addmm_(dropped[rows].t(), d_gates[:, : 2 * units])
            sum_g.addmm_((r * dropped[rows]).t(), d_gates[:, 2 * units :])
            grads.accumulate_input_grad(rows, d_gates)
