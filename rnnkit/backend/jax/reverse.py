"""Functions whose gradient is written for reverse mode: forward mode is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnkit.errors import InputError


def reverse_only(function: Callable[..., Any], *arguments: Any, advice: str) -> Any:
    """Return `function(*arguments)`; refuse to differentiate it in forward mode.

    Inside of `jax.jit` JAX finds out later, and raises its own `TypeError` that names forward mode.

    Args:
        function: has a `jax.custom_vjp` inside.
        *arguments: its arguments.
        advice: what to do instead, for the message.

    Raises:
        InputError: `jax.jvp`, `jax.jacfwd` or `jax.linearize` called it.
    """
    try:
        return function(*arguments)
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise InputError(
            "The gradient of this recurrent pass is written for reverse mode (jax.grad, jax.vjp, "
            f"jax.jacrev), and it was called in forward mode (jax.jvp, jax.jacfwd). {advice}"
        ) from error
