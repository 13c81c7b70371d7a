"""Gradients of a function of tensors, and their norm, on any backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rnnkit.backend import native

Tensor = Any


def gradient(function: Callable[..., Tensor]) -> Callable[..., tuple]:
    """Return a function that computes the gradients of `function` by each of its arguments.

    Args:
        function: takes tensors and returns one number; it may read variables, which count as
            constants with the values they have at the first call.

    Returns:
        A function of the same tensors: a tuple of their gradients, zeros where the number does not
        depend on an argument. A second call with tensors of the same shapes compiles nothing.

    Example:
        >>> from keras import ops
        >>> float(gradient(lambda x: ops.sum(x * x))(ops.ones((1,)))[0][0])
        2.0
    """
    return native.gradient(function)


def global_norm(gradients: Sequence[Tensor]) -> Tensor:
    """Return `sqrt(Σ_w ‖g_w‖²)`, the global norm of gradients of one dtype.

    Example:
        >>> from keras import ops
        >>> float(global_norm([ops.array([3.0]), ops.array([[4.0]])]))
        5.0
    """
    return native.global_norm(gradients)
