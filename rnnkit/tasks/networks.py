"""The functional Keras networks inside the tasks."""

from __future__ import annotations

import itertools
from typing import Any

import keras

from rnnkit import layers as kit
from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, nearest

CELLS = {"rnn": kit.SimpleRNN, "lstm": kit.LSTM, "gru": kit.GRU}


def recurrent_classifier(
    vocabulary_size: int,
    outputs: int,
    *,
    cell: str = "lstm",
    bidirectional: bool = False,
    layers: int = 1,
    units: int = 64,
    embedding_size: int = 100,
    word_dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    pooling: str = "last",
    seed: int = 0,
) -> keras.Model:
    """Build token ids -> embedding -> recurrent layers -> pooling over time -> probabilities.

    Args:
        vocabulary_size: number of token ids; 0 is padding and masked.
        outputs: 1 for a sigmoid unit, more for a softmax.
        cell: "rnn", "lstm" or "gru".
        bidirectional: run each layer in both directions.
        layers: recurrent layers on top of each other.
        units: size of each layer's state.
        embedding_size: size of a word's vector.
        word_dropout: share of the words whose whole vector is dropped, anew at each place.
        embedding_dropout: share of the numbers in the words' vectors that are dropped.
        recurrent_dropout: see `rnnkit.layers.LSTM`.
        dropout: share of the pooled vector that is dropped, and of what passes between layers.
        pooling: "last", "mean", "max" or "mean+max", over the real steps.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, `(B, T)` ids to `(B, outputs)` probabilities.

    Raises:
        InputError: an unknown cell, no layer.

    Example:
        >>> recurrent_classifier(100, 1, cell="gru", units=8).output_shape
        (None, 1)
    """
    if cell not in CELLS:
        raise InputError(f"cell is {cell!r}; expected one of {list(CELLS)}.{nearest(cell, CELLS)}")
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    seeds = itertools.count(1000 * seed)

    def recurrent(sequences: bool, **direction: bool) -> keras.layers.Layer:
        return CELLS[cell](
            units,
            return_sequences=sequences,
            recurrent_dropout=recurrent_dropout,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
            seed=next(seeds),
            **direction,
        )

    def drop(x: Any, rate: float, **shape: Any) -> Any:
        return keras.layers.Dropout(rate, seed=next(seeds), **shape)(x) if rate else x

    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(
        vocabulary_size,
        embedding_size,
        mask_zero=True,
        embeddings_initializer=Seeded("uniform", next(seeds)),
        name="embedding",
    )(ids)
    x = drop(x, word_dropout, noise_shape=(None, None, 1))
    x = drop(x, embedding_dropout)
    for depth in range(layers):
        # The last state is all that "last" pooling of one direction needs; no sequence is stored.
        sequences = depth < layers - 1 or pooling != "last"
        if depth:
            x = drop(x, dropout)
        layer = recurrent(sequences)
        if bidirectional:
            layer = kit.Bidirectional(layer, backward_layer=recurrent(sequences, go_backwards=True))
        x = layer(x)
    if pooling != "last":
        x = kit.MaskedPooling(pooling, name="pooling")(x)
    x = drop(x, dropout)
    probabilities = keras.layers.Dense(
        outputs,
        activation="sigmoid" if outputs == 1 else "softmax",
        kernel_initializer=Seeded("glorot_uniform", next(seeds)),
        dtype="float32",
        name="probabilities",
    )(x)
    return keras.Model(ids, probabilities, name=f"{cell}_classifier")
