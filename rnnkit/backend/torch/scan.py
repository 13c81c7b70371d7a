"""The portable loop over time: a Python loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

# One large product before the loop instead of T small ones inside it.
HOIST_INPUT_PROJECTION = True


def scan(
    step: Callable[[tuple, tuple], tuple[tuple, Any]],
    init: tuple,
    xs: tuple,
    *,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[tuple, Any]:
    """Scan `carry, y = step(carry, x_t)` over the leading axis of `xs`; see `backend.jax.scan`."""
    del unroll  # a Python loop is unrolled as it is
    carry, ys = init, []
    steps = list(zip(*(x.unbind(0) for x in xs), strict=True))
    for x in reversed(steps) if reverse else steps:
        carry, y = step(carry, x)
        ys.append(y)
    if not ys or ys[0] is None:
        return carry, None
    return carry, torch.stack(ys[::-1] if reverse else ys)
