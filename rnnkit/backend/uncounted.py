"""What an adapter says of compiling where no program is counted or kept: TensorFlow and PyTorch."""

from __future__ import annotations

import contextlib

from rnnkit.backend.compilation import Compilations


def compilations() -> Compilations:
    """Return what was compiled: none is counted."""
    return Compilations()


def compiling() -> tuple[str, float] | None:
    """Return what is being compiled: nothing that can be told."""
    return None


def made(name: str) -> int:
    """Return how many programs came of the functions of a name: none is counted."""
    del name
    return 0


def use_cache(wanted: bool) -> None:
    """Keep compiled programs or do not: none is."""
    del wanted


def initial_values() -> contextlib.nullcontext:
    """Return a context for building networks and optimizers; see `backend.jax`."""
    return contextlib.nullcontext()
