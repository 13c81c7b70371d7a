"""Tied input and output embeddings."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from rnnkit.options import expand_signature
from rnnkit.recurrent.sequence import SavedOptions, Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class UnitVectors(keras.initializers.Initializer):
    """Initializer of vectors `(V, D)` of about unit length, drawn with NumPy: `N(0, 1/D)`.

    Tied embeddings need this scale: with Keras's `U(±0.05)` all words have nearly the same score,
    and training stays at that plateau for hundreds of steps.

    Args:
        seed: the same seed gives the same vectors on every backend.

    Example:
        >>> UnitVectors(1)((7, 4)).shape
        (7, 4)
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Return the initial value of a weight."""
        values = np.random.default_rng(self.seed).normal(0.0, shape[-1] ** -0.5, shape)
        return ops.convert_to_tensor(values.astype("float32"), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"seed": self.seed}


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class TiedEmbedding(SavedOptions, keras.layers.Layer):
    """Tied embedding: a table E of word vectors that also scores words, `z = h Eᵀ + b`.

    Args:
        input_dim: number V of words.
        output_dim: size D of the vectors, and of h.
        embeddings_initializer: initializer of E.
        scores: add b, to score with the table.
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        inputs: ids `(B, T)`, or, with `reverse=True`, vectors `(..., D)`.
        reverse: score the words instead of looking them up.

    Returns:
        `(B, T, D)`, or, with `reverse=True`, `(..., V)` in float32.

    Source: Press and Wolf 2017, arXiv:1608.05859.

    Example:
        >>> table = TiedEmbedding(10, 4)
        >>> table(table(keras.ops.ones((2, 3), dtype="int32")), reverse=True).shape
        (2, 3, 10)
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "input_dim",
        "output_dim",
        "embeddings_initializer",
        "scores",
    )

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        scores: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim, self.output_dim, self.scores = input_dim, output_dim, scores
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, inputs_shape: Any = None) -> None:
        """Create the table and its bias."""
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
        )
        self.bias = None
        if self.scores:
            self.bias = self.add_weight(shape=(self.input_dim,), initializer="zeros", name="bias")

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        """Look up ids, or score vectors."""
        table = ops.cast(self.embeddings, self.compute_dtype)
        if not reverse:
            return ops.take(table, ops.cast(inputs, "int32"), axis=0)
        vectors = ops.cast(inputs, self.compute_dtype)
        scores = ops.cast(ops.matmul(vectors, ops.transpose(table)), "float32")
        return scores + ops.cast(self.bias, "float32")

    def compute_output_spec(self, inputs: Tensor, reverse: bool = False) -> Any:
        """Return shape and dtype of the output."""
        if reverse:
            return keras.KerasTensor((*inputs.shape[:-1], self.input_dim), dtype="float32")
        return keras.KerasTensor((*inputs.shape, self.output_dim), dtype=self.compute_dtype)
