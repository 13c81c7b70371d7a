"""Single variables of an optimizer in the midst of an epoch of Keras's `fit` on JAX.

Keras keeps the state of the epoch apart from the variables, in lists of arrays that it hands on
from step to step. To sync all of it costs milliseconds at every step: each variable is assigned,
and read again. One number can be read from the lists.
"""

from __future__ import annotations

from typing import Any


def _held(model: Any, variable: Any) -> tuple[list, int] | None:
    """Return the list that holds the variable's value, and its place; None = the variable does."""
    state = getattr(model, "_jax_state", None)
    if not state or getattr(model, "_jax_state_synced", True):
        return None
    values = state.get("optimizer_variables")
    places = [i for i, one in enumerate(model.optimizer.variables) if one is variable]
    if not places or not isinstance(values, list):  # of another version of Keras
        model.jax_state_sync()
        return None
    return values, places[0]


def read_variable(model: Any, variable: Any) -> Any:
    """Return the value of a variable of the model's optimizer."""
    held = _held(model, variable)
    return variable.value if held is None else held[0][held[1]]


def write_variable(model: Any, variable: Any, value: float) -> None:
    """Set a variable of the model's optimizer to a number, before the next step.

    The lists that can be reached are copies: Keras takes a value from the variables alone.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    variable.assign(value)
