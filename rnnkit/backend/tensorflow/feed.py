"""What Keras and TensorFlow hand over, and what they are handed: gradients and batches."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def dense(gradient: Any) -> Any:
    """Return a gradient as one tensor: an embedding's comes as rows, some more than once."""
    return tf.convert_to_tensor(gradient)


def feed(batches: Any) -> tf.data.Dataset:
    """Return what `fit` is to be given for a `keras.utils.PyDataset` of `(ids, ...)` batches.

    Keras would fix the number of steps T from the first two batches; here it stays open.
    """
    spec = tuple(
        tf.TensorSpec((None, None) if i == 0 else (None, *part.shape[1:]), part.dtype)
        for i, part in enumerate(batches[0])
    )

    def generate() -> Any:
        for index in range(len(batches)):
            yield batches[index]

    dataset = tf.data.Dataset.from_generator(generate, output_signature=spec)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2)
