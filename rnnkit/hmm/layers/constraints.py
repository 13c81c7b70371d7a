"""Constrained parameters from unconstrained weights: probabilities, variances, covariances.

A gradient step must not leave the set of valid values, so a layer trains an unconstrained weight
and computes the parameter from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from rnnkit.errors import InputError, check_choice

Tensor = Any

# The unconstrained value of a probability that is exactly 0. Not -inf: an optimizer, a weight
# average or a penalty would turn that into NaN. All values below half of it count as 0 and get no
# gradient, so an impossible transition stays impossible; no training moves that far.
RAW_ZERO = -1e4
MIN_PROBABILITY = 1e-37  # just above float32's smallest normal number: its logarithm is finite
MAX_LOG = 60.0  # e^±60: variances of data in any units, whose inverses are finite in float32


def to_unconstrained(constraint: str, value: Any) -> np.ndarray:
    """Return the unconstrained weight of a parameter, in its shape, float32.

    Args:
        constraint: "real": the weight is the parameter; "positive": its logarithm; "simplex" (the
            last axis sums to 1): the logarithms, minus their maximum; "covariance" (the last two
            axes): its Cholesky factor, with the logarithm of the diagonal.
        value: the parameter.

    Raises:
        InputError: an unknown constraint, or a value that violates it.

    Example:
        >>> to_unconstrained("simplex", [0.5, 0.5, 0.0]).tolist()
        [0.0, 0.0, -10000.0]
    """
    function, _ = BIJECTIONS[check_choice("constraint", constraint, BIJECTIONS)]
    array = np.asarray(value, "float64")
    try:
        raw = function(array)
    except np.linalg.LinAlgError:
        raw = np.array(np.nan)
    if not np.isfinite(raw).all():
        raise InputError(
            f"Expected a parameter with the constraint {constraint!r}; got {array.tolist()}. Sums "
            "of probabilities and variances must be positive, covariances positive definite."
        )
    return raw.astype("float32")


def from_unconstrained(constraint: str, raw: Tensor) -> Tensor:
    """Return the parameter of an unconstrained weight, with finite gradients.

    A probability is at least 1e-37, so that its logarithm is finite: a probability of 0 stays at
    this lower bound, without a gradient. For exact zeros use `log_probabilities`.

    Example:
        >>> [float(p) for p in from_unconstrained("simplex", ops.array([0.0, 0.0]))]
        [0.5, 0.5]
    """
    return BIJECTIONS[check_choice("constraint", constraint, BIJECTIONS)][1](raw)


def log_probabilities(raw: Tensor) -> Tensor:
    """Return the log-probabilities of weights `(..., K)` with the constraint "simplex".

    `log p_i = raw_i − log Σ_j exp raw_j`, and −inf, without a gradient, where p is exactly 0.

    Example:
        >>> [float(p) for p in log_probabilities(ops.array([0.0, -1e4]))]
        [0.0, -inf]
    """
    possible = raw > RAW_ZERO / 2
    # Two wheres: the first keeps the gradients finite, the second sets the exact zeros.
    logs = ops.log_softmax(ops.where(possible, raw, ops.full_like(raw, RAW_ZERO)), axis=-1)
    return ops.where(possible, logs, ops.full_like(raw, -float("inf")))


def _log(value: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.log(value)
    return np.maximum(raw, -MAX_LOG)  # a rate of 0 becomes a very small one


def _logits(value: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(value)
        logits = logs - logs.max(axis=-1, keepdims=True)  # NaN where all are 0
    return np.where(np.isneginf(logits), RAW_ZERO, logits)


def _factor(value: np.ndarray) -> np.ndarray:
    lower = np.linalg.cholesky(value)
    diagonal = np.diagonal(lower, axis1=-2, axis2=-1)
    return np.tril(lower, -1) + np.log(diagonal)[..., None] * np.eye(value.shape[-1])


def _exp(raw: Tensor, limit: float = MAX_LOG) -> Tensor:
    return ops.exp(ops.clip(raw, -limit, limit))


def _softmax(raw: Tensor) -> Tensor:
    return ops.maximum(ops.exp(log_probabilities(raw)), MIN_PROBABILITY)


def _product(raw: Tensor) -> Tensor:
    size = raw.shape[-1]
    eye = ops.eye(size, dtype=raw.dtype)
    below = ops.tril(ops.ones((size, size), dtype=raw.dtype), k=-1)
    diagonal = _exp(ops.sum(raw * eye, axis=-1, keepdims=True), MAX_LOG / 2)
    lower = raw * below + diagonal * eye
    return ops.matmul(lower, ops.swapaxes(lower, -1, -2))


# Constraint -> (to the unconstrained weight, from the unconstrained weight).
BIJECTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[Tensor], Tensor]]] = {
    "real": (lambda value: value, lambda raw: raw),
    "positive": (_log, _exp),
    "simplex": (_logits, _softmax),
    "covariance": (_factor, _product),
}
