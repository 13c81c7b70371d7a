"""PyTorch: compute again instead of keeping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.checkpoint import checkpoint


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`; its gradient computes the function again.

    See `backend.jax.memory.remat`. Nothing random happens inside a pass, so the random state is
    left alone.
    """
    return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)
