"""Layers at the bottom of a network that reads words: which are known, how they are spelled."""

from __future__ import annotations

import itertools
from typing import Any

import keras
from keras import ops

from rnnkit import layers as kit
from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError


@keras.saving.register_keras_serializable(package="rnnkit")
class KnownWords(keras.layers.Layer):
    """Replace the ids of words that are not learned by 1, the unknown word.

    While training some others are replaced too, at random: what the unknown word's vector learns
    from.

    Args:
        count: ids from this one on are unknown.
        rate: share of the words that count as unknown while training.
        seed: of the draws.
        **options: what every Keras layer takes.

    Call arguments:
        ids: `(B, T)`.

    Returns:
        Ids `(B, T)`; padding stays 0.

    Source: Lample et al. 2016, arXiv:1603.01360, section 4.

    Example:
        >>> import numpy as np
        >>> keras.ops.convert_to_numpy(KnownWords(4)(np.array([[3, 4, 0]]))).tolist()
        [[3, 1, 0]]
    """

    def __init__(self, count: int, rate: float = 0.0, *, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        if not 0 <= rate < 1:
            raise InputError(f"word_dropout is {rate}; expected 0 to below 1.")
        self.count = count
        self.rate = rate
        self.seed = seed
        self._draws = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, ids: Any, training: bool = False) -> Any:
        """Return the ids with unknown words among them."""
        ids = ops.cast(ids, "int32")
        ids = ops.where(ids < self.count, ids, 1)
        if not training or not self.rate:
            return ids
        drawn = keras.random.uniform(ops.shape(ids), seed=self._draws) < self.rate
        return ops.where(ops.logical_and(drawn, ids > 0), 1, ids)

    def compute_output_spec(self, ids: Any, training: bool = False) -> Any:
        """Tell Keras that ids are whole numbers."""
        del training
        return keras.KerasTensor(ids.shape, dtype="int32")

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {
            **super().get_config(),
            "count": self.count,
            "rate": self.rate,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="rnnkit")
class Spelling(keras.layers.Layer):
    """A vector for each word out of its characters.

    Args:
        letters: number of character ids; 0 is padding, at the end of a word.
        units: size of the vector; for "lstm", both directions together.
        kind: "lstm": the last states of an LSTM in each direction; "cnn": the maximum over the word
            of `relu(W [c_{i-1}; c_i; c_{i+1}] + b)`.
        size: of a character's vector.
        seed: of the first weights.
        **options: what every Keras layer takes.

    Call arguments:
        ids: `(B, T, L)`.

    Returns:
        `(B, T, units)`.

    Raises:
        InputError: an odd number of units for "lstm", less than one unit.

    Source: dos Santos and Zadrozny 2014 (convolution); Ling et al. 2015, arXiv:1508.02096 (LSTM).

    Example:
        >>> import numpy as np
        >>> Spelling(30, 10, "cnn")(np.ones((2, 5, 12), "int32")).shape
        (2, 5, 10)
    """

    def __init__(
        self, letters: int, units: int, kind: str, *, size: int = 30, seed: int = 0, **options: Any
    ) -> None:
        super().__init__(**options)
        if units < 1 or (kind == "lstm" and units % 2):
            raise InputError(
                f"character_units is {units}; expected a positive number, an even one for "
                "characters='lstm'."
            )
        self.letters, self.units, self.kind, self.size, self.seed = letters, units, kind, size, seed
        seeds = itertools.count(1000 * seed + 500_000_000)
        self.table = keras.layers.Embedding(
            letters, size, embeddings_initializer=Seeded("glorot_uniform", next(seeds))
        )
        self.reader: keras.layers.Layer
        if kind == "cnn":
            self.reader = keras.layers.Dense(
                units,
                activation="relu",
                kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            )
        else:
            forward, backward = (
                kit.LSTM(
                    units // 2,
                    go_backwards=back,
                    kernel_initializer=Seeded("glorot_uniform", next(seeds)),
                    recurrent_initializer=Seeded("orthogonal", next(seeds)),
                )
                for back in (False, True)
            )
            self.reader = kit.Bidirectional(forward, backward_layer=backward)

    def build(self, ids_shape: Any) -> None:
        """Create the weights."""
        self.table.build((None, ids_shape[-1]))
        if self.kind == "cnn":
            self.reader.build((None, ids_shape[-1], 3 * self.size))
        else:
            self.reader.build((None, ids_shape[-1], self.size))
        self.built = True

    def call(self, ids: Any) -> Any:
        """Read the characters."""
        batch, time, length = ops.shape(ids)
        flat = ops.reshape(ids, (batch * time, length))
        mask = ops.not_equal(flat, 0)
        # Padding is as nothing: zeros, as before the word's first character.
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
        """Tell Keras the shape, whatever length and batch are."""
        return keras.KerasTensor((*ids.shape[:2], self.units), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {
            **super().get_config(),
            "letters": self.letters,
            "units": self.units,
            "kind": self.kind,
            "size": self.size,
            "seed": self.seed,
        }
