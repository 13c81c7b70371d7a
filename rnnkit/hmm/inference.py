"""What the observations say about the hidden states: pure functions over log-likelihoods.

None of them sees an emission. All take `log_pi (..., K)`, `log_A (..., K, K)` with a row for the
state that is left, `log_lik (..., B, T, K)` and a boolean mask `(B, T)`. The leading axes are those
of models that are computed together, such as the restarts of Baum-Welch. Start and transitions need
not sum to 1: with potentials in their place these are the functions of a linear-chain CRF.

Two kinds of steps have no observation. A masked step is not there: no transition leads to it, and
its place repeats what was known before. A missing observation takes time; it is a step whose
`log_lik` is 0 for every state. A step that no state can explain makes the log-probability -inf; the
posteriors go on as if its observation were missing, so they are never NaN.

Source: Rabiner 1989, A Tutorial on Hidden Markov Models; Murphy 2012, Machine Learning, chapter 17.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import rnnkit.backend  # noqa: F401  picks the backend before Keras loads

# isort: split
from keras import ops

from rnnkit.backend.real_steps import gather, real_steps_first
from rnnkit.errors import InputError
from rnnkit.hmm import log_space, scaled
from rnnkit.hmm.steps import LOG_ZERO, Steps, batch_first, floored, steps_of
from rnnkit.hmm.viterbi import Path, viterbi

__all__ = [
    "LOG_ZERO",
    "Filtered",
    "Path",
    "Smoothed",
    "Way",
    "filter",
    "fixed_lag",
    "log_probability",
    "smooth",
    "step",
    "viterbi",
    "way",
]

Tensor = Any
Way = Literal["scaled", "log"]
# From here on the product of two messages, and its inverse, stay far inside the dtype's range.
SMALLEST = {"float32": 1e-12, "float64": 1e-100}


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


def way(smallest_transition: float | None, dtype: str = "float32") -> Way:
    """Say in which numbers the messages are computed.

    | smallest transition probability | way |
    |---|---|
    | 1e-12 or more (float32), 1e-100 or more (float64) | "scaled": each step divided by its sum |
    | less, zero, or not known | "log": logarithms throughout |

    Where every transition has at least the probability a, no entry of a message is smaller than a
    times the largest, whatever the observations are: then nothing that matters is lost when the
    messages are scaled, and `exp` and `log` stay out of the loop. With a zero among the transitions
    an observation may leave open only what has become too small for a float; logarithms keep it.

    Args:
        smallest_transition: the smallest entry of the transition matrix, or None.
        dtype: "float32" or "float64".

    Returns:
        "scaled" or "log".

    Example:
        >>> way(0.1), way(0.0), way(None)
        ('scaled', 'log', 'log')
    """
    if smallest_transition is None or dtype not in SMALLEST:
        return "log"
    return "scaled" if smallest_transition >= SMALLEST[dtype] else "log"


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
    _check_way(way)
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
    _check_way(way)
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
        places, count = real_steps_first(mask)
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


def _check_way(name: str) -> None:
    if name not in ("scaled", "log"):
        raise InputError(f"way is {name!r}; expected 'scaled' or 'log': see inference.way.")


def _hold(steps: Steps, posterior: Tensor) -> Tensor:
    """Bring the batch first; before the first real step only the start is known.

    Later steps that are not there repeat the posterior as it is: no message changes at them.
    """
    start = log_space.shares(steps.log_pi)
    return batch_first(ops.where(steps.started, posterior, start))
