"""The log-probability of observations, with its gradients."""

from __future__ import annotations

from typing import Any

from keras import ops

from rnnkit.hmm.inference.posteriors import smooth
from rnnkit.hmm.inference.steps import floored
from rnnkit.hmm.inference.ways import Way

Tensor = Any


def log_probability(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None = None, *, way: Way = "log"
) -> Tensor:
    """Return `log P(x_1..x_T)` with gradients by start, transitions and log-likelihoods.

    The gradients are posteriors (Fisher's identity): `d log P / d log_lik_tk = P(z_t = k | x)`,
    `d log P / d log_A_ij = sum_t P(z_t = i, z_t+1 = j | x)`,
    `d log P / d log_pi_k = P(z_1 = k | x)`.
    So one pass forward and one backward give them, and nothing is kept of the passes. They are
    gradients of the first order: their own derivative is not that of the posteriors.

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = the step is there, any pattern.
        way: see `way`.

    Returns:
        `(..., B)`.

    Source: Cappé, Moulines and Rydén 2005, Inference in Hidden Markov Models, section 10.1.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2]]])
        >>> round(float(log_probability(pi, A, umbrella)[0]), 2)
        -1.05
    """
    fixed = tuple(ops.stop_gradient(tensor) for tensor in (log_pi, log_A, log_lik))
    found = smooth(fixed[0], fixed[1], fixed[2], mask, way=way)
    real = 1.0 if mask is None else ops.expand_dims(ops.cast(mask, log_lik.dtype), -1)
    # What is added to the value is 0; its gradient is the posterior, and 0 beside log 0.
    start, moves, observed = (
        ops.stop_gradient(posterior) * (floored(tensor) - floored(constant))
        for posterior, tensor, constant in (
            (found.first, log_pi[..., None, :], fixed[0][..., None, :]),
            (found.transitions, log_A[..., None, :, :], fixed[1][..., None, :, :]),
            (found.smoothed * real, log_lik, fixed[2]),
        )
    )
    surrogate = ops.sum(start, -1) + ops.sum(moves, (-2, -1)) + ops.sum(observed, (-2, -1))
    return ops.stop_gradient(found.log_prob) + surrogate
