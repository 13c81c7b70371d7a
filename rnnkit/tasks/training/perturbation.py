"""The perturbation of embedded examples along a gradient, as adversarial training takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

Tensor = Any


def perturbation(embedded: Sequence[Tensor], grads: Sequence[Tensor], norm: float) -> list[Tensor]:
    """Return `norm s g / ‖g‖₂` for each example, over all of its embedded sequences.

    Args:
        embedded: `(B, T, D)`, all with the same B.
        grads: of the loss, by each of them; their scale does not matter.
        norm: in units of s, the root mean square of the steps with a gradient.

    Example:
        >>> e, g = ops.ones((1, 2, 2)), ops.convert_to_tensor([[[3.0, 4.0], [0.0, 0.0]]])
        >>> ops.convert_to_numpy(perturbation([e], [g], 5.0)[0]).tolist()
        [[[3.0, 4.0], [0.0, 0.0]]]
    """
    wide = [ops.cast(grad, "float32") for grad in grads]
    peaks = [ops.max(ops.abs(grad), axis=_axes(grad)) for grad in wide]
    peak = peaks[0]
    for other in peaks[1:]:
        peak = ops.maximum(peak, other)
    # Divided by the largest number first: the squares of small ones would vanish.
    known = ops.logical_and(peak > 0, ops.isfinite(peak))
    safe = ops.where(known, peak, ops.ones_like(peak))
    units = [
        ops.where(as_rows(known, grad), grad / as_rows(safe, grad), ops.zeros_like(grad))
        for grad in wide
    ]
    length = ops.sqrt(ops.maximum(_sum([ops.sum(u * u, axis=_axes(u)) for u in units]), 1.0))
    real = [
        ops.cast(ops.any(ops.not_equal(u, 0), axis=-1, keepdims=True), "float32") for u in units
    ]
    vectors = [ops.cast(one, "float32") for one in embedded]
    squares = _sum([ops.sum(r * e * e) for r, e in zip(real, vectors, strict=True)])
    count = _sum([ops.sum(r) * e.shape[-1] for r, e in zip(real, vectors, strict=True)])
    size = norm * ops.sqrt(squares / ops.maximum(count, 1.0))
    return [
        ops.cast(size * u / as_rows(length, u), e.dtype)
        for u, e in zip(units, embedded, strict=True)
    ]


def _axes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(range(1, len(tensor.shape)))


def as_rows(numbers: Tensor, like: Tensor) -> Tensor:
    """Return one number for each row in a shape that broadcasts."""
    return ops.reshape(numbers, (-1, *[1] * (len(like.shape) - 1)))


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    return sum(tensors[1:], tensors[0])
