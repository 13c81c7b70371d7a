"""The network of a tagger on batches that hold the characters of each distinct word once."""

from __future__ import annotations

from typing import Any

import keras

from rnnkit.tasks.tagging.word_layers import CharEncoder

LETTERS = (slice(None), slice(None), slice(1, None))  # of ids, beside the word itself


def by_distinct_words(network: keras.Model, scoring: keras.Model) -> DistinctWords | None:
    """Return the layer that scores `Words`, or None where the network has no such form.

    Args:
        network: functional, from ids `(B, T, 1 + L)`.
        scoring: the part of it up to the scores.
    """
    encoder = _character_encoder(network)
    return None if encoder is None else DistinctWords(scoring, encoder)


class DistinctWords(keras.layers.Layer):
    """The network of a tagger, its character encoder run once for each distinct word of a batch.

    The encoding of a word depends on its characters alone, so the outputs are those of the network,
    and so are the gradients: that of an encoding is the sum over all places of its word.

    Args:
        scoring: functional, from ids `(B, T, 1 + L)` to scores `(B, T, K)`.
        encoder: the layer in it that reads the characters.

    Call arguments:
        ids, characters, places: see `Words`.
    """

    def __init__(self, scoring: keras.Model, encoder: CharEncoder) -> None:
        super().__init__()
        self.scoring, self.encoder = scoring, encoder
        self.built = True

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs, as those of a functional model."""
        (ids,) = self.scoring.inputs
        shapes = [ids.shape[1:], (None, ids.shape[-1] - 1), (None,)]
        return [keras.KerasTensor((None, *shape), dtype="int32") for shape in shapes]

    def call(self, ids: Any, characters: Any, places: Any, training: bool = False) -> Any:
        """Return the scores."""
        with self.encoder.reading(characters, places):
            return self.scoring(ids, training=training)

    def compute_output_spec(
        self, ids: Any, characters: Any, places: Any, training: bool = False
    ) -> Any:
        """Return the shape, for any batch and length."""
        del characters, places, training
        (output,) = self.scoring.outputs
        return keras.KerasTensor((*ids.shape[:2], output.shape[-1]), dtype=output.dtype)


def _character_encoder(network: keras.Model) -> CharEncoder | None:
    """Return the layer that encodes characters, if it is one and reads them as they come in."""
    found = [layer for layer in network.layers if type(layer) is CharEncoder]
    if len(found) != 1 or len(network.inputs) != 1:
        return None
    (encoder,) = found
    nodes = encoder._inbound_nodes
    source: Any = nodes[0].input_tensors[0]._keras_history.operation if len(nodes) == 1 else None
    if type(source).__name__ != "GetItem":
        return None
    tensor, key = source._inbound_nodes[0].arguments.args
    reads_all = tensor is network.input and tuple(key) == LETTERS
    return encoder if reads_all else None
