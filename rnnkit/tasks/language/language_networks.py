"""The network inside a language model: it takes the states it is to start from, and gives them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, suggest
from rnnkit.tasks.language.word_tables import AdaptiveTable, WordTable
from rnnkit.tasks.networks import CELLS

SOFTMAX = ("full", "adaptive", "sampled")


@keras.saving.register_keras_serializable(package="rnnkit")
class WholeWordDropout(keras.layers.Layer):
    """Drop all occurrences of some words of the vocabulary: `x_t m_{w_t} / (1 - rate)`.

    Args:
        words: V.
        rate: share of the words that are dropped.
        seed: of the draws.
        **options: as in `keras.layers.Layer`.

    Source: Gal and Ghahramani 2016, arXiv:1512.05287.

    Example:
        >>> WholeWordDropout(5, 0.5)(ops.ones((1, 2, 3)), ops.array([[1, 2]])).shape
        (1, 2, 3)
    """

    def __init__(self, words: int, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.words, self.rate, self.seed = words, rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, vectors: Any, ids: Any, training: bool = False) -> Any:
        """Drop words from `(B, T, D)` by their ids `(B, T)`."""
        if not training:
            return vectors
        ones = ops.ones((self.words, 1), dtype=vectors.dtype)
        kept = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        return vectors * ops.take(kept, ids, axis=0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        own = {"words": self.words, "rate": self.rate, "seed": self.seed}
        return {**super().get_config(), **own}


def language_network(
    vocabulary_size: int,
    classes: int = 0,
    *,
    cell: str = "lstm",
    layers: int = 1,
    units: int = 256,
    embedding_size: int = 128,
    tie_weights: bool = True,
    softmax: str = "full",
    cutoffs: Sequence[int] = (2000, 10_000),
    shrink: int = 4,
    samples: int = 4000,
    word_dropout: float = 0.0,
    input_dropout: float = 0.0,
    dropout: float = 0.0,
    output_dropout: float = 0.0,
    weight_dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build ids and states -> vectors -> recurrent layers -> vectors to compare words with; states.

    All dropout but that of words draws one mask for all steps of a window (variational dropout).

    Args:
        vocabulary_size: V.
        classes: of labels that texts have; 0 = texts have none. A label's vector is added to those
            of all words of its text.
        cell: "rnn", "lstm" or "gru".
        layers: recurrent layers on top of each other.
        units: U, the size of each layer's state.
        embedding_size: D, of a word's vector. Where it is not U, the last layer's output is
            projected to it.
        tie_weights: whether words go out with the vectors that they come in with.
        softmax: "full"; "adaptive", in clusters (`AdaptiveTable`); "sampled", full in evaluation
            and estimated in training (`WordTable`).
        cutoffs: of an adaptive softmax: the first word of each rare cluster. Of a sampled one the
            first says which words are never left out.
        shrink: of an adaptive softmax: by which D falls from cluster to cluster.
        samples: of a sampled softmax: rare words drawn for a window.
        word_dropout: share of the vocabulary's words that is dropped, everywhere in a window.
        input_dropout: share of the numbers of the words' vectors that are dropped.
        dropout: the same of what passes between layers.
        output_dropout: the same of the last layer's output.
        weight_dropout: share of the recurrent weights that is dropped.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model from `[ids (B, T), (labels (B,)), states (B, U) ...]` to
        `[hidden (B, T, D), states ...]`; its layer "words" has the softmax.

    Raises:
        InputError: an unknown cell or softmax, no layer, cutoffs or samples beyond the vocabulary,
            shrink below 1.

    Source: Merity, Keskar and Socher 2018, arXiv:1708.02182.

    Example:
        >>> network = language_network(50, units=8, embedding_size=4)
        >>> [tuple(shape) for shape in network.output_shape]
        [(None, None, 4), (None, 8), (None, 8)]
    """
    for label, word, known in (("cell", cell, CELLS), ("softmax", softmax, SOFTMAX)):
        if word not in known:
            raise InputError(
                f"{label} is {word!r}; expected one of {list(known)}.{suggest(str(word), known)}"
            )
    if layers < 1:
        raise InputError(f"layers is {layers}; expected at least 1.")
    seeds = itertools.count(1000 * seed)
    shared: dict[str, Any] = {"tie": tie_weights, "seed": next(seeds) + 500, "name": "words"}
    table: Any
    if softmax == "adaptive":
        table = AdaptiveTable(vocabulary_size, embedding_size, cutoffs, shrink=shrink, **shared)
    elif softmax == "sampled":
        shared |= {"frequent": cutoffs[0], "samples": samples}
        table = WordTable(vocabulary_size, embedding_size, **shared)
    else:
        table = WordTable(vocabulary_size, embedding_size, **shared)

    ids = keras.Input((None,), dtype="int32", name="ids")
    inputs = [ids]
    # Vectors that suit a softmax are small; a recurrent layer learns quickly from larger ones.
    x = keras.layers.Rescaling(math.sqrt(embedding_size), name="scaled")(table(ids))
    if word_dropout:
        x = WholeWordDropout(vocabulary_size, word_dropout, next(seeds))(x, ids)
    if classes:
        inputs.append(keras.Input((), dtype="int32", name="label"))
        start = Seeded("uniform", next(seeds))
        label = keras.layers.Embedding(classes, embedding_size, start, name="labels")(inputs[1])
        x = keras.layers.Add()([x, keras.layers.Reshape((1, embedding_size))(label)])
    states = []
    for depth in range(layers):
        rate = dropout if depth else input_dropout
        layer = CELLS[cell](
            units,
            return_sequences=True,
            return_state=True,
            dropout=rate,
            weight_dropout=weight_dropout,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            recurrent_initializer=Seeded("orthogonal", next(seeds)),
            seed=next(seeds),
            name=f"{cell}_{depth}",
        )
        first = [
            keras.Input((size,), name=f"state_{depth}_{i}")
            for i, size in enumerate(layer.state_size)
        ]
        inputs += first
        x, *last = layer(x, initial_state=first)
        states += last
    if units != embedding_size:
        x = keras.layers.Dense(
            embedding_size,
            use_bias=False,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            name="projection",
        )(x)
    if output_dropout:
        x = keras.layers.Dropout(output_dropout, noise_shape=(None, 1, None), seed=next(seeds))(x)
    return keras.Model(inputs, [x, *states], name=f"{cell}_language_model")
