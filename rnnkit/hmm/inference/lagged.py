"""Fixed-lag smoothing: a few steps of hindsight."""

from __future__ import annotations

from typing import Any

from keras import ops

from rnnkit.backend.masking import compact_by_mask, gather
from rnnkit.errors import InputError
from rnnkit.hmm.inference import log_space
from rnnkit.hmm.inference.steps import batch_first, floored, steps_of

Tensor = Any


def fixed_lag(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None = None,
    *,
    lag: int,
) -> Tensor:
    """Return the posterior of each step's state given the observations up to `lag` steps later.

    `P(z_t | x_1..x_t+lag)`: between filtering (lag 0) and smoothing (lag T). Lags count the steps
    that are there; near the end it is what the observations up to the end say.

    Args:
        log_pi: `(K,)`, the logarithm of the start probabilities.
        log_A: `(K, K)`, of the transition probabilities, from row to column.
        log_lik: `(B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = the step is there, any pattern.
        lag: how many steps later, from 0 on. The work grows with it.

    Returns:
        `(B, T, K)`.

    Raises:
        InputError: a negative lag.

    Source: Murphy 2012, Machine Learning, section 17.4.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2], [0.1, 0.8]]])
        >>> [round(float(p), 3) for p in fixed_lag(pi, A, umbrella, lag=1)[0, :, 0]]
        [0.883, 0.799, 0.191]
    """
    if isinstance(lag, bool) or not isinstance(lag, int) or lag < 0:
        raise InputError(f"lag is {lag!r}; expected a whole number of steps from 0 on.")
    real = None
    if mask is not None:  # lags count real steps: bring them together, and apart again
        mask = ops.cast(mask, "bool")
        places, count = compact_by_mask(mask)
        log_lik = gather(log_lik, places)
        real = ops.arange(ops.shape(mask)[1], dtype="int32")[None] < count[:, -1:]
    steps = steps_of(log_pi, log_A, log_lik, real)
    logs, _, impossible = log_space.forward(steps)
    explained = ops.where(impossible[..., None], 0.0, steps.log_lik)
    ahead = log_space.look_ahead(
        steps.log_A, batch_first(explained), ops.transpose(steps.real[..., 0]), lag
    )
    found = log_space.shares(batch_first(logs) + ahead)
    if mask is None:
        return found
    start = log_space.shares(floored(log_pi))
    return ops.where(count[..., None] > 0, gather(found, ops.maximum(count - 1, 0)), start)
