"""Variables of an optimizer between two batches of `fit`, without the rest of the training state.

On JAX, Keras keeps the variables apart from the model for as long as an epoch lasts. To put all of
them back for one number, and take them out again for the next step, costs a small model a tenth of
its time.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnnkit import backend

GRADIENT_NORM = "rnnkit_gradient_norm"  # the name of its variable


def find(optimizer: keras.optimizers.Optimizer | None, name: str) -> keras.Variable | None:
    """Return the variable of this name that an optimizer holds; None where it holds none."""
    variables = optimizer.variables if optimizer is not None else []
    return next((one for one in variables if one.name == name), None)


def rate_variable(optimizer: keras.optimizers.Optimizer) -> keras.Variable | None:
    """Return the variable of the learning rate; None where it is a schedule of Keras."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    rate = getattr(inner, "_learning_rate", None)
    return rate if isinstance(rate, keras.Variable) else None


def read(model: Any, variable: Any) -> float:
    """Return the number that a variable of the model's optimizer holds now.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(0.5), "mse")
        >>> read(model, model.optimizer.learning_rate)
        0.5
    """
    values, place = _apart(model, variable)
    return float(keras.ops.convert_to_numpy(variable if values is None else values[place]))


def write(model: Any, variable: Any, value: float) -> None:
    """Set a variable of the model's optimizer for the next step.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(0.5), "mse")
        >>> write(model, model.optimizer.learning_rate, 0.25)
        >>> float(model.optimizer.learning_rate)
        0.25
    """
    values, place = _apart(model, variable)
    if type(values) is list:  # the very list that Keras passes to the next step
        values[place] = np.asarray(value, values[place].dtype)
        return
    if values is not None:  # a copy of it, of a model whose attributes Keras tracks
        model.jax_state_sync()
    variable.assign(value)


def _apart(model: Any, variable: Any) -> tuple[list | None, int]:
    """Return where the variable's value is in an epoch on JAX; None where it is in the variable."""
    state = getattr(model, "_jax_state", None)
    if backend.name != "jax" or not state or model._jax_state_synced:
        return None, 0
    values = state.get("optimizer_variables")
    places = (place for place, one in enumerate(model.optimizer.variables) if one is variable)
    place = next(places, None)
    return (None, 0) if not values or place is None else (values, place)
