"""Activation checkpointing on TensorFlow, by a custom gradient that runs the function again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`, recomputed for its gradient; see `backend.jax`."""
    flat = [tf.convert_to_tensor(part) for part in tf.nest.flatten(arguments)]  # no variables
    shape: Any = None

    @tf.custom_gradient
    def once(*tensors: tf.Tensor) -> tuple:
        nonlocal shape
        result = function(*tf.nest.pack_sequence_as(arguments, tensors))
        shape = result

        def gradient(*upstream: tf.Tensor) -> list:
            # Without the dependency a graph optimiser would merge both passes.
            with tf.control_dependencies(upstream):
                again = [tf.identity(tensor) for tensor in tensors]
            with tf.GradientTape() as tape:
                tape.watch([tensor for tensor in again if tensor.dtype.is_floating])
                result = function(*tf.nest.pack_sequence_as(arguments, again))
            return tape.gradient(_tensors(result), again, output_gradients=list(upstream))

        return tuple(_tensors(result)), gradient

    parts = iter(tf.nest.flatten(once(*flat)))
    return tf.nest.map_structure(lambda part: None if part is None else next(parts), shape)


def _tensors(result: Any) -> list:
    """Return the tensors of a result, without the Nones."""
    return [part for part in tf.nest.flatten(result) if part is not None]
