"""Forward-backward with messages as probabilities, normalised at each step: the fast numerics."""

from __future__ import annotations

import math

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import IMPOSSIBLE, LOG_ZERO, WIDTH, Array

LOG_2 = 0.6931471805599453
LEAST = -708.0  # exponentials of less underflow


def likelihood_rows(begin: int, stop: int, log_lik: Array, seen: Array, tops: Array) -> None:
    """Compute `p(x_t | z_t)`, the largest being 1, in the rows from `begin` to `stop`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        log_lik: `(R, T, K)`, float32 or float64.
        seen: `(R, T, C, 8)`, becomes the likelihoods; 1 where no state explains the observation.
        tops: `(R, T)`, becomes the logarithm of the largest, -inf where none explains it.
    """
    bits = np.empty(seen[0].size, np.int64)
    flat = seen.reshape(len(seen), -1)
    exponential_rows(begin, stop, log_lik, flat, tops, bits, bits.view(np.float64))


@jit
def exponential_rows(
    begin: int, stop: int, log_lik: Array, seen: Array, tops: Array, bits: Array, powers: Array
) -> None:
    """Compute what `likelihood_rows` does: exponentials of eight numbers at once, unlike `exp`.

    `e^x = 2^w e^r`, with the Taylor series of `e^r`; the relative error is 2e-14.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        log_lik: `(R, T, K)`.
        seen: `(R, T C 8)`.
        tops: `(R, T)`.
        bits: `(T C 8,)`, becomes the powers of two, bit by bit.
        powers: the same memory as float64.
    """
    steps, size = log_lik.shape[1], log_lik.shape[2]
    width = seen.shape[1] // steps
    for row in range(begin, stop):
        for t in range(steps):
            top = np.float64(log_lik[row, t, 0])
            for j in range(1, size):
                value = np.float64(log_lik[row, t, j])
                top = value if value > top or value != value else top
            impossible = top < IMPOSSIBLE
            for j in range(width):
                seen[row, t * width + j] = 0.0
            if not impossible:
                for j in range(size):
                    value = np.float64(log_lik[row, t, j])
                    seen[row, t * width + j] = max(value, LOG_ZERO) - top
            tops[row, t] = -np.inf if impossible else top
        for n in range(seen.shape[1]):
            x = LEAST if seen[row, n] < LEAST else seen[row, n]
            bits[n] = (np.int64(np.int32(math.floor(x / LOG_2 + 0.5))) + 1023) << 52
        for n in range(seen.shape[1]):
            x = LEAST if seen[row, n] < LEAST else seen[row, n]
            r = x - math.floor(x / LOG_2 + 0.5) * LOG_2
            r2 = r * r
            r4 = r2 * r2
            low = (1.0 + r) + r2 * (1 / 2 + r * (1 / 6))
            middle = (1 / 24 + r * (1 / 120)) + r2 * (1 / 720 + r * (1 / 5040))
            high = (1 / 40320 + r * (1 / 362880)) + r2 * (1 / 3628800 + r * (1 / 39916800))
            found = (low + r4 * middle + r4 * r4 * (high + r4 * (1 / 479001600))) * powers[n]
            seen[row, n] = 0.0 if seen[row, n] < LEAST else found


@jit
def forward_rows(
    begin: int,
    stop: int,
    leaving: Array,
    mask: Array,
    begins: Array,
    seen: Array,
    posterior: Array,
    totals: Array,
) -> None:
    """Filter the rows from `begin` to `stop`; see `layout.py`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        leaving: `(M, K, C, 8)`, the transition probabilities, from row to column.
        mask: `(B, T)`.
        begins: `(B,)`.
        seen: `(R, T, C, 8)`, `p(x_t | z_t)` in any scale.
        posterior: `(R, T, C, 8)`, holds the posteriors up to the first real step, and becomes all.
        totals: `(R, T)`, becomes the sum before normalising; not at the first step or masked ones.
    """
    rows, (size, blocks) = len(mask), leaving.shape[1:3]
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for t in range(begins[b] + 1, mask.shape[1]):
            if not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        posterior[row, t, c, k] = posterior[row, t - 1, c, k]
                continue
            total = 0.0
            for c in range(blocks):
                for k in range(WIDTH):
                    posterior[row, t, c, k] = 0.0
                for i in range(size):
                    weight = posterior[row, t - 1, i // WIDTH, i % WIDTH]
                    for k in range(WIDTH):
                        posterior[row, t, c, k] += weight * leaving[model, i, c, k]
                for k in range(WIDTH):
                    posterior[row, t, c, k] *= seen[row, t, c, k]
                    total += posterior[row, t, c, k]
            inverse = 1.0 / total
            for c in range(blocks):
                for k in range(WIDTH):
                    posterior[row, t, c, k] *= inverse
            totals[row, t] = total


@jit
def backward_rows(
    begin: int,
    stop: int,
    entering: Array,
    mask: Array,
    begins: Array,
    seen: Array,
    posterior: Array,
    messages: Array,
    smoothed: Array,
    pairs: Array,
) -> None:
    """Smooth the rows from `begin` to `stop`.

    Args:
        begin: of the R rows.
        stop: of the R rows.
        entering: `(M, K, C, 8)`, the transition probabilities, from column to row.
        mask: `(B, T)`.
        begins: `(B,)`.
        seen: as for `forward_rows`.
        posterior: what `forward_rows` left.
        messages: `(R, 2, C, 8)`, work space.
        smoothed: `(R, T, C, 8)`, becomes the posteriors given all steps.
        pairs: `(R, K, C, 8)`, zeros, becomes the expected transitions without the factor A; no
            rows = do not count them.
    """
    rows, (size, blocks) = len(mask), entering.shape[1:3]
    last, counting = mask.shape[1] - 1, len(pairs) > 0
    for row in range(begin, stop):
        b, model = row % rows, row // rows
        for c in range(blocks):
            for k in range(WIDTH):
                messages[row, 0, c, k] = 1.0
                smoothed[row, last, c, k] = posterior[row, last, c, k]
        for t in range(last, 0, -1):
            if t <= begins[b]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        smoothed[row, t - 1, c, k] = posterior[row, t - 1, c, k]
                continue
            if not mask[b, t]:
                for c in range(blocks):
                    for k in range(WIDTH):
                        smoothed[row, t - 1, c, k] = smoothed[row, t, c, k]
                continue
            for c in range(blocks):
                for k in range(WIDTH):
                    messages[row, 1, c, k] = seen[row, t, c, k] * messages[row, 0, c, k]
            total, both = 0.0, 0.0
            for c in range(blocks):
                for k in range(WIDTH):
                    messages[row, 0, c, k] = 0.0
                for j in range(size):
                    weight = messages[row, 1, j // WIDTH, j % WIDTH]
                    for k in range(WIDTH):
                        messages[row, 0, c, k] += weight * entering[model, j, c, k]
                for k in range(WIDTH):
                    total += messages[row, 0, c, k]
                    joint = posterior[row, t - 1, c, k] * messages[row, 0, c, k]
                    smoothed[row, t - 1, c, k] = joint
                    both += joint
            inverse, shrink = 1.0 / both, 1.0 / total
            if counting:
                for i in range(size):
                    weight = posterior[row, t - 1, i // WIDTH, i % WIDTH] * inverse
                    for c in range(blocks):
                        for k in range(WIDTH):
                            pairs[row, i, c, k] += weight * messages[row, 1, c, k]
            for c in range(blocks):
                for k in range(WIDTH):
                    smoothed[row, t - 1, c, k] *= inverse
                    messages[row, 0, c, k] *= shrink
