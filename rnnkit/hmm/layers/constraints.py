"""Parameters with limits, trained without limits: raw weight <-> probability, variance, covariance.

A gradient step must not leave the set of possible values, so a layer keeps a raw weight that may
be any number and computes the parameter from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from rnnkit.errors import InputError

Tensor = Any

# The raw value of a probability that is exactly 0. Not -inf: an optimizer, a weight average or a
# penalty would turn that into NaN. All raw values below half of it count as 0 and get no gradient,
# so a state that cannot follow never does; no training walks that far down, or back up.
NEVER = -1e4
SMALLEST = 1e-37  # just above float32's smallest normal number: its logarithm is still finite
LIMIT = 30.0  # e^±30: wider than any sensible scale, and squares of it are still finite in float32


def to_raw(kind: str, value: Any) -> np.ndarray:
    """Return the raw weight that gives a parameter.

    - "real": itself
    - "positive": its logarithm
    - "simplex": the logarithms, less their largest
    - "covariance": its Cholesky factor, with the logarithm of the diagonal

    Args:
        kind: "real", "positive", "simplex" (the last axis sums to 1) or "covariance" (the last two
            axes).
        value: the parameter.

    Returns:
        The same shape, float32.

    Raises:
        InputError: another kind, or a value that is not of its kind.

    Example:
        >>> to_raw("simplex", [0.5, 0.5, 0.0]).tolist()
        [0.0, 0.0, -10000.0]
    """
    function, _ = _find(kind)
    array = np.asarray(value, "float64")
    try:
        raw = function(array)
    except np.linalg.LinAlgError:
        raw = np.array(np.nan)
    if not np.isfinite(raw).all():
        raise InputError(
            f"Expected a parameter of the kind {kind!r}; got {array.tolist()}. Probabilities have "
            "a positive sum, variances are positive, covariances positive definite."
        )
    return raw.astype("float32")


def from_raw(kind: str, raw: Tensor) -> Tensor:
    """Return the parameter that a raw weight gives, with finite gradients.

    A probability is at least 1e-37, so that its logarithm is finite: where it was 0 it stays at
    this floor, without a gradient. Transitions want exact zeros: `log_probabilities`.

    Args:
        kind: as in `to_raw`.
        raw: any numbers.

    Returns:
        The same shape and dtype.

    Raises:
        InputError: another kind.

    Example:
        >>> [float(p) for p in from_raw("simplex", ops.array([0.0, 0.0]))]
        [0.5, 0.5]
    """
    return _find(kind)[1](raw)


def log_probabilities(raw: Tensor) -> Tensor:
    """Return the logarithms of the probabilities that raw weights of the kind "simplex" give.

    `log p_i = raw_i − log Σ_j exp raw_j`, and −inf for a probability that is exactly 0.

    Args:
        raw: `(..., K)`.

    Returns:
        `(..., K)`; the −inf among them pass no gradient.

    Example:
        >>> [float(p) for p in log_probabilities(ops.array([0.0, -1e4]))]
        [0.0, -inf]
    """
    possible = raw > NEVER / 2
    # Two wheres: the first keeps the gradients finite, the second puts the exact zeros in.
    logs = ops.log_softmax(ops.where(possible, raw, ops.full_like(raw, NEVER)), axis=-1)
    return ops.where(possible, logs, ops.full_like(raw, -float("inf")))


def _log(value: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.log(value)
    return np.maximum(raw, -LIMIT)  # a rate of 0 becomes a very small one


def _logits(value: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(value)
        logits = logs - logs.max(axis=-1, keepdims=True)  # NaN where all are 0
    return np.where(np.isneginf(logits), NEVER, logits)


def _factor(value: np.ndarray) -> np.ndarray:
    lower = np.linalg.cholesky(value)
    diagonal = np.diagonal(lower, axis1=-2, axis2=-1)
    return np.tril(lower, -1) + _on_diagonal(np.log(diagonal))


def _on_diagonal(values: np.ndarray) -> np.ndarray:
    return values[..., None] * np.eye(values.shape[-1])


def _exp(raw: Tensor, limit: float = LIMIT) -> Tensor:
    return ops.exp(ops.clip(raw, -limit, limit))


def _softmax(raw: Tensor) -> Tensor:
    return ops.maximum(ops.exp(log_probabilities(raw)), SMALLEST)


def _product(raw: Tensor) -> Tensor:
    size = raw.shape[-1]
    eye = ops.eye(size, dtype=raw.dtype)
    below = ops.tril(ops.ones((size, size), dtype=raw.dtype), k=-1)
    diagonal = _exp(ops.sum(raw * eye, axis=-1, keepdims=True), LIMIT / 2)
    lower = raw * below + diagonal * eye
    return ops.matmul(lower, ops.swapaxes(lower, -1, -2))


KINDS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[Tensor], Tensor]]] = {
    "real": (lambda value: value, lambda raw: raw),
    "positive": (_log, _exp),
    "simplex": (_logits, _softmax),
    "covariance": (_factor, _product),
}


def _find(kind: str) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[Tensor], Tensor]]:
    """Return both directions of a kind."""
    if kind not in KINDS:
        raise InputError(f"Got a parameter of the kind {kind!r}; expected one of {list(KINDS)}.")
    return KINDS[kind]
