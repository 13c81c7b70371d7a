"""What is known of each step's state: filtering and smoothing."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from rnnkit.hmm.inference import log_space, scaled
from rnnkit.hmm.inference.steps import Steps, batch_first, steps_of
from rnnkit.hmm.inference.ways import Way, check_way

Tensor = Any


class Filtered(NamedTuple):
    """What is known at each step from the observations up to it.

    Args:
        log_prob: `(..., B)`, `log P(x_1..x_T)`.
        filtered: `(..., B, T, K)`, `P(z_t | x_1..x_t)`.
    """

    log_prob: Tensor
    filtered: Tensor


class Smoothed(NamedTuple):
    """What is known at each step from all observations.

    Args:
        log_prob: `(..., B)`, `log P(x_1..x_T)`.
        filtered: `(..., B, T, K)`, `P(z_t | x_1..x_t)`.
        smoothed: `(..., B, T, K)`, `P(z_t | x_1..x_T)`.
        first: `(..., B, K)`, `P(z_1 | x_1..x_T)`, of the first real step; zeros if there is none.
        transitions: `(..., B, K, K)`, `sum_t P(z_t = i, z_t+1 = j | x_1..x_T)`, the expected number
            of transitions; None where it was not asked for.
    """

    log_prob: Tensor
    filtered: Tensor
    smoothed: Tensor
    first: Tensor
    transitions: Tensor | None


def filter(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None = None, *, way: Way = "log"
) -> Filtered:
    """Return the posterior of each step's state given the observations up to it.

    `P(z_t = j | x_1..x_t) ~ p(x_t | z_t = j) sum_i P(z_t-1 = i | x_1..x_t-1) A_ij`

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = the step is there, any pattern. Other steps repeat the
            posterior of the step before (the start probabilities before the first).
        way: see `way`.

    Returns:
        `Filtered`.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2]]])
        >>> found = filter(pi, A, umbrella)
        >>> [round(float(p), 3) for p in found.filtered[0, :, 0]]
        [0.818, 0.883]
    """
    check_way(way)
    steps = steps_of(log_pi, log_A, log_lik, mask)
    if way == "scaled":
        ahead = scaled.forward(steps)
        found, log_probs = ahead.found, ahead.log_probs
    else:
        logs, log_probs, _ = log_space.forward(steps)
        found = ops.exp(logs)
    return Filtered(ops.sum(log_probs, axis=0), _hold(steps, found))


def smooth(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None = None,
    *,
    way: Way = "log",
    transitions: bool = True,
) -> Smoothed:
    """Return the posterior of each step's state given all observations (forward-backward).

    `P(z_t = j | x_1..x_T) ~ P(z_t = j | x_1..x_t) p(x_t+1..x_T | z_t = j)`

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = the step is there, any pattern. Other steps repeat the
            posterior of the step before (the start probabilities before the first).
        way: see `way`.
        transitions: count the expected transitions, too.

    Returns:
        `Smoothed`.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2]]])
        >>> found = smooth(pi, A, umbrella)
        >>> [round(float(p), 3) for p in found.smoothed[0, :, 0]]
        [0.883, 0.883]
    """
    check_way(way)
    steps = steps_of(log_pi, log_A, log_lik, mask)
    if way == "scaled":
        ahead = scaled.forward(steps)
        found, log_probs = ahead.found, ahead.log_probs
        smoothed, counted = scaled.backward(steps, ahead, transitions)
    else:
        logs, log_probs, impossible = log_space.forward(steps)
        found = ops.exp(logs)
        smoothed, counted = log_space.backward(steps, logs, impossible, transitions)
    return Smoothed(
        ops.sum(log_probs, axis=0),
        _hold(steps, found),
        _hold(steps, smoothed),
        ops.sum(ops.where(steps.first, smoothed, 0.0), axis=0),
        counted,
    )


def _hold(steps: Steps, posterior: Tensor) -> Tensor:
    """Bring the batch first; before the first real step only the start is known.

    Later steps that are not there repeat the posterior as it is: no message changes at them.
    """
    start = log_space.shares(steps.log_pi)
    return batch_first(ops.where(steps.started, posterior, start))
