"""Conversions at the Keras/TensorFlow boundary: IndexedSlices -> dense, batches -> tf.data."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def dense(gradient: Any) -> Any:
    """Return a gradient as a dense tensor; that of an embedding comes as `IndexedSlices`."""
    return tf.convert_to_tensor(gradient)


def feed(batches: Any) -> tf.data.Dataset:
    """Return a `tf.data.Dataset` for `fit` of a `keras.utils.PyDataset` of `(inputs, ...)` batches.

    Keras would fix the number of steps T from the first two batches; here it stays open. The inputs
    are an array `(B, T, ...)` or a tuple of arrays; so are targets and weights of every step.
    """
    steps = tf.nest.flatten(batches[0][0])[0].shape[1]

    def opened(part: Any) -> tf.TensorSpec:
        axes = 2 if part.ndim > 1 and part.shape[1] == steps else 1  # labels are (B,) or (B, 1)
        return tf.TensorSpec((None,) * axes + part.shape[axes:], part.dtype)

    spec = tf.nest.map_structure(opened, tuple(batches[0]))

    def generate() -> Any:
        for index in range(len(batches)):
            yield batches[index]

    dataset = tf.data.Dataset.from_generator(generate, output_signature=spec)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2)


def tensors(tree: Any) -> Any:
    """Convert a tree of arrays to tensors."""
    return tf.nest.map_structure(tf.convert_to_tensor, tree)
