"""JAX: gradients of a function of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return the function of the gradients; see `rnnkit.backend.gradient`."""
    by_tuple = jax.jit(jax.grad(lambda arguments: function(*arguments)))
    return lambda *arguments: by_tuple(arguments)
