"""Layers of decoders: copying from the source, and hearing one's own words in training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnnkit.recurrent.sequence import Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class PointerGenerator(keras.layers.Layer):
    """Mix the words of a vocabulary with those of the source: write or copy.

    `p(w) = g softmax(z)_w + (1 - g) Σ_{s: source_s = w} α_s`, `g = σ([a; x] k + b)`.

    Call arguments:
        scores: z, `(B, T, V)`.
        weights: the attention's weights α, `(B, T, S)`.
        source: ids of the same vocabulary, `(B, S)`.
        told: the decoder's output a, `(B, T, A)`.
        words: what entered the decoder, x, `(B, T, D)`.

    Returns:
        `log p`, `(B, T, V)`.

    Source: See, Liu and Manning 2017, arXiv:1704.04368.

    Example:
        >>> ones = keras.ops.ones
        >>> scores, weights, source = ones((2, 3, 9)), ones((2, 3, 4)) / 4, ones((2, 4), "int32")
        >>> PointerGenerator()(scores, weights, source, ones((2, 3, 5)), ones((2, 3, 6))).shape
        (2, 3, 9)
    """

    def __init__(self, kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(
        self,
        scores_shape: Any,
        weights_shape: Any,
        source_shape: Any,
        told_shape: Any,
        words_shape: Any,
    ) -> None:
        """Create the weights of the gate."""
        del scores_shape, weights_shape, source_shape
        self.kernel = self.add_weight(
            shape=(told_shape[-1] + words_shape[-1], 1),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(
        self, scores: Tensor, weights: Tensor, source: Tensor, told: Tensor, words: Tensor
    ) -> Tensor:
        """Return the logarithms of the mixture's probabilities."""
        batch, steps, size = ops.shape(scores)
        read = ops.shape(weights)[2]
        gate = ops.matmul(ops.concatenate([told, words], -1), ops.cast(self.kernel, told.dtype))
        gate = ops.cast(ops.sigmoid(gate + ops.cast(self.bias, told.dtype)), "float32")
        # Each weight is added to the cell of its row and of the word that stands at its step.
        rows = ops.reshape(ops.arange(batch * steps), (batch, steps, 1)) * size
        cells = rows + ops.cast(source, rows.dtype)[:, None]
        copied = ops.segment_sum(
            ops.reshape(ops.cast(weights, "float32"), (batch * steps * read,)),
            ops.reshape(cells, (batch * steps * read,)),
            num_segments=batch * steps * size,
        )
        copied = ops.reshape(copied, (batch, steps, size))
        mixed = gate * ops.softmax(scores, axis=-1) + (1.0 - gate) * copied
        return ops.log(mixed + 1e-12)

    def compute_output_spec(self, scores: Tensor, *others: Tensor) -> Any:
        """Return shape and dtype of the output."""
        del others
        return keras.KerasTensor(scores.shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        serialize = keras.initializers.serialize
        return {**super().get_config(), "kernel_initializer": serialize(self.kernel_initializer)}


@keras.saving.register_keras_serializable(package="rnnkit")
class ScheduledSampling(keras.layers.Layer):
    """Let a decoder hear, in training, some of its own words in place of the right ones.

    The words are those that it found likeliest in a first pass over the right ones, all steps at
    once. The share rises from 0 to `share` over the first steps of training. Outside of training
    nothing is changed.

    Args:
        share: how many words are replaced, in the end.
        rise: training steps until then.
        seed: of what is replaced.
        **kwargs: `name`, `dtype` and so on, as in Keras.

    Call arguments:
        entering: ids `(B, T)`, `begin w_1 .. w_n`, 0 = padding.
        scores: of the first pass, `(B, T, V)`; the gradient does not go through them.

    Source: Bengio et al. 2015, arXiv:1506.03099; in parallel: Mihaylova and Martins 2019,
    arXiv:1906.07651.

    Example:
        >>> layer = ScheduledSampling(0.5, rise=1)
        >>> layer(keras.ops.ones((2, 3), dtype="int32"), keras.ops.ones((2, 3, 7))).shape
        (2, 3)
    """

    def __init__(
        self, share: float, rise: int = 2000, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.share, self.rise, self.seed = share, rise, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, entering_shape: Any, scores_shape: Any) -> None:
        """Create the count of the steps."""
        self.steps = self.add_weight(shape=(), initializer="zeros", name="steps", trainable=False)

    def call(self, entering: Tensor, scores: Tensor, training: bool = False) -> Tensor:
        """Replace some of the words."""
        if not training:
            return entering
        self.steps.assign(self.steps + 1.0)
        share = self.share * ops.minimum(1.0, self.steps / self.rise)
        own = ops.cast(ops.argmax(ops.stop_gradient(scores), axis=-1), entering.dtype)
        heard = ops.concatenate([entering[:, :1], own[:, :-1]], axis=1)
        drawn = keras.random.uniform(ops.shape(entering), seed=self.seed_generator) < share
        return ops.where(ops.logical_and(drawn, entering != 0), heard, entering)

    def compute_output_spec(self, entering: Tensor, scores: Tensor, training: bool = False) -> Any:
        """Return shape and dtype of the output."""
        del scores, training
        return keras.KerasTensor(entering.shape, dtype=entering.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "share": self.share, "rise": self.rise, "seed": self.seed}
