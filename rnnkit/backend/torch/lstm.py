"""Forward and backward loop of the LSTM."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnkit.backend.torch.loop import (
    Gates,
    GradientAccumulator,
    Kept,
    Steps,
    Weights,
    accumulate_state_grad,
    dropped_state,
    dropped_states,
    first_rows,
    share_of_rows,
    share_per_step,
    sigmoid_grad,
    tanh_grad,
)
from rnnkit.backend.torch.packing import Packing


class LSTMSteps(Steps):
    """LSTM: `c_t = f ⊙ c_{t-1} + i ⊙ a`, `h_t = o ⊙ tanh(c_t)`.

    Seven operations per step forward, five backward. The gates are in the order o, i, f, a (the
    candidate): one sigmoid covers the first three, one product with the gradient by c the last
    three.
    """

    input_gates = (3, 0, 1, 2)
    state_gates = (3, 0, 1, 2)

    def forward(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], save: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """See `Steps`."""
        (batch, units), saved = first[0].shape, []
        shares = weights.share(0), weights.share(1)
        apart = save or bool(weights.zoneout)
        states = x.new_empty(batch + len(x), units)
        h, *h_after = packed.split(states)
        h.copy_(first[0])
        c = first[1]
        if apart:
            saved = [x.new_empty(batch + len(x), units), x.new_empty(len(x), units)]
            c, *c_after = packed.split(saved[0])
            c.copy_(first[1])
            tanh_after: Sequence[Tensor] = saved[1].split(packed.sizes)
        else:  # the cells are updated in place, and tanh(c) is stored where the output will be
            c_after, tanh_after = [c[:size] for size in packed.sizes], h_after
        recurrent = _gates_apart(weights.recurrent_kernel)
        kernel = _gates_apart(weights.kernel)
        bias = x.new_zeros(1) if weights.bias is None else weights.bias.view(4, 1, units)
        gates = Gates(x, 4 * units, save)
        rest = -1
        for steps, rows, sizes in packed.blocks():
            block = gates.block(rows.stop - rows.start).view(4, -1, units)
            torch.baddbmm(bias, x[rows].expand(4, -1, -1), kernel, out=block)
            walk = zip(
                sizes,
                h_after[steps],
                c_after[steps],
                tanh_after[steps],
                block.split(sizes, 1),
                block[:3].split(sizes, 1),
                *(gate.split(sizes) for gate in block.unbind(0)),
                *(share_per_step(share_of_rows(share, rows), sizes) for share in shares),
                strict=True,
            )
            for size, new_h, new_c, tanh, all_four, oif, o, i, f, a, keep_h, keep_c in walk:
                if size != rest:
                    rest, h, c = size, first_rows(h, size), first_rows(c, size)
                    pre = x.new_empty(4, size, units)
                    pre_oif, pre_a = pre[:3], pre[3]
                dropped = dropped_state(h, weights.drop).expand(4, size, units)
                torch.baddbmm(all_four, dropped, recurrent, out=pre)
                torch.sigmoid(pre_oif, out=oif)
                torch.tanh(pre_a, out=a)
                torch.mul(f, c, out=new_c).addcmul_(i, a)
                torch.tanh(new_c, out=tanh)
                torch.mul(o, tanh, out=new_h)
                if keep_h is not None:
                    new_h.lerp_(h, keep_h)
                    new_c.lerp_(c, keep_c)
                h, c = new_h, new_c
        last = saved[0].index_select(0, packed.last) if apart else packed.last_states(first[1])
        return states, [last], [*saved, *gates.saved]

    def backward(
        self, kept: Kept, d: Tensor, d_others: Sequence[Tensor], grads: GradientAccumulator
    ) -> None:
        """See `Steps`."""
        packed, weights, h, saved = kept
        units = h.shape[1]
        cells, tanhs, *gates = saved
        before, c_before = packed.states_before(h), packed.states_before(cells)
        dropped = dropped_states(packed, before, weights.drop)
        by_state, kernel_t = packed.split(d), weights.recurrent_kernel.t().contiguous()
        rest = -1
        for (steps, rows, sizes), block in packed.reversed_blocks(gates):
            (o, i, f, a), tanh = block.view(4, -1, units), tanhs[rows]
            c_factor, factors = torch.empty_like(tanh), torch.empty_like(block.view(4, -1, units))
            o_factor, i_factor, f_factor, a_factor = factors
            tanh_grad(o, tanh, out=c_factor)
            sigmoid_grad(tanh, o, out=o_factor)
            sigmoid_grad(a, i, out=i_factor)
            sigmoid_grad(c_before[rows], f, out=f_factor)
            tanh_grad(i, a, out=a_factor)
            share_h, share_c = (share_of_rows(weights.share(state), rows) for state in (0, 1))
            if share_h is not None:  # what the step itself adds to h is less
                c_factor.mul_(1 - share_h)
                o_factor.mul_(1 - share_h)
            d_gates = torch.empty_like(block)
            walk = zip(
                sizes,
                by_state[steps],
                by_state[steps.start + 1 : steps.stop + 1],
                c_factor.split(sizes),
                o_factor.split(sizes),
                factors[1:].split(sizes, 1),
                f.split(sizes),
                d_gates.split(sizes),
                d_gates[:, :units].split(sizes),
                d_gates.view(-1, 4, units)[:, 1:].transpose(0, 1).split(sizes, 1),
                share_per_step(share_h, sizes),
                share_per_step(share_c, sizes),
                strict=True,
            )
            for (
                size,
                d_before,
                d_h,
                by_c,
                by_o,
                by_ifa,
                f_t,
                d_four,
                d_o,
                d_ifa,
                keep_h,
                keep_c,
            ) in reversed(list(walk)):
                if size != rest:
                    rest, d_c = size, d_others[0][:size]
                d_on = first_rows(d_before, size)
                if keep_h is not None:
                    d_on.add_(d_h * keep_h)
                    passed = d_c * keep_c
                    d_c.sub_(passed)
                d_c.addcmul_(d_h, by_c)
                torch.mul(d_h, by_o, out=d_o)
                torch.mul(d_c, by_ifa, out=d_ifa)
                d_c.mul_(f_t)
                if keep_h is not None:
                    d_c.add_(passed)
                accumulate_state_grad(d_on, d_four, kernel_t, weights.drop)
            grads.recurrent_kernel.addmm_(dropped[rows].t(), d_gates)
            grads.accumulate_input_grad(rows, d_gates)


def _gates_apart(weights: Tensor) -> Tensor:
    """`(n, 4 U)` -> `(4, n, U)`."""
    return weights.unflatten(1, (4, -1)).transpose(0, 1).contiguous()
