"""Activation checkpointing on JAX, by `jax.checkpoint`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`, recomputed for its gradient.

    Args:
        function: a pure function of tensors.
        *arguments: tensors, or tuples and dicts of tensors.
    """
    return jax.checkpoint(function)(*arguments)
