"""The portable loop over time: `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import lax

# XLA fuses the input projection into the step on a CPU; taking it out of the loop was slower.
HOIST_INPUT_PROJECTION = False


def scan(
    step: Callable[[tuple, tuple], tuple[tuple, Any]],
    init: tuple,
    xs: tuple,
    *,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[tuple, Any]:
    """Scan `carry, y = step(carry, x_t)` over the leading axis of `xs`.

    Args:
        step: the function of one step; `y` is a tensor, or None to collect nothing.
        init: the first carry, a tuple of tensors whose shapes and dtypes stay the same.
        xs: a tuple of tensors `(T, ...)`.
        reverse: run from the last step to the first; `ys` keep the order of `xs`.
        unroll: unroll the loop; needs a known T.

    Returns:
        The last carry, and the `y` of all steps stacked `(T, ...)`, or None.
    """
    return lax.scan(step, init, xs, reverse=reverse, unroll=unroll or 1)
