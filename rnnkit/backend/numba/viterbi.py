"""Viterbi decoding of a batch of sequences."""

from __future__ import annotations

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import IMPOSSIBLE, LOG_ZERO, WIDTH, Array


@jit
def floored(logarithm: float) -> float:
    """Return a logarithm in float64, `LOG_ZERO` where it is -inf."""
    value = np.float64(logarithm)
    return LOG_ZERO if value < LOG_ZERO else value


@jit
def score_rows(
    begin: int,
    stop: int,
    log_pi: Array,
    leaving: Array,
    mask: Array,
    begins: Array,
    log_lik: Array,
    scores: Array,
) -> None:
    """Compute the score of the best path to each state, in the rows from `begin` to `stop`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        log_pi: `(M, C, 8)`.
        leaving: `(M, K, C, 8)`, log-probabilities of the transitions, from row to column.
        mask: `(B, T)`.
        begins: `(B,)`.
        log_lik: `(R, T, K)`, float32 or float64.
        scores: `(R, T, C, 8)`, becomes the scores, each relative to the best of its step.
    """
    rows, (size, blocks) = len(mask), leaving.shape[1:3]
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for t in range(mask.shape[1]):
            if t <= begins[b] or not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        start = t <= begins[b]
                        last = log_pi[model, c, k] if start else scores[row, t - 1, c, k]
                        scores[row, t, c, k] = last
            else:
                for c in range(blocks):
                    for k in range(WIDTH):
                        scores[row, t, c, k] = scores[row, t - 1, 0, 0] + leaving[model, 0, c, k]
                    for i in range(1, size):
                        last = scores[row, t - 1, i // WIDTH, i % WIDTH]
                        for k in range(WIDTH):
                            value = last + leaving[model, i, c, k]
                            best = scores[row, t, c, k]
                            scores[row, t, c, k] = value if value > best else best
            if not mask[b, t]:
                continue
            top = -np.inf
            for j in range(size):
                value = floored(log_lik[row, t, j]) + scores[row, t, j // WIDTH, j % WIDTH]
                top = value if value > top else top
            if top < IMPOSSIBLE:  # the observation counts as missing
                continue
            for j in range(size):
                scores[row, t, j // WIDTH, j % WIDTH] += floored(log_lik[row, t, j]) - top


@jit
def backtrack_rows(
    begin: int,
    stop: int,
    log_pi: Array,
    entering: Array,
    mask: Array,
    begins: Array,
    log_lik: Array,
    scores: Array,
    log_probs: Array,
    states: Array,
) -> None:
    """Follow the maxima back from the best last state, in the rows from `begin` to `stop`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        log_pi: `(M, C, 8)`.
        entering: `(M, K, K)`, log-probabilities of the transitions, from column to row.
        mask: `(B, T)`.
        begins: `(B,)`.
        log_lik: as for `score_rows`.
        scores: what `score_rows` left.
        log_probs: `(R, T)`, becomes the log-probability of each step of the path; 0 if masked.
        states: `(R, T)`, becomes the path; of several best ones that with the lowest last state,
            then the lowest one before, and so on.
    """
    rows, size = len(mask), entering.shape[1]
    for row in range(begin, stop):
        b, model, state = row % rows, row // rows, 0
        for t in range(mask.shape[1] - 1, -1, -1):
            if not mask[b, begins[b]]:  # no step is real
                log_probs[row, t] = 0.0
                states[row, t] = 0
                continue
            if t == mask.shape[1] - 1 or (mask[b, t + 1] and t >= begins[b]):
                later, top = state, -np.inf
                for i in range(size):
                    value = scores[row, t, i // WIDTH, i % WIDTH]
                    if t < mask.shape[1] - 1:
                        value += entering[model, later, i]
                    if value > top:
                        state, top = i, value
                if t < mask.shape[1] - 1:
                    found = floored(log_lik[row, t + 1, later])
                    found += entering[model, later, state]
                    log_probs[row, t + 1] = -np.inf if found < IMPOSSIBLE else found
            elif t < mask.shape[1] - 1:
                log_probs[row, t + 1] = 0.0
            states[row, t] = state
            if t == begins[b] and mask[b, t]:
                break
        first = begins[b]
        if not mask[b, first]:
            continue
        for t in range(first):
            states[row, t] = state
            log_probs[row, t] = 0.0
        found = log_pi[model, state // WIDTH, state % WIDTH]
        found += floored(log_lik[row, first, state])
        log_probs[row, first] = -np.inf if found < IMPOSSIBLE else found
