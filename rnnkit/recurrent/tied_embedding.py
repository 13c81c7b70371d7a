"""One table of vectors for words that come in and words that go out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.recurrent.sequence import Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class UnitVectors(keras.initializers.Initializer):
    """Draw vectors `(V, D)` of about unit length with NumPy: `N(0, 1/D)`.

    A table that also scores has to start so large: Keras's `U(±0.05)` gives all words nearly the
    same score, and learning stays there for hundreds of steps.

    Args:
        seed: the same seed gives the same vectors on every backend.

    Example:
        >>> UnitVectors(1)((7, 4)).shape
        (7, 4)
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Return the first value."""
        values = np.random.default_rng(self.seed).normal(0.0, shape[-1] ** -0.5, shape)
        return ops.convert_to_tensor(values.astype("float32"), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"seed": self.seed}


@keras.saving.register_keras_serializable(package="rnnkit")
class TiedEmbedding(keras.layers.Layer):
    """Look words up in a table E, and score words by the same table: `z = h Eᵀ + b`.

    Args:
        input_dim: number V of words.
        output_dim: size D of a word's vector, and of h.
        embeddings_initializer: how E starts.
        scores: whether h will be scored; without it there is no b.
        **kwargs: `name`, `dtype` and so on, as in Keras.

    Call arguments:
        inputs: ids `(B, T)`, or, in reverse, vectors `(..., D)`.
        reverse: score instead of looking up.

    Returns:
        `(B, T, D)`, or, in reverse, `(..., V)` in float32.

    Source: Press and Wolf 2017, arXiv:1608.05859.

    Example:
        >>> table = TiedEmbedding(10, 4)
        >>> table(table(keras.ops.ones((2, 3), dtype="int32")), reverse=True).shape
        (2, 3, 10)
    """

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
        """Create the table and the bias of its words."""
        del inputs_shape
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
        scores = ops.cast(ops.matmul(inputs, ops.transpose(table)), "float32")
        return scores + ops.cast(self.bias, "float32")

    def compute_output_spec(self, inputs: Tensor, reverse: bool = False) -> Any:
        """Return shape and dtype of the output."""
        if reverse:
            return keras.KerasTensor((*inputs.shape[:-1], self.input_dim), dtype="float32")
        return keras.KerasTensor((*inputs.shape, self.output_dim), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "scores": self.scores,
        }
