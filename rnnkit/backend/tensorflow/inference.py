"""Forward passes of Keras models without gradients, and without Keras's loop around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def inference(model: Any) -> Callable[[Any], Any]:
    """Return a function from a batch of inputs to outputs; see `backend.jax.inference`.

    One graph serves all numbers of rows and of steps. (Keras would have XLA compile each of them.)
    """
    if model.run_eagerly or model.distribute_strategy.num_replicas_in_sync > 1:
        return lambda inputs: model.predict_function([(inputs,)])
    steps: dict[Any, Callable[..., Any]] = {}  # structure, types and further axes -> graph

    def run(inputs: Any) -> Any:
        flat = [tf.convert_to_tensor(part) for part in tf.nest.flatten(inputs)]
        forms = tuple((part.dtype, len(part.shape), *part.shape[2:]) for part in flat)
        key = type(inputs), forms
        if key not in steps:
            steps[key] = _graph(model, inputs, flat)
        return steps[key](*flat)

    return run


def _graph(model: Any, inputs: Any, flat: list) -> Callable[..., Any]:
    """Return the forward pass as a graph of inputs `(B, T, ...)`, `(B, D)` or `(B,)`."""
    given = tf.nest.flatten(getattr(model, "network", model).inputs)
    known = [part.shape for part in given] if len(given) == len(flat) else [None] * len(flat)

    def signature(part: Any, shape: Any) -> tf.TensorSpec:
        sizes = [None, None, *part.shape[2:]][: len(part.shape)]
        if shape is not None and len(shape) == len(sizes):
            sizes = [None, *shape[1:]]
        return tf.TensorSpec(sizes, part.dtype)

    @tf.function(
        input_signature=[signature(*pair) for pair in zip(flat, known, strict=True)],
        autograph=False,
    )
    def predict_step(*parts: tf.Tensor) -> Any:
        return model.predict_step((tf.nest.pack_sequence_as(inputs, list(parts)),))

    return predict_step
