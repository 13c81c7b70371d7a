"""Arithmetic shared by the emissions: priors as tensors, safe logarithms, weighted sums.

Keras 3.15 computes `ops.matmul` of float64 in float32 on TensorFlow and torch, and `ops.maximum` on
torch: products are written `a @ b`, maxima `at_least`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import backend, ops

Tensor = Any
UNROLLED = 32  # up to this many features the sum is unrolled: no feature axis, 8 times as fast
MIN_WEIGHT = 1e-30  # a weight below this counts as 0: dividing by it could overflow float32


def like(value: Any, tensor: Tensor) -> Tensor:
    """Convert a prior, a number or an array, to a tensor of the dtype of another one."""
    array = np.asarray(value, "float64")
    return ops.convert_to_tensor(array, backend.standardize_dtype(tensor.dtype))


def at_least(tensor: Tensor, least: Any) -> Tensor:
    """Elementwise maximum of a tensor and a number or tensor, in the dtype of the first."""
    return ops.where(tensor > least, tensor, least)


def safe_log(probability: Tensor) -> Tensor:
    """Return `log p`, -inf where p is 0, with a gradient of 0 there."""
    probability = ops.convert_to_tensor(probability)
    least = float(np.finfo(backend.standardize_dtype(probability.dtype)).tiny)
    positive = probability >= least
    # the inner `where` keeps log 0 and its infinite gradient out of the trace
    return ops.where(positive, ops.log(ops.where(positive, probability, 1.0)), -np.inf)


def with_axes(weight: Tensor, tensor: Tensor) -> Tensor:
    """Append axes of size 1 to weights `(R, K)`, to broadcast over `(R, K, ...)`."""
    more = len(tensor.shape) - len(weight.shape)
    return ops.reshape(weight, (*weight.shape, *(1,) * more))


def where_weighted(weight: Tensor, new: Tensor, last: Tensor) -> Tensor:
    """Return `new (R, K, ...)` where the weight `(R, K)` is positive, and `last` elsewhere."""
    return ops.where(with_axes(weight, new) > MIN_WEIGHT, new, last)


def normalize_counts(counts: Tensor, last: Tensor, extra: Tensor) -> Tensor:
    """Normalise `max(counts + extra, 0)`, `(..., V)`; without any count, keep the last ones."""
    weight = ops.sum(counts, axis=-1)
    counts = at_least(counts + extra, 0.0)
    total = ops.sum(counts, axis=-1)
    found = counts / at_least(total, MIN_WEIGHT)[..., None]
    return where_weighted(weight, where_weighted(total, found, last), last)


def total_weight(weights: Tensor) -> Tensor:
    """Sum the weight of each state, `(R, N, K)` -> `(R, K)`.

    A product with ones: products add in blocks, so that a million steps stay exact in float32.
    """
    return ops.einsum("n,rnk->rk", ops.ones_like(weights[0, :, 0]), weights)


def map_means(
    x: Tensor, weights: Tensor, post: Tensor, prior: Tensor, strength: Tensor, last: Tensor
) -> Tensor:
    """MAP estimate of the means, `(strength * prior + sum_n w_nk x_n) / (strength + post_k)`.

    Computed about the mean of the data, so that float32 keeps its digits however far from zero
    the data are.

    Args:
        x: `(N, D)`.
        weights: `(R, N, K)`.
        post: their sum over the steps, `(R, K)`.
        prior: the mean of the means, broadcast to `(K, D)`.
        strength: the pseudo-observations of the prior, broadcast to `(K, 1)`.
        last: the current means `(R, K, D)`, kept by a state without weight.
    """
    of_step = ops.sum(weights, axis=(0, 2))
    centre = ops.einsum("n,nd->d", of_step, x) / at_least(ops.sum(of_step), MIN_WEIGHT)
    sums = ops.einsum("rnk,nd->rkd", weights, x - centre)
    count = at_least(strength + post[..., None], MIN_WEIGHT)
    return where_weighted(post, centre + (strength * (prior - centre) + sums) / count, last)


def over_features(term: Callable[..., Tensor], x: Tensor, *params: Tensor) -> Tensor:
    """Sum `term(x_d, params_d...)` over the features: `x (N, D)`, `params (R, K, D)`, `(R, N, K)`.

    The term is elementwise; its arguments are `(1, N, 1)` and `(R, 1, K)`.
    """
    features = x.shape[-1]
    if features > UNROLLED:
        return ops.sum(term(x[None, :, None, :], *(p[:, None] for p in params)), axis=-1)
    total = term(x[None, :, 0, None], *(p[:, None, :, 0] for p in params))
    for d in range(1, features):
        total = total + term(x[None, :, d, None], *(p[:, None, :, d] for p in params))
    return total
