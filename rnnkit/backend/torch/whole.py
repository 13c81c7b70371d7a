"""Whole sequences in one call of ATen, or a few: oneDNN on a CPU, cuDNN on a GPU.

These kernels support no masks. So the real steps of each row move to the left, and the kernel runs
over blocks of steps, each with the rows that have not ended (`blocks.py`). What it computes on the
padding that is left does not matter, with one exception: the last cell state of the LSTM is in no
output. Where it is wanted, an additional input feature, 1 on padding, saturates the input gate at 0
and the forget gate at 1, so that the cell state stays the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import _VF, Tensor

from rnnkit.backend.kernels import KernelRequest
from rnnkit.backend.torch.blocks import Blocks, call_cost, cut, turned
from rnnkit.backend.torch.segments import any_reset

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
    resets: Tensor | None = None,
    zoneout: Sequence[Any] = (),
    reverse: bool = False,
    sequences: bool = True,
    reference: Any = None,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run an LSTM, a GRU (reset after) or a simple RNN over time; see `kernels.Kernel`."""
    del reference  # on a CPU ATen differentiates twice; on a GPU cuDNN says that it cannot
    del zoneout  # `whole_unsupported_reason` refuses it
    resets = any_reset(resets)
    if mask is not None or resets is not None:
        real = torch.ones_like(resets) if mask is None else mask.to(torch.bool)
        blocks = cut(real, reverse, call_cost(x.shape[-1], states[0].shape[-1]), resets)
        return _run_blocks(request, x, states, params, blocks, sequences)
    steps = turned(x, time=1) if reverse else x.transpose(0, 1)
    outputs, last = call(request, steps, states, _weights(request, params, params["kernel"]))
    if not sequences:
        return None, tuple(last)
    return (turned(outputs, time=0) if reverse else outputs.transpose(0, 1)), tuple(last)


def _run_blocks(
    request: KernelRequest,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[str, Tensor],
    blocks: Blocks,
    sequences: bool,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run over the blocks of a masked batch."""
    packed, kernel = blocks.pack(x), params["kernel"]
    frozen = request.cell_type == "lstm" and request.states
    if frozen:
        packed = torch.cat([packed, blocks.padding_flags(packed)], -1)
        kernel = _with_padding_feature(kernel)
    weights = _weights(request, params, kernel)
    now = [blocks.first_states(state) for state in states]
    found, ended = [], []
    for (steps, rows), part in zip(
        blocks.shapes, packed.split([steps * rows for steps, rows in blocks.shapes]), strict=True
    ):
        ended.append([state[rows:] for state in now])
        outputs, now = call(
            request, part.view(steps, rows, -1), [state[:rows] for state in now], weights
        )
        found.append(outputs.flatten(0, 1))
    y = found[0] if len(found) == 1 else torch.cat(found)
    last = [blocks.last_outputs(y, states[0])]
    if request.states:
        for index in range(1, len(states)):
            parts = [now[index], *(one[index] for one in reversed(ended))]
            last.append(blocks.last_states(torch.cat(parts)))
    if not sequences:
        return None, tuple(last)
    if request.zero_output:
        return blocks.unpack(y), tuple(last)
    return blocks.unpack_filled(y, states[0]), tuple(last)


def call(
    request: KernelRequest, x: Tensor, states: Sequence[Tensor], weights: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Run ATen's function over `x (T, B, D)`; return the outputs and the last states."""
    function, _ = CELL_TYPES[request.cell_type]
    if request.cell_type == "simple_rnn" and request.activation == "relu":
        function = _VF.rnn_relu
    first = tuple(state.unsqueeze(0).contiguous() for state in states)
    outputs, *last = function(
        x,
        first if len(first) > 1 else first[0],
        weights,
        len(weights) > 2,
        1,  # layers
        0.0,  # dropout between layers
        torch.is_grad_enabled(),  # save the activations for the gradient
        False,  # both directions
        False,  # batch first
    )
    return outputs, [state.squeeze(0) for state in last]


def _with_padding_feature(kernel: Tensor) -> Tensor:
    """Return the kernel with the weights of an input that freezes the LSTM's cell state."""
    units = kernel.shape[1] // 4
    padding_weights = kernel.new_zeros(1, 4 * units)
    padding_weights[:, :units] = -GATE_SATURATION
    padding_weights[:, units : 2 * units] = GATE_SATURATION
    return torch.cat([kernel, padding_weights])


def _weights(request: KernelRequest, params: Mapping[str, Tensor], kernel: Tensor) -> list[Tensor]:
    """Return ATen's weights: transposed, with gates in its order.

    On a GPU they are views of one contiguous buffer; cuDNN would otherwise copy them at every call.
    """
    _, gates = CELL_TYPES[request.cell_type]
    width = kernel.shape[1]
    weights = [kernel, params["recurrent_kernel"]]
    if "bias" in params or "recurrent_bias" in params:
        zeros = kernel.new_zeros(width)
        weights += [params.get(name, zeros) for name in ("bias", "recurrent_bias")]
    if list(gates) != sorted(gates):
        parts = [weight.chunk(len(gates), -1) for weight in weights]
        weights = [torch.cat([part[gate] for gate in gates], -1) for part in parts]
    weights = [weight.t() if weight.ndim == 2 else weight for weight in weights]
    if request.device == "cpu":
        return weights
    flat = torch.cat([weight.flatten() for weight in weights])
    pieces = flat.split([weight.numel() for weight in weights])
    return [piece.view(one.shape) for piece, one in zip(pieces, weights, strict=True)]
