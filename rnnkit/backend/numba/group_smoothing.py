"""Forward-backward on sequences side by side, with scaled messages; see `layout.py`."""

from __future__ import annotations

import math

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import IMPOSSIBLE, LOG_ZERO, TERMS, Array

SMALL = 1e-150  # a product below it has its logarithm taken before the next factor


@jit
def condition_first(
    count: int, log_pi: Array, logs: Array, posterior: Array, log_probs: Array
) -> None:
    """Condition the start probabilities, which may be 0, on the first observations.

    Args:
        count: L.
        log_pi: `(K,)`, at least `LOG_ZERO`.
        logs: `(T, K, L)`, log-likelihoods.
        posterior: `(T, K, L)`, becomes `P(z_1 | x_1)` at the first step.
        log_probs: `(L,)`, becomes `log P(x_1)`.
    """
    size = len(log_pi)
    for lane in range(count):
        top = -np.inf
        for k in range(size):
            value = log_pi[k] + max(logs[0, k, lane], LOG_ZERO)
            top = value if value > top or value != value else top
        impossible, total = top < IMPOSSIBLE, 0.0
        if impossible:  # the observation counts as missing
            top = 0.0
        for k in range(size):
            observed = 0.0 if impossible else max(logs[0, k, lane], LOG_ZERO)
            value = math.exp(log_pi[k] + observed - top)
            posterior[0, k, lane] = value
            total += value
        for k in range(size):
            posterior[0, k, lane] /= total
        log_probs[lane] = -np.inf if impossible else top + math.log(total)


@jit
def forward(
    counts: Array,
    moves: Array,
    seen: Array,
    tops: Array,
    totals: Array,
    posterior: Array,
    log_probs: Array,
) -> None:
    """Filter from the second step on.

    Args:
        counts: `(T,)`.
        moves: `(K filled up, K)`, the transition probabilities, from row to column.
        seen: `(T, K, L)`, the likelihoods.
        tops: `(T, L)`, the logarithms of their scales.
        totals: `(2, L)`, work space.
        posterior: `(T, K, L)`, holds the first step, and becomes `P(z_t | x_1..x_t)`.
        log_probs: `(L,)`, `log P(x_1)`, becomes `log P(x_1..x_T)`.
    """
    size = moves.shape[1]
    for lane in range(len(log_probs)):
        totals[1, lane] = 1.0
    for t in range(1, len(counts)):
        count = counts[t]
        for lane in range(count):
            totals[0, lane] = 0.0
        for j in range(size):
            for i in range(0, len(moves), TERMS):
                a, b, c, d = moves[i, j], moves[i + 1, j], moves[i + 2, j], moves[i + 3, j]
                for lane in range(count):
                    two = a * posterior[t - 1, i, lane] + b * posterior[t - 1, i + 1, lane]
                    more = c * posterior[t - 1, i + 2, lane] + d * posterior[t - 1, i + 3, lane]
                    before = posterior[t, j, lane] if i > 0 else 0.0
                    posterior[t, j, lane] = before + (two + more)
            for lane in range(count):
                value = posterior[t, j, lane] * seen[t, j, lane]
                posterior[t, j, lane] = value
                totals[0, lane] += value
        least = 1.0
        for lane in range(count):
            totals[1, lane] *= totals[0, lane]
            log_probs[lane] += tops[t, lane]
            least = min(least, totals[1, lane])
            totals[0, lane] = 1.0 / totals[0, lane]
        if not least > SMALL:
            for lane in range(count):
                log_probs[lane] += math.log(totals[1, lane])
                totals[1, lane] = 1.0
        for j in range(size):
            for lane in range(count):
                posterior[t, j, lane] *= totals[0, lane]
    for lane in range(len(log_probs)):
        log_probs[lane] += math.log(totals[1, lane])


@jit
def backward(
    counts: Array,
    entering: Array,
    seen: Array,
    weighted: Array,
    messages: Array,
    totals: Array,
    posterior: Array,
    pairs: Array,
) -> None:
    """Smooth.

    Args:
        counts: `(T,)`.
        entering: `(K filled up, K)`, the transition probabilities, from column to row.
        seen: `(T, K, L)`, the likelihoods.
        weighted: `(K filled up, L)`, work space that begins with zeros.
        messages: `(K, L)`, work space.
        totals: `(2, L)`, work space.
        posterior: `(T, K, L)`, filtered, becomes `P(z_t | x_1..x_T)`.
        pairs: `(K, K filled up)`, zeros, becomes the expected transitions of all sequences without
            the factor of the transition probability; no rows = do not count them.
    """
    size = entering.shape[1]
    for k in range(size):
        for lane in range(messages.shape[1]):
            messages[k, lane] = 1.0
    for t in range(len(counts) - 1, 0, -1):
        count = counts[t]
        for lane in range(count):
            totals[0, lane] = 0.0
            totals[1, lane] = 0.0
        for j in range(size):
            for lane in range(count):
                weighted[j, lane] = seen[t, j, lane] * messages[j, lane]
        for i in range(size):
            for j in range(0, len(entering), TERMS):
                a, b = entering[j, i], entering[j + 1, i]
                c, d = entering[j + 2, i], entering[j + 3, i]
                for lane in range(count):
                    two = a * weighted[j, lane] + b * weighted[j + 1, lane]
                    more = c * weighted[j + 2, lane] + d * weighted[j + 3, lane]
                    before = messages[i, lane] if j > 0 else 0.0
                    messages[i, lane] = before + (two + more)
            for lane in range(count):
                message = messages[i, lane]
                totals[0, lane] += posterior[t - 1, i, lane] * message
                totals[1, lane] += message
        for lane in range(count):
            totals[0, lane] = 1.0 / totals[0, lane]
            totals[1, lane] = 1.0 / totals[1, lane]
        for i in range(len(pairs)):
            for lane in range(count):
                posterior[t - 1, i, lane] *= totals[0, lane]
            for j in range(0, len(entering), TERMS):
                a, b, c, d = 0.0, 0.0, 0.0, 0.0
                for lane in range(count):
                    weight = posterior[t - 1, i, lane]
                    a += weight * weighted[j, lane]
                    b += weight * weighted[j + 1, lane]
                    c += weight * weighted[j + 2, lane]
                    d += weight * weighted[j + 3, lane]
                pairs[i, j] += a
                pairs[i, j + 1] += b
                pairs[i, j + 2] += c
                pairs[i, j + 3] += d
        for i in range(size):
            for lane in range(count):
                scale = 1.0 if len(pairs) > 0 else totals[0, lane]
                posterior[t - 1, i, lane] *= messages[i, lane] * scale
                messages[i, lane] *= totals[1, lane]


@jit
def write_posteriors(counts: Array, starts: Array, posterior: Array, out: Array) -> None:
    """Write `posterior (T, K, L)` into the rows of its steps in `out (N, K)`."""
    for t in range(len(counts)):
        for lane in range(counts[t]):
            for k in range(out.shape[1]):
                out[starts[lane] + t, k] = posterior[t, k, lane]
