"""The network of a language model: ids and initial states -> hidden vectors and final states."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.config import SavedArguments
from rnnkit.deprecation import renamed_class, takes_old_options
from rnnkit.errors import InputError
from rnnkit.options import takes
from rnnkit.settings.language import LanguageNetworkOptions
from rnnkit.settings.stack import has_recurrent_kernel
from rnnkit.tasks.language.softmax_layers import AdaptiveSoftmax, EmbeddingSoftmax
from rnnkit.tasks.recurrent_stack import CELLS, Seeds, drop, recurrent_stack


@keras.saving.register_keras_serializable(package="rnnkit")
class WordTypeDropout(SavedArguments, keras.layers.Layer):
    """Dropout of word types: all occurrences of a dropped word, `x_t m_{w_t} / (1 - rate)`.

    Args:
        words: V.
        rate: fraction of the vocabulary that is dropped.
        seed: of the random numbers.

    Source: Gal and Ghahramani 2016, arXiv:1512.05287.

    Example:
        >>> WordTypeDropout(5, 0.5)(ops.ones((1, 2, 3)), ops.array([[1, 2]])).shape
        (1, 2, 3)
    """

    config_keys: ClassVar = ("words", "rate", "seed")

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


renamed_class("WholeWordDropout", WordTypeDropout)


@takes_old_options(shrink="div_value", samples="num_sampled")
@takes(LanguageNetworkOptions, units=256, dropout=0.0)
def language_network(
    vocabulary_size: int, classes: int = 0, **options: Unpack[LanguageNetworkOptions]
) -> keras.Model:
    """Build ids and states -> embedding -> recurrent layers -> hidden vectors and states.

    All dropout is variational: one mask for all steps of a window.

    Args:
        vocabulary_size: V.
        classes: number of classes that texts are labelled with, whose vectors are added to those of
            all tokens; 0 = texts have no labels.

    Returns:
        A functional model from `[ids (B, T), (labels (B,)), states (B, U) ...]` to
        `[hidden (B, T, D), states ...]`; its layer "words" has the softmax.

    Raises:
        InputError: a setting out of range, cutoffs or samples beyond the vocabulary.

    Source: Merity, Keskar and Socher 2018, arXiv:1708.02182.

    Example:
        >>> network = language_network(50, units=8, embedding_size=4)
        >>> [tuple(shape) for shape in network.output_shape]
        [(None, None, 4), (None, 8), (None, 8)]
    """
    seeds, cell, units = Seeds(options["seed"]), options["cell"], options["units"]
    size, layers = options["embedding_size"], options["layers"]
    table = _softmax_layer(vocabulary_size, seeds.next() + 500, options)
    ids = keras.Input((None,), dtype="int32", name="ids")
    inputs = [ids]
    # Vectors that suit a softmax are small; recurrent layers train faster on larger ones.
    x = keras.layers.Rescaling(math.sqrt(size), name="scaled")(table(ids))
    if options["word_dropout"]:
        x = WordTypeDropout(vocabulary_size, options["word_dropout"], seeds.next())(x, ids)
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs.append(label)
        vector = keras.layers.Embedding(classes, size, seeds.uniform(), name="labels")(label)
        x = keras.layers.Add()([x, keras.layers.Reshape((1, size))(vector)])
    drop_connect = (
        {"weight_dropout": options["weight_dropout"]} if has_recurrent_kernel(cell) else {}
    )
    states_of = range(len(CELLS[cell](units).state_size))
    initial_state = [
        [keras.Input((units,), name=f"state_{depth}_{i}") for i in states_of]
        for depth in range(layers)
    ]
    x, states = recurrent_stack(
        x,
        seeds,
        cell=cell,
        layers=layers,
        units=units,
        return_state=True,
        initial_state=initial_state,
        name=cell,
        layer_options=lambda depth: {
            "dropout": options["dropout" if depth else "input_dropout"],  # variational
            **drop_connect,
        },
    )
    if units != size:
        x = keras.layers.Dense(
            size, use_bias=False, kernel_initializer=seeds.glorot(), name="projection"
        )(x)
    x = drop(x, options["output_dropout"], seeds, noise_shape=(None, 1, None))
    inputs += itertools.chain.from_iterable(initial_state)
    outputs = [x, *itertools.chain.from_iterable(states)]
    return keras.Model(inputs, outputs, name=f"{cell}_language_model")


def cutoff_ids(cutoffs: Sequence[int] | str) -> tuple[int, ...]:
    """Return the cutoffs of a softmax, which may be a text with commas.

    Example:
        >>> cutoff_ids("2000, 10000")
        (2000, 10000)
    """
    parts = cutoffs.split(",") if isinstance(cutoffs, str) else cutoffs
    try:
        return tuple(int(part) for part in parts)
    except ValueError:
        wrong = f"cutoffs is {cutoffs!r}; expected integers, separated by commas."
        raise InputError(wrong) from None


def _softmax_layer(
    vocabulary_size: int, seed: int, options: LanguageNetworkOptions
) -> keras.layers.Layer:
    shared: dict[str, Any] = {"tie": options["tie_weights"], "seed": seed, "name": "words"}
    size, cutoffs = options["embedding_size"], cutoff_ids(options["cutoffs"])
    if options["softmax"] == "adaptive":
        shared |= {"div_value": options["div_value"]}
        return AdaptiveSoftmax(vocabulary_size, size, cutoffs, **shared)
    if options["softmax"] == "sampled":
        shared |= {"frequent": cutoffs[0], "num_sampled": options["num_sampled"]}
    return EmbeddingSoftmax(vocabulary_size, size, **shared)
