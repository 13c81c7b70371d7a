"""The functional Keras networks inside `Forecaster`."""

from __future__ import annotations

import itertools
from typing import Any

import keras

from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, nearest
from rnnkit.tasks.networks import CELLS


def recurrent_forecaster(
    features: int,
    *,
    cell: str = "lstm",
    layers: int = 1,
    units: int = 64,
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build what is known at each step -> recurrent layers -> a forecast at each step.

    Args:
        features: numbers that are known at a step.
        cell: "rnn", "lstm" or "gru".
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        dropout: share of each layer's output that is dropped.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(B, T, features)` to `(B, T, 1)`; nothing looks ahead.

    Raises:
        InputError: an unknown cell, no layer.

    Example:
        >>> recurrent_forecaster(8, cell="gru", units=4).output_shape
        (None, None, 1)
    """
    if cell not in CELLS:
        raise InputError(f"cell is {cell!r}; expected one of {list(CELLS)}.{nearest(cell, CELLS)}")
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    seeds = itertools.count(1000 * seed)
    known = keras.Input((None, features), name="known")
    x: Any = known
    for _ in range(layers):
        x = CELLS[cell](
            units,
            return_sequences=True,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
        )(x)
        if dropout:
            x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
    forecast = keras.layers.Dense(
        1,
        kernel_initializer=Seeded("glorot_uniform", next(seeds)),
        dtype="float32",
        name="forecast",
    )(x)
    return keras.Model(known, forecast, name=f"{cell}_forecaster")
