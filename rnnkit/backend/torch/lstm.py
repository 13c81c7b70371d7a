"""The steps of the LSTM, ahead and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnkit.backend.torch.loop import (
    Gates,
    Steps,
    Sums,
    Weights,
    enter,
    entered,
    leave,
    rows_of,
    sigmoid_back,
    tanh_back,
)
from rnnkit.backend.torch.packing import Packing


class LSTMSteps(Steps):
    """`c_t = f ⊙ c_{t-1} + i ⊙ a`, `h_t = o ⊙ tanh(c_t)`: seven operations ahead, five back.

    The gates lie in the order o, i, f, a (the candidate): one sigmoid takes the first three, one
    product with the gradient by c the last three.
    """

    input_gates = (3, 0, 1, 2)
    state_gates = (3, 0, 1, 2)

    def ahead(
        self, packed: Packing, x: Tensor, weights: Weights, first: Sequence[Tensor], keep: bool
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """See `Steps`."""
        (batch, units), kept = first[0].shape, []
        states = x.new_empty(batch + len(x), units)
        h, *h_after = packed.split(states)
        h.copy_(first[0])
        c = first[1]
        if keep:
            kept = [x.new_empty(batch + len(x), units), x.new_empty(len(x), units)]
            c, *c_after = packed.split(kept[0])
            c.copy_(first[1])
            tanh_after: Sequence[Tensor] = kept[1].split(packed.sizes)
        else:  # the cells change where they are, and tanh(c) lies where the output will be
            c_after, tanh_after = [c[:size] for size in packed.sizes], h_after
        recurrent = _gates_apart(weights.recurrent_kernel)
        kernel = _gates_apart(weights.kernel)
        bias = x.new_zeros(1) if weights.bias is None else weights.bias.view(4, 1, units)
        gates = Gates(x, 4 * units, keep)
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
                strict=True,
            )
            for size, new_h, new_c, tanh, all_four, oif, o, i, f, a in walk:
                if size != rest:
                    rest, h, c = size, rows_of(h, size), rows_of(c, size)
                    sums = x.new_empty(4, size, units)
                    sums_oif, sums_a = sums[:3], sums[3]
                came = enter(h, weights.drop).expand(4, size, units)
                torch.baddbmm(all_four, came, recurrent, out=sums)
                torch.sigmoid(sums_oif, out=oif)
                torch.tanh(sums_a, out=a)
                torch.mul(f, c, out=new_c).addcmul_(i, a)
                torch.tanh(new_c, out=tanh)
                torch.mul(o, tanh, out=new_h)
                h, c = new_h, new_c
        last = kept[0].index_select(0, packed.last) if keep else packed.unsort(first[1])
        return states, [last], [*kept, *gates.kept]

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
        units = h.shape[1]
        cells, tanhs, *gates = kept
        before, c_before = packed.states_before(h), packed.states_before(cells)
        came = entered(packed, before, weights.drop)
        by_state, back = packed.split(d), weights.recurrent_kernel.t().contiguous()
        rest = -1
        for (steps, rows, sizes), block in zip(
            reversed(packed.blocks()), reversed(gates), strict=True
        ):
            (o, i, f, a), tanh = block.view(4, -1, units), tanhs[rows]
            c_factor, factors = torch.empty_like(tanh), torch.empty_like(block.view(4, -1, units))
            o_factor, i_factor, f_factor, a_factor = factors
            tanh_back(o, tanh, out=c_factor)
            sigmoid_back(tanh, o, out=o_factor)
            sigmoid_back(a, i, out=i_factor)
            sigmoid_back(c_before[rows], f, out=f_factor)
            tanh_back(i, a, out=a_factor)
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
                strict=True,
            )
            for size, d_before, d_h, by_c, by_o, by_ifa, f_t, d_four, d_o, d_ifa in reversed(
                list(walk)
            ):
                if size != rest:
                    rest, d_c = size, d_others[0][:size]
                d_c.addcmul_(d_h, by_c)
                torch.mul(d_h, by_o, out=d_o)
                torch.mul(d_c, by_ifa, out=d_ifa)
                d_c.mul_(f_t)
                leave(rows_of(d_before, size), d_four, back, weights.drop)
            sums.recurrent_kernel.addmm_(came[rows].t(), d_gates)
            sums.project_back(rows, d_gates)


def _gates_apart(weights: Tensor) -> Tensor:
    """`(n, 4 U)` -> `(4, n, U)`."""
    return weights.unflatten(1, (4, -1)).transpose(0, 1).contiguous()
