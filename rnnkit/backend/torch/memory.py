"""Activation checkpointing on PyTorch, by `torch.utils.checkpoint`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.checkpoint import checkpoint


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`, recomputed for its gradient; see `backend.jax`.

    A pass draws no random numbers, so the state of the generator is not saved.
    """
    return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)
