"""Live data: one step of filtering."""

from __future__ import annotations

from typing import Any

from keras import ops

from rnnkit.hmm.inference import log_space
from rnnkit.hmm.inference.steps import floored

Tensor = Any


def step(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, filtered: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Take one observation of live data in: the next filtered posterior.

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, K)`, `log p(x_t | z_t = k)` of this step.
        filtered: `(..., B, K)`, what the step before returned; None = this is the first.

    Returns:
        `(..., B, K)`, `P(z_t | x_1..x_t)`, and `(..., B)`, `log P(x_t | x_1..x_t-1)`.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> today, _ = step(pi, A, log([[0.9, 0.2]]))
        >>> tomorrow, _ = step(pi, A, log([[0.9, 0.2]]), today)
        >>> round(float(today[0, 0]), 3), round(float(tomorrow[0, 0]), 3)
        (0.818, 0.883)
    """
    predicted = floored(log_pi)[..., None, :]
    if filtered is not None:
        last = floored(ops.log(filtered))
        predicted = log_space.log_sum(last[..., :, None] + floored(log_A)[..., None, :, :], -2)
    predicted = predicted + ops.zeros_like(log_lik)
    found, log_prob, impossible = log_space.take_in(predicted, floored(log_lik))
    return ops.exp(found), ops.where(impossible, -float("inf"), log_prob)[..., 0]
