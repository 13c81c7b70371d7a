"""Small steps that several emissions share: priors as tensors, safe logarithms, sums.

Keras 3.15 computes `ops.matmul` of float64 in float32 on TensorFlow and torch, and `ops.maximum` on
torch: products are written `a @ b`, the larger one is `at_least`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import backend, ops

Tensor = Any
UNROLLED = 32  # features summed one by one: no array with a feature axis, an eighth of the time
EMPTY = 1e-30  # a weight below this is none: what is divided by it could leave float32's range


def like(value: Any, tensor: Tensor) -> Tensor:
    """Return a prior, a number or an array, as a tensor of another one's dtype."""
    return ops.convert_to_tensor(
        np.asarray(value, "float64"), backend.standardize_dtype(tensor.dtype)
    )


def at_least(tensor: Tensor, least: Any) -> Tensor:
    """Return the larger of a tensor and a number or another tensor, in the dtype that came."""
    return ops.where(tensor > least, tensor, least)


def safe_log(probability: Tensor) -> Tensor:
    """Return `log p`, -inf where p is 0, with a gradient of 0 there.

    Example:
        >>> import numpy as np
        >>> [float(v) for v in safe_log(np.array([0.0, 1.0], "float32"))]
        [-inf, 0.0]
    """
    probability = ops.convert_to_tensor(probability)
    least = float(np.finfo(backend.standardize_dtype(probability.dtype)).tiny)
    there = probability >= least
    # the inner `where` keeps log 0, and its infinite gradient, out of the trace
    return ops.where(there, ops.log(ops.where(there, probability, 1.0)), -np.inf)


def with_axes(weight: Tensor, tensor: Tensor) -> Tensor:
    """Return weights `(R, K)` with axes of 1 at the end, as many as `(R, K, ...)` has."""
    more = len(tensor.shape) - len(weight.shape)
    return ops.reshape(weight, (*weight.shape, *(1,) * more))


def keep(weight: Tensor, new: Tensor, last: Tensor) -> Tensor:
    """Return what is new `(R, K, ...)` where there was any weight `(R, K)`, else the last value."""
    return ops.where(with_axes(weight, new) > EMPTY, new, last)


def shares(counts: Tensor, last: Tensor, extra: Tensor) -> Tensor:
    """Return counts `(..., V)` as probabilities, the last ones where nothing was counted.

    Args:
        counts: expected counts.
        last: the probabilities so far.
        extra: added to the counts; what comes out negative is 0.
    """
    weight = ops.sum(counts, axis=-1)
    counts = at_least(counts + extra, 0.0)
    total = ops.sum(counts, axis=-1)
    return keep(weight, keep(total, counts / at_least(total, EMPTY)[..., None], last), last)


def total_weight(weights: Tensor) -> Tensor:
    """Return the weight of each state, `(R, N, K)` -> `(R, K)`.

    By a product with ones: products add in blocks, so that a million steps lose nothing in float32.
    """
    return ops.einsum("n,rnk->rk", ops.ones_like(weights[0, :, 0]), weights)


def map_means(
    x: Tensor, weights: Tensor, post: Tensor, prior: Tensor, strength: Tensor, last: Tensor
) -> Tensor:
    """Return the MAP means, `(strength * prior + sum_n w_nk x_n) / (strength + post_k)`.

    Taken from a centre amid the data: the sum keeps its digits in float32 however far the data are
    from zero.

    Args:
        x: `(N, D)`.
        weights: `(R, N, K)`.
        post: their sum over steps, `(R, K)`.
        prior: the mean of the means, broadcast to `(K, D)`.
        strength: the number of observations that it is worth, broadcast to `(K, 1)`.
        last: the means so far, `(R, K, D)`; kept where there is no weight.
    """
    of_step = ops.sum(weights, axis=(0, 2))
    centre = ops.einsum("n,nd->d", of_step, x) / at_least(ops.sum(of_step), EMPTY)
    sums = ops.einsum("rnk,nd->rkd", weights, x - centre)
    share = at_least(strength + post[..., None], EMPTY)
    return keep(post, centre + (strength * (prior - centre) + sums) / share, last)


def over_features(term: Callable[..., Tensor], x: Tensor, *params: Tensor) -> Tensor:
    """Return the sum over features of `term(x_d, params_d...)`, `(R, N, K)`.

    Args:
        term: a function of one feature, elementwise; its arguments are `(1, N, 1)` and `(R, 1, K)`.
        x: `(N, D)`.
        params: `(R, K, D)` each.
    """
    features = x.shape[-1]
    if features > UNROLLED:
        return ops.sum(term(x[None, :, None, :], *(p[:, None] for p in params)), axis=-1)
    total = term(x[None, :, 0, None], *(p[:, None, :, 0] for p in params))
    for d in range(1, features):
        total = total + term(x[None, :, d, None], *(p[:, None, :, d] for p in params))
    return total
