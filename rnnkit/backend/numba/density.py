"""Densities of Gaussians with diagonal covariances."""

from __future__ import annotations

import numpy as np

from rnnkit.backend.numba.jit import jit
from rnnkit.backend.numba.layout import WIDTH, Array


@jit
def diagonal_rows(
    begin: int,
    stop: int,
    x: Array,
    means: Array,
    precisions: Array,
    constants: Array,
    work: Array,
    out: Array,
) -> None:
    """Compute log-densities of the observations from `begin` to `stop`.

    Args:
        begin: of the N observations.
        stop: of the N observations.
        x: `(N, D)`.
        means: `(R, D, C, 8)`; the components in groups of eight, see `layout.py`.
        precisions: `(R, D, C, 8)`, -1/2 of the inverse variances.
        constants: `(R, C, 8)`, the log-densities at the means.
        work: `(N, 8)`, work space.
        out: `(R, N, K)`, becomes `log N(x_n | mean_k, covariance_k)`.
    """
    size = out.shape[2]
    for r in range(len(out)):
        for n in range(begin, stop):
            for c in range(constants.shape[1]):
                for k in range(WIDTH):
                    work[begin, k] = constants[r, c, k]
                for d in range(x.shape[1]):
                    value = np.float64(x[n, d])
                    for k in range(WIDTH):
                        away = value - means[r, d, c, k]
                        work[begin, k] += away * away * precisions[r, d, c, k]
                for k in range(min(WIDTH, size - c * WIDTH)):
                    out[r, n, c * WIDTH + k] = work[begin, k]


@jit
def scatter_rows(
    begin: int, stop: int, x: Array, means: Array, weights: Array, part: int, out: Array
) -> None:
    """Compute weighted sums of squares about means, for the parts from `begin` to `stop`.

    Args:
        begin: of the P parts.
        stop: of the P parts.
        x: `(N, D)`.
        means: `(R, D, C, 8)`; see `layout.py`.
        weights: `(R, N, K)`.
        part: the number of observations in a part; the last one may have fewer.
        out: `(P, R, D, C, 8)`, zeros, becomes `Σ_n w_nk (x_nd - mean_kd)²` over each part.
    """
    size = weights.shape[2]
    for p in range(begin, stop):
        for r in range(len(weights)):
            for n in range(p * part, min((p + 1) * part, len(x))):
                for d in range(x.shape[1]):
                    value = np.float64(x[n, d])
                    for c in range(means.shape[2]):
                        for k in range(min(WIDTH, size - c * WIDTH)):
                            away = value - means[r, d, c, k]
                            out[p, r, d, c, k] += away * away * weights[r, n, c * WIDTH + k]
