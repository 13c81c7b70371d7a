"""Filtering: the posterior of each state given the observations up to its step."""

from __future__ import annotations

import functools
from typing import NamedTuple

from keras import ops

from rnnkit.backend import native
from rnnkit.errors import check_choice
from rnnkit.hmm.inference import log_space, scaled
from rnnkit.hmm.inference.steps import (
    NUMERICS,
    Numerics,
    Steps,
    Tensor,
    accepts_way,
    batch_first,
    floor_log,
    prepare_steps,
)
from rnnkit.hmm.inference.sums import sum_over_time


class Filtered(NamedTuple):
    """Result of filtering.

    Args:
        log_prob: `(..., B)`, `log P(x_1..x_T)`.
        filtered: `(..., B, T, K)`, `P(z_t | x_1..x_t)`.
    """

    log_prob: Tensor
    filtered: Tensor


@accepts_way
def filter(
    log_pi: Tensor,
    log_A: Tensor,
    log_lik: Tensor,
    mask: Tensor | None = None,
    *,
    numerics: Numerics = "log",
) -> Filtered:
    """Forward algorithm: the posterior of each state given the observations up to its step.

    `P(z_t = j | x_1..x_t) ~ p(x_t | z_t = j) sum_i P(z_t-1 = i | x_1..x_t-1) A_ij`

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = real step, any pattern. Masked steps repeat the posterior of
            the step before (the start probabilities before the first real step).
        numerics: "scaled" or "log": see `select_numerics`.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]])
        >>> umbrella = log([[[0.9, 0.2], [0.9, 0.2]]])
        >>> found = filter(pi, A, umbrella)
        >>> [round(float(p), 3) for p in found.filtered[0, :, 0]]
        [0.818, 0.883]
    """
    log_probs, filtered = filter_each(log_pi, log_A, log_lik, mask, numerics=numerics)
    return Filtered(sum_over_time(log_probs), filtered)


def filter_each(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None, *, numerics: Numerics
) -> tuple[Tensor, Tensor]:
    """Filter: return the log-probability of each step, `(T, ..., B)`, and what `filter` returns."""
    check_choice("numerics", numerics, NUMERICS)
    loop = functools.partial(_filter_loop, numerics=numerics)
    chain = native.hidden_markov_chains(log_pi, log_A, log_lik, mask)
    if chain is not None:
        return chain.smooth(loop, scaled=numerics == "scaled", smoothed=False)[:2]
    return loop(log_pi, log_A, log_lik, mask)


def _filter_loop(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None, *, numerics: Numerics
) -> tuple[Tensor, Tensor]:
    """Filter by a loop of operations; see `filter_each`."""
    steps = prepare_steps(log_pi, log_A, log_lik, mask)
    if numerics == "scaled":
        filtered, log_probs, *_ = scaled.forward(steps)
    else:
        log_filtered, log_probs, _ = log_space.forward(steps)
        filtered = ops.exp(log_filtered)
    return log_probs, fill_start(steps, filtered)


def filter_step(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, filtered: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Filter one more observation, for live data.

    Returns `P(z_t | x_1..x_t)`, `(..., B, K)`, and `log P(x_t | x_1..x_t-1)`, `(..., B)`.

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, K)`, `log p(x_t | z_t = k)` of this step.
        filtered: `(..., B, K)`, the posterior that the call before returned; None = first step.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A, umbrella = log([0.5, 0.5]), log([[0.7, 0.3], [0.3, 0.7]]), log([[0.9, 0.2]])
        >>> today, _ = filter_step(pi, A, umbrella)
        >>> tomorrow, _ = filter_step(pi, A, umbrella, today)
        >>> round(float(today[0, 0]), 3), round(float(tomorrow[0, 0]), 3)
        (0.818, 0.883)
    """
    predicted = floor_log(log_pi)[..., None, :]
    if filtered is not None:
        last = floor_log(ops.log(filtered))
        predicted = ops.logsumexp(last[..., :, None] + floor_log(log_A)[..., None, :, :], -2)
    predicted = predicted + ops.zeros_like(log_lik)
    found, log_prob, impossible = log_space.condition_on(predicted, floor_log(log_lik))
    return ops.exp(found), ops.where(impossible, -float("inf"), log_prob)[..., 0]


def fill_start(steps: Steps, posterior: Tensor) -> Tensor:
    """Put the batch axis first, and the start probabilities before the first real step."""
    if not steps.masked:
        return batch_first(posterior)
    start = log_space.softmax(steps.log_pi)
    # Later masked steps repeat the posterior already: no message changes at them.
    return batch_first(ops.where(steps.seen_real_step, posterior, start))
