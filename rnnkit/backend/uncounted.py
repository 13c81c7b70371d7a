"""What TensorFlow and PyTorch have in common: no program is counted or kept, no state is apart."""

from __future__ import annotations

import contextlib
from typing import Any

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


def read_variable(model: Any, variable: Any) -> Any:
    """Return the value of a variable of the model's optimizer; see `backend.jax`."""
    del model
    return variable.value


def write_variable(model: Any, variable: Any, value: float) -> None:
    """Set a variable of the model's optimizer to a number; see `backend.jax`."""
    del model
    variable.assign(value)
