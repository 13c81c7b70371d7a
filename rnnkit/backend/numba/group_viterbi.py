"""Viterbi decoding of sequences side by side; see `layout.py`."""

from __future__ import annotations

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import IMPOSSIBLE, LOG_ZERO, TERMS, Array


@jit
def score_paths(
    counts: Array, log_pi: Array, leaving: Array, logs: Array, tops: Array, scores: Array
) -> None:
    """Compute the score of the best path to each state.

    Args:
        counts: `(T,)`.
        log_pi: `(K,)`, at least `LOG_ZERO`.
        leaving: `(K filled up, K)`, log-probabilities of the transitions, from row to column; the
            filling is `-inf`.
        logs: `(T, K, L)`, log-likelihoods, become at least `LOG_ZERO`.
        tops: `(L,)`, work space.
        scores: `(T, K, L)`, becomes the scores, each relative to the best of its step.
    """
    size = leaving.shape[1]
    for t in range(len(counts)):
        count = counts[t]
        for lane in range(count):
            tops[lane] = -np.inf
        for j in range(size):
            if t == 0:
                start = log_pi[j]
                for lane in range(count):
                    scores[t, j, lane] = start
            else:
                for i in range(0, len(leaving), TERMS):
                    a, b, c, d = (
                        leaving[i, j],
                        leaving[i + 1, j],
                        leaving[i + 2, j],
                        leaving[i + 3, j],
                    )
                    for lane in range(count):
                        one, two = scores[t - 1, i, lane] + a, scores[t - 1, i + 1, lane] + b
                        best = one if one > two else two
                        one, two = scores[t - 1, i + 2, lane] + c, scores[t - 1, i + 3, lane] + d
                        more = one if one > two else two
                        best = best if best > more else more
                        before = scores[t, j, lane] if i > 0 else -np.inf
                        scores[t, j, lane] = best if best > before else before
            for lane in range(count):
                value = logs[t, j, lane]
                value = LOG_ZERO if value < LOG_ZERO else value
                logs[t, j, lane] = value
                value += scores[t, j, lane]
                top = tops[lane]
                tops[lane] = value if value > top else top
        for j in range(size):
            for lane in range(count):
                top = tops[lane]
                gain = 0.0 if top < IMPOSSIBLE else logs[t, j, lane] - top  # 0: counts as missing
                scores[t, j, lane] += gain


@jit
def backtrack(
    counts: Array,
    starts: Array,
    log_pi: Array,
    entering: Array,
    logs: Array,
    scores: Array,
    path: Array,
    log_probs: Array,
    states: Array,
) -> None:
    """Follow the maxima back from the best last state.

    Args:
        counts: `(T,)`.
        starts: `(L,)`.
        log_pi: `(K,)`.
        entering: `(K, K)`, log-probabilities of the transitions, from column to row.
        logs: what `score_paths` left.
        scores: what `score_paths` left.
        path: `(L,)`, integers, work space that begins with zeros.
        log_probs: `(L,)`, zeros, becomes the log-probability of each path.
        states: `(N,)`, becomes the path; of several best ones that with the lowest last state,
            then the lowest one before, and so on.
    """
    size, after = len(log_pi), 0
    for t in range(len(counts) - 1, -1, -1):
        for lane in range(counts[t]):
            follows, later, state, top = lane < after, path[lane], 0, -np.inf
            for i in range(size):
                value = scores[t, i, lane] + (entering[later, i] if follows else 0.0)
                state = i if value > top else state
                top = value if value > top else top
            if follows:
                found = logs[t + 1, later, lane] + entering[later, state]
                log_probs[lane] += -np.inf if found < IMPOSSIBLE else found
            path[lane] = state
            states[starts[lane] + t] = state
        after = counts[t]
    for lane in range(after):
        found = log_pi[path[lane]] + logs[0, path[lane], lane]
        log_probs[lane] += -np.inf if found < IMPOSSIBLE else found
