"""Decoder layers: pointer-generator copying and scheduled sampling."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.backend import native
from rnnkit.options import expand_signature
from rnnkit.recurrent.sequence import SavedOptions, Tensor

# Names of call arguments in files that earlier versions saved.
OLD_SHAPES = {
    "told_shape": "decoder_outputs_shape",
    "words_shape": "decoder_inputs_shape",
    "entering_shape": "decoder_inputs_shape",
}


class _DecoderLayer(SavedOptions, keras.layers.Layer):
    """A layer whose call arguments had other names in earlier versions."""

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer of a saved file."""
        shapes = config["shapes_dict"]
        self.build(**{OLD_SHAPES.get(name, name): shape for name, shape in shapes.items()})


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class PointerGenerator(_DecoderLayer):
    """Pointer-generator network: a mixture of generating from the vocabulary and copying.

    `p(w) = g softmax(z)_w + (1 - g) Σ_{s: source_s = w} α_s`, `g = σ([a; x] k + b)`.

    Args:
        kernel_initializer: initializer of k.
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        scores: z, `(B, T, V)`.
        weights: attention weights α, `(B, T, S)`.
        source: ids of the same vocabulary, `(B, S)`.
        decoder_outputs: a, `(B, T, A)`.
        decoder_inputs: x, `(B, T, D)`.

    Returns:
        `log p`, `(B, T, V)`.

    Source: See, Liu and Manning 2017, arXiv:1704.04368.

    Example:
        >>> ones = keras.ops.ones
        >>> scores, weights, source = ones((2, 3, 9)), ones((2, 3, 4)) / 4, ones((2, 4), "int32")
        >>> PointerGenerator()(scores, weights, source, ones((2, 3, 5)), ones((2, 3, 6))).shape
        (2, 3, 9)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("kernel_initializer",)

    def __init__(self, kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(
        self,
        scores_shape: Any,
        weights_shape: Any,
        source_shape: Any,
        decoder_outputs_shape: Any,
        decoder_inputs_shape: Any,
    ) -> None:
        """Create the weights of the gate."""
        self.kernel = self.add_weight(
            shape=(decoder_outputs_shape[-1] + decoder_inputs_shape[-1], 1),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(
        self,
        scores: Tensor,
        weights: Tensor,
        source: Tensor,
        decoder_outputs: Tensor,
        decoder_inputs: Tensor,
    ) -> Tensor:
        """Return the log-probabilities of the mixture."""
        batch, steps, size = ops.shape(scores)
        read = ops.shape(weights)[2]
        dtype = self.compute_dtype
        parts = [ops.cast(part, dtype) for part in (decoder_outputs, decoder_inputs)]
        gate = ops.matmul(ops.concatenate(parts, -1), ops.cast(self.kernel, dtype))
        gate = ops.cast(ops.sigmoid(gate + ops.cast(self.bias, dtype)), "float32")
        # Each weight is added to the probability of the source word at its step.
        rows = ops.reshape(ops.arange(batch * steps), (batch, steps, 1)) * size
        cells = rows + ops.cast(source, rows.dtype)[:, None]
        copied = native.segment_sum(
            ops.reshape(ops.cast(weights, "float32"), (batch * steps * read,)),
            ops.reshape(cells, (batch * steps * read,)),
            batch * steps * size,
        )
        copied = ops.reshape(copied, (batch, steps, size))
        chosen = ops.softmax(ops.cast(scores, "float32"), axis=-1)
        mixed = gate * chosen + (1.0 - gate) * copied
        return ops.log(mixed + 1e-12)

    def compute_output_spec(self, scores: Tensor, *others: Tensor) -> Any:
        """Return shape and dtype of the output."""
        return keras.KerasTensor(scores.shape, dtype="float32")


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class ScheduledSampling(_DecoderLayer):
    """Scheduled sampling: in training, replace some decoder inputs by the model's own predictions.

    The predictions are the most probable words of a first, teacher-forced pass over all steps in
    parallel. The rate increases linearly from 0 to `share`. Outside training the inputs are
    unchanged.

    Args:
        share: final rate of replaced words.
        rise: number of training steps until then.
        seed: seed of the random choice.
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        decoder_inputs: ids `(B, T)`, `begin w_1 .. w_n`, 0 = padding.
        scores: of the first pass, `(B, T, V)`; they get no gradient.

    Source: Bengio et al. 2015, arXiv:1506.03099; in parallel: Mihaylova and Martins 2019,
    arXiv:1906.07651.

    Example:
        >>> layer = ScheduledSampling(0.5, rise=1)
        >>> layer(keras.ops.ones((2, 3), dtype="int32"), keras.ops.ones((2, 3, 7))).shape
        (2, 3)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("share", "rise", "seed")

    def __init__(
        self, share: float, rise: int = 2000, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.share, self.rise, self.seed = share, rise, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, decoder_inputs_shape: Any, scores_shape: Any) -> None:
        """Create the counter of training steps."""
        self.steps = self.add_weight(shape=(), initializer="zeros", name="steps", trainable=False)

    def call(self, decoder_inputs: Tensor, scores: Tensor, training: bool = False) -> Tensor:
        """Replace some of the decoder inputs, in training."""
        if not training:
            return decoder_inputs
        self.steps.assign(self.steps + 1.0)
        share = self.share * ops.minimum(1.0, self.steps / self.rise)
        own = ops.cast(ops.argmax(ops.stop_gradient(scores), axis=-1), decoder_inputs.dtype)
        predicted = ops.concatenate([decoder_inputs[:, :1], own[:, :-1]], axis=1)
        drawn = keras.random.uniform(ops.shape(decoder_inputs), seed=self.seed_generator) < share
        return ops.where(ops.logical_and(drawn, decoder_inputs != 0), predicted, decoder_inputs)

    def compute_output_spec(
        self, decoder_inputs: Tensor, scores: Tensor, training: bool = False
    ) -> Any:
        """Return shape and dtype of the output."""
        return keras.KerasTensor(decoder_inputs.shape, dtype=decoder_inputs.dtype)
