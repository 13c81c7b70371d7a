"""JAX adapter: fused loops with a custom gradient, scan, embedding tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from rnnkit.backend.jax.feed import dense, feed, tensors
from rnnkit.backend.jax.gradient import gradient
from rnnkit.backend.jax.linear import linear_scan
from rnnkit.backend.jax.memory import remat
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
    "gradient",
    "linear_scan",
    "mix_rows",
    "remat",
    "scan",
    "static_shapes",
    "take_rows",
    "tensors",
]


def devices() -> list[str]:
    """Return the devices of JAX."""
    return [str(device) for device in jax.devices()]


def static_shapes() -> bool:
    """Return whether the current trace is compiled for static shapes; here always."""
    return True


def compiled(function: Callable[..., Any], donate: int = 0) -> Callable[..., Any]:
    """Compile a function, once for each set of shapes.

    Its arguments are tensors, arrays, or tuples and dictionaries of them.

    Args:
        function: a pure function.
        donate: number of leading arguments whose buffers are donated: the caller does not use them
            again, so results may overwrite them, which saves a copy of a large table.
    """
    return jax.jit(function, donate_argnums=tuple(range(donate)))
