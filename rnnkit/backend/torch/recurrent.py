"""PyTorch's fast kernels of the recurrent layers, best first, and what keeps each from running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from rnnkit.backend.kernels import Facts, Kernel, usual_obstacle
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
    facts: Facts,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    reverse: bool = False,
    sequences: bool = True,
) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Run the loop of a system; see `loop.run`."""
    if facts.system == "simple_rnn":
        steps: loop.Steps = SimpleRNNSteps(relu=facts.activation == "relu")
    else:
        steps = STEPS[facts.system]
    return loop.run(steps, x, states, params, mask=mask, reverse=reverse, sequences=sequences)


def whole_obstacle(facts: Facts) -> str | None:
    """Return what keeps `whole.run` from a pass."""
    if (common := usual_obstacle(facts)) is not None:
        return common
    if facts.system not in whole.SYSTEMS:
        return f"PyTorch has no such system as {facts.system}"
    if facts.recurrent_dropout:
        return "recurrent dropout"
    if facts.device == "cpu" and facts.system != "lstm":
        return "on a CPU the loop is faster for this system"
    if facts.device == "cpu" and facts.masked and facts.training:
        return "on a CPU the loop trains faster with a mask: it leaves the padding out"
    return None


def loop_obstacle(facts: Facts) -> str | None:
    """Return what keeps `run_loop` from a pass."""
    if (common := usual_obstacle(facts)) is not None:
        return common
    if facts.device != "cpu":
        return f"the device is a {facts.device}: it was measured on a CPU alone"
    return None


KERNELS: tuple[Kernel, ...] = (
    Kernel(
        name="whole sequence",
        about="one call of ATen for all steps: oneDNN on a CPU, cuDNN on a GPU",
        obstacle=whole_obstacle,
        run=whole.run,
    ),
    Kernel(
        name="packed loop",
        about="a loop over the real steps alone, with a gradient of its own",
        obstacle=loop_obstacle,
        run=run_loop,
    ),
)
