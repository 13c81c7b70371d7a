"""Gradients of a function of tensors, by `tf.GradientTape`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return a function that computes the gradients; see `rnnkit.backend.gradient`."""

    def gradients(*arguments: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            value = function(*arguments)
        return tape.gradient(value, arguments, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return gradients
