"""The network of a tagger on batches that hold the characters of each distinct word once."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.data.word_batches import Words
from rnnkit.tasks.tagging.word_layers import CharEncoder

LETTERS = (slice(None), slice(None), slice(1, None))  # of ids, beside the word itself


def by_distinct_words(network: keras.Model, output: Any) -> keras.Model | None:
    """Return the network from `Words` to one of its outputs, or None where it has no such form.

    The layers and their weights are those of the network. The encoding of a word depends on its
    characters alone, so the outputs are the same, and so are the gradients: that of an encoding is
    the sum over all places of its word.

    Args:
        network: functional, from ids `(B, T, 1 + L)`.
        output: a tensor in it.
    """
    encoder = _character_encoder(network)
    if encoder is None:
        return None
    after = keras.Model([network.input, encoder.output], output)
    ids = keras.Input(network.input.shape[1:], dtype=network.input.dtype)
    characters = keras.Input((None, ids.shape[-1] - 1), dtype="int32")
    places = keras.Input((None,), dtype="int32")
    vectors = AtPlaces(dtype=encoder.dtype_policy)(encoder(characters), places)
    return keras.Model([*Words(ids, characters, places)], after([ids, vectors]))


def _character_encoder(network: keras.Model) -> CharEncoder | None:
    """Return the layer that encodes characters, if it is one and reads them as they come in."""
    found = [layer for layer in network.layers if type(layer) is CharEncoder]
    if len(found) != 1 or len(network.inputs) != 1:
        return None
    (encoder,) = found
    nodes = encoder._inbound_nodes
    source = nodes[0].input_tensors[0]._keras_history.operation if len(nodes) == 1 else None
    if type(source).__name__ != "GetItem":
        return None
    tensor, key = source._inbound_nodes[0].arguments.args
    reads_all = tensor is network.input and tuple(key) == LETTERS
    return encoder if reads_all else None


class AtPlaces(keras.layers.Layer):
    """Vectors of distinct words, put at the places where the words stand.

    The gradient of a vector is a sum over its places, in float32 where vectors are shorter numbers.

    Call arguments:
        vectors: `(B, K, D)`, of B K distinct words.
        places: `(B, T)`, numbers of words, row by row.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[[1.0]], [[2.0]]])
        >>> ops.convert_to_numpy(AtPlaces()(vectors, np.array([[0, 1], [1, 1]])))[..., 0].tolist()
        [[1.0, 2.0], [2.0, 2.0]]
    """

    def call(self, vectors: Any, places: Any) -> Any:
        """Return the vectors at the places, `(B, T, D)`."""
        rows = ops.reshape(vectors, (-1, vectors.shape[-1]))
        short = keras.backend.standardize_dtype(rows.dtype) in ("float16", "bfloat16")
        wide = ops.cast(rows, "float32") if short else rows
        return ops.cast(ops.take(wide, places, axis=0), rows.dtype)

    def compute_output_spec(self, vectors: Any, places: Any) -> Any:
        """Return the shape, for any batch and length."""
        return keras.KerasTensor((*places.shape, vectors.shape[-1]), dtype=self.compute_dtype)
