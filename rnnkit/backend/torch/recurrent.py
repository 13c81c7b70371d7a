"""PyTorch's fast kernels of the recurrent layers, best first, with their preconditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from rnnkit.backend.kernels import Kernel, KernelRequest, common_unsupported_reason
from rnnkit.backend.torch import loop, whole
from rnnkit.backend.torch.gru import GRUAfterSteps, GRUBeforeSteps
from rnnkit.backend.torch.lstm import LSTMSteps
from rnnkit.backend.torch.simple_rnn import SimpleRNNSteps

STEPS: dict[str, loop.Steps] = {
    "lstm": LSTMSteps(),
    "gru_reset_after": GRUAfterSteps(),
    "gru_reset_before": GRUBeforeSteps(),
}


def run_loop(
    request: KernelRequest,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
    zoneout: Sequence[loop.Share] = (),
    reverse: bool = False,
    sequences: bool = True,
    reference: Callable | None = None,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run the packed loop of a cell type; see `loop.run`."""
    if request.cell_type == "simple_rnn":
        steps: loop.Steps = SimpleRNNSteps(relu=request.activation == "relu")
    else:
        steps = STEPS[request.cell_type]
    return loop.run(
        steps,
        x,
        states,
        params,
        mask=mask,
        resets=resets,
        zoneout=zoneout,
        reverse=reverse,
        sequences=sequences,
        reference=reference,
    )


def whole_unsupported_reason(request: KernelRequest) -> str | None:
    """Return why `whole.run` cannot run a pass."""
    if (common := common_unsupported_reason(request)) is not None:
        return common
    if request.cell_type not in whole.CELL_TYPES:
        return f"PyTorch has no {request.cell_type}"
    if request.recurrent_dropout:
        return "recurrent dropout"
    if request.zoneout:
        return "zoneout keeps old states at single steps"
    if request.device != "cpu" and request.resets:
        return f"resets lie on a {request.device}, where reading them has to wait"
    if request.device == "cpu" and request.cell_type != "lstm":
        return "on a CPU the loop is faster for this cell type"
    return None


def loop_unsupported_reason(request: KernelRequest) -> str | None:
    """Return why `run_loop` cannot run a pass."""
    if (common := common_unsupported_reason(request)) is not None:
        return common
    if request.device != "cpu":
        return f"the device is a {request.device}: it was measured on a CPU only"
    return None


KERNELS: tuple[Kernel, ...] = (
    Kernel(
        name="whole sequence",
        about="one call of ATen for all steps: oneDNN on a CPU, cuDNN on a GPU; with a mask, on a "
        "CPU, one for each block of steps with about the same number of real rows",
        unsupported_reason=whole_unsupported_reason,
        run=whole.run,
        reads_padding=False,
        zeroes=True,
    ),
    Kernel(
        name="packed loop",
        about="a loop over the real steps only, with a hand-written gradient",
        unsupported_reason=loop_unsupported_reason,
        run=run_loop,
        reads_padding=False,
    ),
)
