"""Keras optimizers by name, with gradient clipping by global norm."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras

from rnnkit.errors import InputError


def clipped(name: str, learning_rate: float, clip_norm: float | None) -> keras.optimizers.Optimizer:
    """Return an optimizer with gradient clipping: g is scaled by `min(1, clip_norm / ‖g‖)`.

    Args:
        name: a Keras optimizer, such as "adam" or "sgd".
        learning_rate: its learning rate.
        clip_norm: the largest global norm; None = no clipping.

    Raises:
        InputError: Keras knows no optimizer of that name.

    Source: Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063.

    Example:
        >>> clipped("sgd", 0.1, 5.0).global_clipnorm
        5.0
    """
    settings = {"learning_rate": learning_rate, "global_clipnorm": clip_norm}
    try:
        return keras.optimizers.get({"class_name": name, "config": settings})
    except ValueError as error:
        raise InputError(
            f"optimizer is {name!r}, with {settings}; expected the name of a Keras optimizer, such "
            f"as 'adam', 'rmsprop' or 'sgd', and numbers that it takes. Keras says: {error}"
        ) from error


def optimizer_factory(
    name: str, learning_rate: float, clip_norm: float | None
) -> Callable[[], keras.optimizers.Optimizer]:
    """Return a function that makes `clipped` optimizers; invalid settings are refused here.

    Example:
        >>> optimizer_factory("adam", 1e-3, None)().global_clipnorm is None
        True
    """
    make = functools.partial(clipped, name, learning_rate, clip_norm)
    make()
    return make
