"""State of the random generators inside a model, as an array."""

from __future__ import annotations

import keras
import numpy as np


def read_random_state(model: keras.Model) -> np.ndarray:
    """Return the state of each random generator, such as those of dropout, `(G, 2)` of 32 bits.

    Keras does not count it among the weights: without it, what is read from a file draws the random
    numbers of the first `fit` once more.

    Example:
        >>> x = keras.Input((2,))
        >>> network = keras.Model(x, keras.layers.Dropout(0.5, seed=7)(x))
        >>> read_random_state(network).tolist()
        [[7, 0]]
    """
    states = [keras.ops.convert_to_numpy(state) for state in _states(model)]
    return np.array(states, "int64").reshape(-1, 2) & 0xFFFFFFFF  # PyTorch's have a sign


def write_random_state(model: keras.Model, states: np.ndarray) -> None:
    """Set the state of each random generator; of a model with other generators, keep its own.

    Args:
        model: the model.
        states: what `read_random_state` returned.
    """
    own = _states(model)
    if len(own) == len(states):
        for variable, state in zip(own, states, strict=True):
            variable.assign(np.asarray(state).astype(variable.dtype))


def _states(model: keras.Model) -> list[keras.Variable]:
    weights = {id(weight) for weight in model.weights}
    return [
        one
        for one in model.variables
        if id(one) not in weights and one.path.endswith("seed_generator_state")
    ]
