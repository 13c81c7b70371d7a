"""Small steps that several emissions share: priors as tensors, safe logarithms, sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import backend, ops

import rnnkit.backend  # noqa: F401  (picks a backend before Keras does)

Tensor = Any
UNROLLED = 32  # features summed one by one: no array with a feature axis, an eighth of the time
EMPTY = 1e-30  # a weight below this is none: what is divided by it could leave float32's range


def like(value: Any, tensor: Tensor) -> Tensor:
    """Return a prior, a number or an array, as a tensor of another one's dtype."""
    return ops.convert_to_tensor(
        np.asarray(value, "float64"), backend.standardize_dtype(tensor.dtype)
    )


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
    counts = ops.maximum(counts + extra, 0.0)
    total = ops.sum(counts, axis=-1)
    return keep(ops.minimum(weight, total), counts / ops.maximum(total, EMPTY)[..., None], last)


def total_weight(weights: Tensor) -> Tensor:
    """Return the weight of each state, `(R, N, K)` -> `(R, K)`.

    By a product with ones: products add in blocks, so that a million steps lose nothing in float32.
    """
    return ops.matmul(ops.ones_like(weights[:1, :, 0]), weights)[:, 0]


def weighted_sums(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return a centre c `(D,)` and `sum_n w_nk (x_n - c)`, `(R, K, D)`.

    With c amid the data, the sum keeps its digits in float32 however far the data are from zero.
    """
    of_step = ops.sum(weights, axis=(0, 2))
    centre = ops.matmul(of_step, x) / ops.maximum(ops.sum(of_step), EMPTY)
    return centre, ops.einsum("rnk,nd->rkd", weights, x - centre)


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
