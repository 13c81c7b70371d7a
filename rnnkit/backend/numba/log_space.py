"""Forward-backward with messages as logarithms: slower, and exact with impossible transitions.

A step multiplies probabilities, as in `scaled.py`, and takes logarithms after it. Where a product
underflows, it adds logarithms.
"""

from __future__ import annotations

import math

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import IMPOSSIBLE, TINY, WIDTH, Array


@jit
def forward_rows(
    begin: int,
    stop: int,
    logs: Array,
    leaving: Array,
    scales: Array,
    mask: Array,
    begins: Array,
    log_lik: Array,
    log_posterior: Array,
    posterior: Array,
    totals: Array,
) -> None:
    """Filter the rows from `begin` to `stop`; see `layout.py`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        logs: `(M, K, K)`, log-probabilities of the transitions.
        leaving: `(M, K, C, 8)`, `exp(logs - scales)`, from row to column.
        scales: `(M,)`.
        mask: `(B, T)`.
        begins: `(B,)`.
        log_lik: `(R, T, C, 8)`, `log p(x_t | z_t)`; becomes 0 where no state explains the
            observation.
        log_posterior: `(R, T, C, 8)`, holds the logarithms of the posteriors up to the first real
            step, and becomes all.
        posterior: `(R, T, C, 8)`, the posteriors.
        totals: `(R, T)`, becomes the log-probability of each observation, -inf if impossible; not
            at the first step or masked ones.
    """
    rows, (size, blocks) = len(mask), leaving.shape[1:3]
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for t in range(begins[b] + 1, mask.shape[1]):
            if not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        posterior[row, t, c, k] = posterior[row, t - 1, c, k]
                        log_posterior[row, t, c, k] = log_posterior[row, t - 1, c, k]
                continue
            for c in range(blocks):
                for k in range(WIDTH):
                    posterior[row, t, c, k] = 0.0
                for i in range(size):
                    weight = posterior[row, t - 1, i // WIDTH, i % WIDTH]
                    for k in range(WIDTH):
                        posterior[row, t, c, k] += weight * leaving[model, i, c, k]
            highest, predicted = -np.inf, -np.inf
            for j in range(size):
                c, k = j // WIDTH, j % WIDTH
                value = posterior[row, t, c, k]
                if value > TINY:
                    value = math.log(value) + scales[model]
                else:  # the sum of products has underflowed
                    top, value = -np.inf, 0.0
                    for i in range(size):
                        one = log_posterior[row, t - 1, i // WIDTH, i % WIDTH] + logs[model, i, j]
                        top = one if one > top or one != one else top
                    if top < IMPOSSIBLE:
                        value = top
                    else:
                        for i in range(size):
                            last = log_posterior[row, t - 1, i // WIDTH, i % WIDTH]
                            value += math.exp(last + logs[model, i, j] - top)
                        value = top + math.log(value)
                log_posterior[row, t, c, k] = value
                predicted = value if value > predicted or value != value else predicted
                value += log_lik[row, t, c, k]
                highest = value if value > highest or value != value else highest
            impossible = highest < IMPOSSIBLE
            highest = predicted if impossible else highest
            total = 0.0
            for j in range(size):
                c, k = j // WIDTH, j % WIDTH
                if impossible:
                    log_lik[row, t, c, k] = 0.0
                log_posterior[row, t, c, k] += log_lik[row, t, c, k]
                posterior[row, t, c, k] = math.exp(log_posterior[row, t, c, k] - highest)
                total += posterior[row, t, c, k]
            normaliser, inverse = highest + math.log(total), 1.0 / total
            for j in range(size):
                posterior[row, t, j // WIDTH, j % WIDTH] *= inverse
                log_posterior[row, t, j // WIDTH, j % WIDTH] -= normaliser
            totals[row, t] = -np.inf if impossible else normaliser


@jit
def backward_rows(
    begin: int,
    stop: int,
    logs: Array,
    entering: Array,
    scales: Array,
    mask: Array,
    begins: Array,
    log_lik: Array,
    log_posterior: Array,
    posterior: Array,
    messages: Array,
    smoothed: Array,
    pairs: Array,
    exact: Array,
) -> None:
    """Smooth the rows from `begin` to `stop`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        logs: as for `forward_rows`.
        entering: `(M, K, C, 8)`, `exp(logs - scales)`, from column to row.
        scales: `(M,)`.
        mask: `(B, T)`.
        begins: `(B,)`.
        log_lik: what `forward_rows` left.
        log_posterior: `(R, T, C, 8)`, filtered, as logarithms.
        posterior: `(R, T, C, 8)`, filtered.
        messages: `(R, 3, C, 8)`, work space.
        smoothed: `(R, T, C, 8)`, becomes the posteriors given all steps.
        pairs: `(R, K, C, 8)`, zeros, becomes the expected transitions without the factor of
            `entering`; no rows = do not count them.
        exact: `(R, K, C, 8)`, zeros, becomes those whose products underflow, with that factor.
    """
    rows, (size, blocks) = len(mask), entering.shape[1:3]
    steps, counting = mask.shape[1], len(pairs) > 0
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for c in range(blocks):
            for k in range(WIDTH):
                messages[row, 0, c, k] = 0.0
                messages[row, 2, c, k] = 0.0
                smoothed[row, steps - 1, c, k] = posterior[row, steps - 1, c, k]
        for t in range(steps - 1, 0, -1):
            if t <= begins[b] or not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        first = t <= begins[b]
                        repeated = posterior[row, t - 1, c, k] if first else smoothed[row, t, c, k]
                        smoothed[row, t - 1, c, k] = repeated
                continue
            # Of this step: 1, the likelihood of all later observations; 2, the same as numbers.
            top = -np.inf
            for j in range(size):
                c, k = j // WIDTH, j % WIDTH
                value = log_lik[row, t, c, k] + messages[row, 0, c, k]
                messages[row, 1, c, k] = value
                top = value if value > top or value != value else top
            for j in range(size):
                c, k = j // WIDTH, j % WIDTH
                messages[row, 2, c, k] = math.exp(messages[row, 1, c, k] - top)
            both = 0.0
            for c in range(blocks):
                for k in range(WIDTH):
                    messages[row, 0, c, k] = 0.0
                for j in range(size):
                    weight = messages[row, 2, j // WIDTH, j % WIDTH]
                    for k in range(WIDTH):
                        messages[row, 0, c, k] += weight * entering[model, j, c, k]
                for k in range(WIDTH):
                    both += posterior[row, t - 1, c, k] * messages[row, 0, c, k]
            if counting and both > TINY:
                for i in range(size):
                    weight = posterior[row, t - 1, i // WIDTH, i % WIDTH] / both
                    for c in range(blocks):
                        for k in range(WIDTH):
                            pairs[row, i, c, k] += weight * messages[row, 2, c, k]
            highest, joint = -np.inf, -np.inf
            for i in range(size):
                c, k = i // WIDTH, i % WIDTH
                value = messages[row, 0, c, k]
                if value > TINY:
                    value = math.log(value) + top + scales[model]
                else:
                    peak, value = -np.inf, 0.0
                    for j in range(size):
                        one = messages[row, 1, j // WIDTH, j % WIDTH] + logs[model, i, j]
                        peak = one if one > peak or one != one else peak
                    if peak < IMPOSSIBLE:
                        value = peak
                    else:
                        for j in range(size):
                            later = messages[row, 1, j // WIDTH, j % WIDTH]
                            value += math.exp(later + logs[model, i, j] - peak)
                        value = peak + math.log(value)
                messages[row, 0, c, k] = value
                highest = value if value > highest or value != value else highest
                value += log_posterior[row, t - 1, c, k]
                joint = value if value > joint or value != value else joint
            total = 0.0
            for i in range(size):
                c, k = i // WIDTH, i % WIDTH
                value = math.exp(log_posterior[row, t - 1, c, k] + messages[row, 0, c, k] - joint)
                smoothed[row, t - 1, c, k] = value
                total += value
                messages[row, 0, c, k] -= highest
            for i in range(size):
                smoothed[row, t - 1, i // WIDTH, i % WIDTH] /= total
            if counting and not both > TINY:
                total = math.log(total) + joint
                for i in range(size):
                    last = log_posterior[row, t - 1, i // WIDTH, i % WIDTH] - total
                    for j in range(size):
                        value = last + logs[model, i, j] + messages[row, 1, j // WIDTH, j % WIDTH]
                        exact[row, i, j // WIDTH, j % WIDTH] += math.exp(value)
