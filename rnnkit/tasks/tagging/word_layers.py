"""Input layers of taggers: unknown-word dropout, character encoders."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit import layers as kit
from rnnkit.config import SavedArguments
from rnnkit.deprecation import renamed_class
from rnnkit.errors import InputError
from rnnkit.tasks.recurrent_stack import Seeds


@keras.saving.register_keras_serializable(package="rnnkit")
class WordDropout(SavedArguments, keras.layers.Layer):
    """Word dropout: in training, replace random words by the unknown word, whose id is 1.

    This trains the vector of the unknown word. Ids outside the trained vocabulary are replaced
    always.

    Args:
        count: ids from this one on are unknown.
        rate: fraction of the words that are replaced in training.
        seed: of the random numbers.

    Call arguments:
        ids: `(B, T)`; those returned have the same shape, and padding stays 0.

    Source: Lample et al. 2016, arXiv:1603.01360, section 4.

    Example:
        >>> import numpy as np
        >>> keras.ops.convert_to_numpy(WordDropout(4)(np.array([[3, 4, 0]]))).tolist()
        [[3, 1, 0]]
    """

    config_keys: ClassVar = ("count", "rate", "seed")

    def __init__(self, count: int, rate: float = 0.0, *, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        if not 0 <= rate < 1:
            raise InputError(f"word_dropout is {rate}; expected 0 to below 1.")
        self.count, self.rate, self.seed = count, rate, seed
        self._draws = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, ids: Any, training: bool = False) -> Any:
        """Return the ids, those of unknown and of dropped words replaced."""
        ids = ops.cast(ids, "int32")
        ids = ops.where(ids < self.count, ids, 1)
        if not training or not self.rate:
            return ids
        drawn = keras.random.uniform(ops.shape(ids), seed=self._draws) < self.rate
        return ops.where(ops.logical_and(drawn, ids > 0), 1, ids)

    def compute_output_spec(self, ids: Any, training: bool = False) -> Any:
        """Return shape and dtype: ids are integers."""
        return keras.KerasTensor(ids.shape, dtype="int32")


@keras.saving.register_keras_serializable(package="rnnkit")
class CharEncoder(SavedArguments, keras.layers.Layer):
    """Character encoder of words: a convolution of width 3 with max pooling, or a BiLSTM.

    Args:
        letters: number of character ids; 0 is padding, at the end of a word.
        units: size of the encoding; for "lstm", of both directions together.
        kind: "lstm": the last states of an LSTM in each direction; "cnn": the maximum over the word
            of `relu(W [c_{i-1}; c_i; c_{i+1}] + b)`.
        size: size of a character's vector.
        seed: of the initial weights.

    It draws no random numbers: dropout of its encodings, after it, differs from one place of a word
    to the next also where the word is encoded once for all of them, as in `reading`.

    Call arguments:
        ids: `(B, T, L)`; the encodings are `(B, T, units)`.

    Raises:
        InputError: an odd number of units for "lstm", less than one unit.

    Source: dos Santos and Zadrozny 2014 (convolution); Ling et al. 2015, arXiv:1508.02096 (LSTM).

    Example:
        >>> import numpy as np
        >>> CharEncoder(30, 10, "cnn")(np.ones((2, 5, 12), "int32")).shape
        (2, 5, 10)
    """

    config_keys: ClassVar = ("letters", "units", "kind", "size", "seed")

    def __init__(
        self, letters: int, units: int, kind: str, *, size: int = 30, seed: int = 0, **options: Any
    ) -> None:
        super().__init__(**options)
        if units < 1 or (kind == "lstm" and units % 2):
            raise InputError(
                f"character_units is {units}; expected a positive number, even for 'lstm'."
            )
        self.letters, self.units, self.kind, self.size, self.seed = letters, units, kind, size, seed
        seeds = Seeds(seed + 500_000)
        self.table = keras.layers.Embedding(letters, size, embeddings_initializer=seeds.glorot())
        self.reader: keras.layers.Layer
        if kind == "cnn":
            self.reader = keras.layers.Dense(
                units, activation="relu", kernel_initializer=seeds.glorot()
            )
        else:
            forward, backward = (
                kit.LSTM(
                    units // 2,
                    go_backwards=back,
                    kernel_initializer=seeds.glorot(),
                    recurrent_initializer=seeds.orthogonal(),
                )
                for back in (False, True)
            )
            self.reader = kit.Bidirectional(forward, backward_layer=backward)

    def build(self, ids_shape: Any) -> None:
        """Create the weights."""
        self.table.build((None, ids_shape[-1]))
        size = 3 * self.size if self.kind == "cnn" else self.size
        self.reader.build((None, ids_shape[-1], size))
        self.built = True

    @contextlib.contextmanager
    def reading(self, characters: Any, places: Any) -> Iterator[None]:
        """Encode distinct words, once each, in place of the ids of calls.

        Args:
            characters: `(B, K, L)`, of B K distinct words.
            places: `(B, T)`, the number of the word at each place, row by row.
        """
        self.__dict__["_words"] = (characters, places)  # past Keras, which would track it
        try:
            yield
        finally:
            self.__dict__["_words"] = None

    def call(self, ids: Any) -> Any:
        """Return the encodings."""
        words = self.__dict__.get("_words")
        if words is None:
            return self._encode(ids)
        characters, places = words
        rows = ops.reshape(self._encode(characters), (-1, self.units))
        # Gradients are summed over the places of a word: not in half precision.
        short = keras.backend.standardize_dtype(rows.dtype) in ("float16", "bfloat16")
        wide = ops.cast(rows, "float32") if short else rows
        return ops.cast(ops.take(wide, places, axis=0), rows.dtype)

    def _encode(self, ids: Any) -> Any:
        """Return the encodings of ids `(B, T, L)`."""
        batch, time, length = ops.shape(ids)
        flat = ops.reshape(ids, (batch * time, length))
        mask = ops.not_equal(flat, 0)
        # Padding is zero, like the characters before the first one of a word.
        letters = self.table(flat)
        letters = letters * ops.cast(ops.expand_dims(mask, -1), letters.dtype)
        if self.kind == "cnn":
            wide = ops.pad(letters, [[0, 0], [1, 1], [0, 0]])
            windows = ops.concatenate([wide[:, :-2], letters, wide[:, 2:]], axis=-1)
            found = self.reader(windows) * ops.cast(ops.expand_dims(mask, -1), letters.dtype)
            vectors = ops.max(found, axis=1)  # relu is never below the 0 of padding
        else:
            vectors = self.reader(letters, mask=mask)
        return ops.reshape(vectors, (batch, time, self.units))

    def compute_output_spec(self, ids: Any) -> Any:
        """Return the shape, for any batch and length."""
        return keras.KerasTensor((*ids.shape[:2], self.units), dtype=self.compute_dtype)


renamed_class("KnownWords", WordDropout)
renamed_class("Spelling", CharEncoder)
