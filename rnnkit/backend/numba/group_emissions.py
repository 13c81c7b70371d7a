"""Log-likelihoods of the observations of sequences side by side; see `layout.py`."""

from __future__ import annotations

import math

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import IMPOSSIBLE, Array
from rnnkit.backend.numba.scaled import LEAST, LOG_2


@jit
def look_up(counts: Array, starts: Array, symbols: Array, table: Array, logs: Array) -> None:
    """Look up log-probabilities of symbols.

    Args:
        counts: `(T,)`.
        starts: `(L,)`.
        symbols: `(N,)`, integers.
        table: `(V, K)`, log-probabilities.
        logs: `(T, K, L)`, becomes those of the steps.
    """
    for t in range(len(counts)):
        for lane in range(counts[t]):
            symbol = symbols[starts[lane] + t]
            for k in range(table.shape[1]):
                logs[t, k, lane] = table[symbol, k]


@jit
def diagonal_densities(
    counts: Array,
    starts: Array,
    x: Array,
    means: Array,
    precisions: Array,
    constants: Array,
    values: Array,
    logs: Array,
) -> None:
    """Compute log-densities of Gaussians with diagonal covariances.

    Args:
        counts: `(T,)`.
        starts: `(L,)`.
        x: `(N, D)`, float32 or float64.
        means: `(K, D)`.
        precisions: `(K, D)`, -1/2 of the inverse variances.
        constants: `(K,)`, the log-densities at the means.
        values: `(D, L)`, work space.
        logs: `(T, K, L)`, becomes the log-densities.
    """
    features = x.shape[1]
    for t in range(len(counts)):
        count = counts[t]
        for lane in range(count):
            for d in range(features):
                values[d, lane] = x[starts[lane] + t, d]
        for k in range(len(means)):
            constant = constants[k]
            for lane in range(count):
                logs[t, k, lane] = constant
            for d in range(features):
                mean, precision = means[k, d], precisions[k, d]
                for lane in range(count):
                    away = values[d, lane] - mean
                    logs[t, k, lane] += away * away * precision


@jit
def set_known(
    counts: Array, starts: Array, observed: Array, states: Array, size: int, logs: Array
) -> None:
    """Set log-likelihoods to 0 where nothing is observed, to -inf for all but a known state.

    Args:
        counts: `(T,)`.
        starts: `(L,)`.
        observed: boolean `(N,)`.
        states: `(N,)`, the known state or -1; no elements = none is known.
        size: K.
        logs: `(T, K, L)`, are changed in place.
    """
    for t in range(len(counts)):
        for lane in range(counts[t]):
            row = starts[lane] + t
            known = -1
            if len(states) > 0:
                known = states[row]
            for k in range(size):
                if not observed[row]:
                    logs[t, k, lane] = 0.0
                if known >= 0 and known != k:
                    logs[t, k, lane] = -np.inf


@jit
def to_likelihoods(counts: Array, size: int, logs: Array, tops: Array) -> None:
    """Turn log-likelihoods into likelihoods, the largest of a step being 1.

    The exponentials are those of `scaled.exponential_rows`.

    Args:
        counts: `(T,)`.
        size: K.
        logs: `(T, K, L)`, become the likelihoods; 1 where no state explains the observation.
        tops: `(T, L)`, becomes the logarithm of the largest, -inf where none explains it.
    """
    for t in range(len(counts)):
        count = counts[t]
        for lane in range(count):
            tops[t, lane] = logs[t, 0, lane]
        for k in range(1, size):
            for lane in range(count):
                value, top = logs[t, k, lane], tops[t, lane]
                tops[t, lane] = value if value > top or value != value else top
        for k in range(size):
            for lane in range(count):
                away = logs[t, k, lane] - tops[t, lane]
                x = LEAST if away < LEAST else away
                whole = math.floor(x * (1 / LOG_2) + 0.5)
                r = x - whole * LOG_2
                r2 = r * r
                r4 = r2 * r2
                low = (1.0 + r) + r2 * (1 / 2 + r * (1 / 6))
                middle = (1 / 24 + r * (1 / 120)) + r2 * (1 / 720 + r * (1 / 5040))
                high = (1 / 40320 + r * (1 / 362880)) + r2 * (1 / 3628800 + r * (1 / 39916800))
                found = low + r4 * middle + r4 * r4 * (high + r4 * (1 / 479001600))
                bits = np.int64((np.int64(np.int32(whole)) + 1023) << 52)
                found *= np.int64(bits).view(np.float64)
                found = 0.0 if away < LEAST else found
                logs[t, k, lane] = 1.0 if tops[t, lane] < IMPOSSIBLE else found
        for lane in range(count):
            top = tops[t, lane]
            tops[t, lane] = -np.inf if top < IMPOSSIBLE else top
