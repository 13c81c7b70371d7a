"""JAX: compute again instead of keeping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`; its gradient computes the function again.

    Args:
        function: a pure function of tensors.
        *arguments: tensors, or tuples and dicts of tensors.
    """
    return jax.checkpoint(function)(*arguments)
