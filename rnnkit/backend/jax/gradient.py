"""Gradients of a function of tensors, by `jax.grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return a function that computes the gradients; see `rnnkit.backend.gradient`."""
    by_tuple = jax.jit(jax.grad(lambda arguments: function(*arguments)))
    return lambda *arguments: by_tuple(arguments)
