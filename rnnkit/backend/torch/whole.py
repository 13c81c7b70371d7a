"""The whole sequence in one call of ATen: oneDNN on a CPU, cuDNN on a GPU.

These kernels support no masks. So the real steps of each row move to the left, the kernel runs over
the full length, and the state after the last real step of a row is gathered from the outputs. The
padding after it does not matter, with one exception: the cell state of the LSTM is in no output.
There an additional input feature, 1 on padding, saturates the input gate at 0 and the forget gate
at 1, so that the cell state stays the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import _VF, Tensor

from rnnkit.backend.kernels import KernelRequest

# σ(±GATE_SATURATION) is exactly 0 or 1, whatever is added to it.
GATE_SATURATION = 1e4

# Cell type -> the function, and ATen's order of the gates as indices into Keras's.
CELL_TYPES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "simple_rnn": (_VF.rnn_tanh, (0,)),
    "lstm": (_VF.lstm, (0, 1, 2, 3)),
    "gru_reset_after": (_VF.gru, (1, 0, 2)),
}


@torch.compiler.disable  # its graph has to break here anyway
def run(
    request: KernelRequest,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    reverse: bool = False,
    sequences: bool = True,
    reference: Any = None,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run an LSTM, a GRU (reset after) or a simple RNN over time; see `kernels.Kernel`."""
    del reference  # on a CPU ATen differentiates twice; on a GPU cuDNN says that it cannot
    kernel = params["kernel"]
    if mask is None:
        x = x.flip(1) if reverse else x
    else:
        mask = mask.to(torch.bool)
        x = _compact(x, mask, reverse)
        if request.cell_type == "lstm":
            x, kernel = _with_padding_feature(x, kernel, mask)
    function, gates = CELL_TYPES[request.cell_type]
    if request.cell_type == "simple_rnn" and request.activation == "relu":
        function = _VF.rnn_relu
    first = tuple(state.unsqueeze(0).contiguous() for state in states)
    outputs, *last = function(
        x,
        first if len(first) > 1 else first[0],
        _weights(kernel, params, gates),
        "bias" in params or "recurrent_bias" in params,
        1,  # layers
        0.0,  # dropout between layers
        torch.is_grad_enabled(),  # save the activations for the gradient
        False,  # both directions
        True,  # batch first
    )
    last = [state.squeeze(0) for state in last]
    if mask is None:
        outputs = outputs.flip(1) if reverse else outputs
        return (outputs if sequences else None), tuple(last)

    lengths, first_row = mask.sum(1), torch.arange(len(x), device=x.device) * x.shape[1]
    end = (first_row + lengths - 1).clamp_(min=0)
    at_end = outputs.flatten(0, 1).index_select(0, end)
    last[0] = torch.where(lengths.unsqueeze(1) > 0, at_end, states[0])
    if not sequences:
        return None, tuple(last)
    taken = _steps_so_far(mask, reverse)
    index = (first_row.unsqueeze(1) + taken - 1).clamp_(min=0)
    filled = outputs.flatten(0, 1).index_select(0, index.flatten()).unflatten(0, mask.shape)
    return torch.where(taken.unsqueeze(-1) > 0, filled, states[0].unsqueeze(1)), tuple(last)


def _steps_so_far(mask: Tensor, reverse: bool) -> Tensor:
    """Return the number of real steps, in the order of the pass, up to and with each `(B, T)`."""
    return mask.flip(1).cumsum(1).flip(1) if reverse else mask.cumsum(1)


def _compact(x: Tensor, mask: Tensor, reverse: bool) -> Tensor:
    """Move the real steps of each row to the left, in the order of the pass, padded with zeros."""
    batch, time, _ = x.shape
    # All masked steps are written to one position more, which is cut off.
    place = torch.where(mask, _steps_so_far(mask, reverse) - 1, time)
    step = torch.arange(time, device=x.device).expand(batch, time)
    order = step.new_zeros(batch, time + 1).scatter_(1, place, step)[:, :time]
    row = torch.arange(batch, device=x.device).unsqueeze(1) * time
    x = x.flatten(0, 1).index_select(0, (row + order).flatten()).unflatten(0, (batch, time))
    return x.masked_fill_(_padding(mask), 0.0)


def _padding(mask: Tensor) -> Tensor:
    """Return `(B, T, 1)`, true = padding, once the real steps are on the left."""
    step = torch.arange(mask.shape[1], device=mask.device)
    return (step >= mask.sum(1, keepdim=True)).unsqueeze(-1)


def _with_padding_feature(x: Tensor, kernel: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Add the input feature that freezes the LSTM's cell state on padding, and its weights."""
    units = kernel.shape[1] // 4
    padding_weights = kernel.new_zeros(1, 4 * units)
    padding_weights[:, :units] = -GATE_SATURATION
    padding_weights[:, units : 2 * units] = GATE_SATURATION
    return torch.cat([x, _padding(mask).to(x.dtype)], -1), torch.cat([kernel, padding_weights])


def _weights(kernel: Tensor, params: Mapping[str, Tensor], gates: Sequence[int]) -> list[Tensor]:
    """Return ATen's weights: transposed, gates in its order, views of one contiguous buffer.

    cuDNN would otherwise copy them at every call.
    """

    def arranged(weights: Tensor) -> Tensor:
        parts = weights.chunk(len(gates), -1)
        return torch.cat([parts[gate] for gate in gates], -1).t().flatten()

    width = kernel.shape[1]
    pieces = [arranged(kernel), arranged(params["recurrent_kernel"])]
    shapes: list[tuple[int, ...]] = [(width, -1), (width, -1)]
    if "bias" in params or "recurrent_bias" in params:
        zeros = kernel.new_zeros(width)
        pieces += [arranged(params.get(name, zeros)) for name in ("bias", "recurrent_bias")]
        shapes += [(width,), (width,)]
    flat = torch.cat(pieces).split([len(piece) for piece in pieces])
    return [piece.view(shape) for piece, shape in zip(flat, shapes, strict=True)]
