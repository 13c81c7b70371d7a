"""JAX: loops with a gradient of their own, and the portable loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from rnnkit.backend.jax.feed import dense, feed, tensors
from rnnkit.backend.jax.recurrent import KERNELS
from rnnkit.backend.jax.scan import HOIST_INPUT_PROJECTION, scan
from rnnkit.backend.jax.table import add_rows, mix_rows, take_rows

__all__ = [
    "HOIST_INPUT_PROJECTION",
    "KERNELS",
    "add_rows",
    "compiled",
    "dense",
    "devices",
    "feed",
    "fixed_shapes",
    "mix_rows",
    "scan",
    "take_rows",
    "tensors",
]


def devices() -> list[str]:
    """Return the devices that JAX sees."""
    return [str(device) for device in jax.devices()]


def fixed_shapes() -> bool:
    """Tell whether the pass that is being traced is compiled for known shapes; here always."""
    return True


def compiled(function: Callable[..., Any], given_up: int = 0) -> Callable[..., Any]:
    """Return the function, compiled once for each set of shapes.

    Its arguments are tensors, arrays, or tuples and dictionaries of them.

    Args:
        function: what is compiled.
        given_up: the first so many arguments are not used any more by who calls: results may be
            written over them, which saves a copy of a large table.
    """
    return jax.jit(function, donate_argnums=tuple(range(given_up)))
