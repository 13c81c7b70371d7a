"""The gradients of any function of tensors, by the running backend's own means."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from rnnkit.backend import name

Tensor = Any

_own = importlib.import_module(f"rnnkit.backend.{name}.gradient")


def gradient(function: Callable[..., Tensor]) -> Callable[..., tuple]:
    """Return the function that gives the gradients of `function` by each of its arguments.

    Args:
        function: takes tensors and returns one number; it may read variables, which count as
            constants with the values they have at the first call.

    Returns:
        A function of the same tensors: a tuple of their gradients, zeros where the number does not
        depend on an argument. Called again with tensors of the same shapes it compiles nothing.

    Example:
        >>> from keras import ops
        >>> float(gradient(lambda x: ops.sum(x * x))(ops.ones((1,)))[0][0])
        2.0
    """
    return _own.gradient(function)
