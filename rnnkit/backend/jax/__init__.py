"""JAX: the loop over time is `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from rnnkit.backend.jax.recurrent import KERNELS as KERNELS

# XLA fuses the input projection into the step on a CPU; taking it out of the loop was slower.
HOIST_INPUT_PROJECTION = False


def devices() -> list[str]:
    """Return the devices that JAX sees."""
    return [str(device) for device in jax.devices()]


def scan(
    step: Callable[[tuple, tuple], tuple[tuple, Any]],
    init: tuple,
    xs: tuple,
    *,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[tuple, Any]:
    """Run `carry, y = step(carry, x_t)` over the leading axis of `xs`.

    Args:
        step: the function of one step; `y` is a tensor, or None to collect nothing.
        init: the first carry, a tuple of tensors whose shapes and dtypes stay the same.
        xs: a tuple of tensors `(T, ...)`.
        reverse: run from the last step to the first; `ys` keep the order of `xs`.
        unroll: write all steps out instead of looping; needs a known T.

    Returns:
        The last carry, and the `y` of all steps stacked `(T, ...)`, or None.
    """
    return lax.scan(step, init, xs, reverse=reverse, unroll=unroll or 1)


def dense(gradient: Any) -> Any:
    """Return a gradient as one tensor; here it is one already."""
    return gradient


def feed(batches: Any) -> Any:
    """Return what `fit` is to be given for a `keras.utils.PyDataset`; here that itself."""
    return batches
