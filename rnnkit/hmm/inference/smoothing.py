"""Smoothing: posteriors given later observations, and the log-probability with its gradients."""

from __future__ import annotations

import functools
from typing import NamedTuple

from keras import ops

from rnnkit.backend import native
from rnnkit.backend.masking import compact_by_mask, gather
from rnnkit.errors import check_choice, check_count
from rnnkit.hmm.inference import log_space, scaled
from rnnkit.hmm.inference.filtering import fill_start
from rnnkit.hmm.inference.steps import (
    NUMERICS,
    Numerics,
    Tensor,
    accepts_way,
    batch_first,
    floor_log,
    prepare_steps,
)
from rnnkit.hmm.inference.sums import sum_over_time


class Smoothed(NamedTuple):
    """Result of smoothing.

    Args:
        log_prob: `(..., B)`, `log P(x_1..x_T)`.
        filtered: `(..., B, T, K)`, `P(z_t | x_1..x_t)`.
        smoothed: `(..., B, T, K)`, `P(z_t | x_1..x_T)`.
        first: `(..., B, K)`, `P(z_1 | x_1..x_T)` of the first real step; zeros if there is none.
        transitions: `(..., B, K, K)`, `sum_t P(z_t = i, z_t+1 = j | x_1..x_T)`, the expected number
            of transitions; None if not requested.
    """

    log_prob: Tensor
    filtered: Tensor
    smoothed: Tensor
    first: Tensor
    transitions: Tensor | None


@accepts_way
def smooth(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None = None,
    *,
    numerics: Numerics = "log",
    transitions: bool = True,
) -> Smoothed:
    """Forward-backward algorithm: the posterior of each state given all observations.

    `P(z_t = j | x_1..x_T) ~ P(z_t = j | x_1..x_t) p(x_t+1..x_T | z_t = j)`

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: as in `filter`.
        numerics: "scaled" or "log": see `select_numerics`.
        transitions: whether to sum the expected transitions.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2]]])
        >>> found = smooth(pi, A, umbrella)
        >>> [round(float(p), 3) for p in found.smoothed[0, :, 0]]
        [0.883, 0.883]
    """
    log_probs, *others = smooth_each(
        log_pi, log_A, log_lik, mask, numerics=numerics, transitions=transitions
    )
    return Smoothed(sum_over_time(log_probs), *others)


def smooth_each(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None,
    *,
    numerics: Numerics,
    transitions: bool,
    filtered: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Smooth: as `smooth`, with the log-probability of each step, `(T, ..., B)`, not their sum.

    Without `filtered`, the filtered posteriors may be None.
    """
    check_choice("numerics", numerics, NUMERICS)
    loop = functools.partial(_smooth_loop, numerics=numerics, transitions=transitions)
    chain = native.hidden_markov_chains(log_pi, log_A, log_lik, mask)
    if chain is not None:
        wanted = {"filtered": filtered, "transitions": transitions}
        return chain.smooth(loop, scaled=numerics == "scaled", **wanted)
    return loop(log_pi, log_A, log_lik, mask)


def _smooth_loop(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None,
    *,
    numerics: Numerics,
    transitions: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Smooth by a loop of operations; see `smooth_each`."""
    steps = prepare_steps(log_pi, log_A, log_lik, mask)
    if numerics == "scaled":
        fast = scaled.forward(steps)
        filtered, log_probs = fast.filtered, fast.log_probs
        smoothed, counted = scaled.backward(steps, fast, transitions)
    else:
        slow = log_space.forward(steps)
        filtered, log_probs = ops.exp(slow.log_filtered), slow.log_probs
        smoothed, counted = log_space.backward(steps, slow, transitions)
    return (
        log_probs,
        fill_start(steps, filtered),
        fill_start(steps, smoothed),
        ops.sum(ops.where(steps.first, smoothed, 0.0), axis=0),
        counted,
    )


def fixed_lag(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None = None, *, lag: int
) -> Tensor:
    """Fixed-lag smoothing: the posterior of each state given the observations up to `lag` later.

    `P(z_t | x_1..x_t+lag)`, `(B, T, K)`: filtering at lag 0, smoothing at lag T. Only real steps
    count; within `lag` steps of the end, all observations are used.

    Args:
        log_pi: `(K,)`, the logarithm of the start probabilities.
        log_A: `(K, K)`, of the transition probabilities, from row to column.
        log_lik: `(B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = real step, any pattern.
        lag: the number of later steps, 0 or more. The cost grows with it.

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
    check_count("lag", lag, least=0)
    real = None
    if mask is not None:  # move the real steps to the left, and back at the end
        mask = ops.cast(mask, "bool")
        places, count = compact_by_mask(mask)
        log_lik = gather(log_lik, places)
        real = ops.arange(ops.shape(mask)[1], dtype="int32")[None] < count[:, -1:]
    steps = prepare_steps(log_pi, log_A, log_lik, real)
    log_filtered, _, impossible = log_space.forward(steps)
    explained = ops.where(impossible[..., None], 0.0, steps.log_lik)
    messages = log_space.backward_messages(
        steps.log_A, batch_first(explained), ops.transpose(steps.real[..., 0]), lag
    )
    found = log_space.softmax(batch_first(log_filtered) + messages)
    if mask is None:
        return found
    start = log_space.softmax(floor_log(log_pi))
    return ops.where(count[..., None] > 0, gather(found, ops.maximum(count - 1, 0)), start)


@accepts_way
def log_probability(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None = None,
    *,
    numerics: Numerics = "log",
) -> Tensor:
    """Log-likelihood `log P(x_1..x_T)`, `(..., B)`, differentiable in the first three arguments.

    The gradients are posteriors (Fisher's identity): `d log P / d log_lik_tk = P(z_t = k | x)`,
    `d log P / d log_A_ij = sum_t P(z_t = i, z_t+1 = j | x)`,
    `d log P / d log_pi_k = P(z_1 = k | x)`.
    So a forward and a backward pass give them, without storing activations. They are first-order
    gradients: differentiating them again does not give the derivative of the posteriors.

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = real step, any pattern.
        numerics: "scaled" or "log": see `select_numerics`.

    Source: Cappé, Moulines and Rydén 2005, Inference in Hidden Markov Models, section 10.1.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2]]])
        >>> round(float(log_probability(pi, A, umbrella)[0]), 2)
        -1.05
    """
    fixed = tuple(ops.stop_gradient(tensor) for tensor in (log_pi, log_A, log_lik))
    found = smooth(fixed[0], fixed[1], fixed[2], mask, numerics=numerics)
    real = 1.0 if mask is None else ops.expand_dims(ops.cast(mask, log_lik.dtype), -1)
    # The surrogate has the value 0; its gradient is the posterior, and 0 at log 0.
    start, moves, observed = (
        ops.stop_gradient(posterior) * (floor_log(tensor) - floor_log(constant))
        for posterior, tensor, constant in (
            (found.first, log_pi[..., None, :], fixed[0][..., None, :]),
            (found.transitions, log_A[..., None, :, :], fixed[1][..., None, :, :]),
            (found.smoothed * real, log_lik, fixed[2]),
        )
    )
    surrogate = ops.sum(start, -1) + ops.sum(moves, (-2, -1)) + ops.sum(observed, (-2, -1))
    return ops.stop_gradient(found.log_prob) + surrogate
