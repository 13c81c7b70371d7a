"""Layers and network of a bag-of-words classifier: term weighting, then dense layers."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack, get_args

import keras
from keras import ops

from rnnkit.config import SavedArguments
from rnnkit.deprecation import takes_old_options
from rnnkit.errors import check_choice
from rnnkit.options import takes
from rnnkit.settings.texts import BagNetworkOptions, Weighting
from rnnkit.tasks.recurrent_stack import Seeds, class_probabilities, drop

Tensor = Any


@keras.saving.register_keras_serializable(package="rnnkit")
class TokenWeights(SavedArguments, keras.layers.Layer):
    """Term weights of a bag of words: binary, counts or tf-idf, with unit L2 norm; or the mean.

    With c the token's count: binary `1`, count `c`, tf-idf `(1 + ln c) · idf`; the weights w of a
    text are then divided by `‖w‖`. Mean is `c / Σ c`. The token 0 is padding and has the weight 0.

    Args:
        size: of the vocabulary.
        weighting: "binary", "count", "tf-idf" or "mean".

    Call arguments:
        ids: int `(B, T)`.
        counts: int `(B, T)`; the weights, too, are `(B, T)`.

    Example:
        >>> layer = TokenWeights(9, "count")
        >>> ops.convert_to_numpy(layer(ops.array([[5, 7, 0]]), ops.array([[3, 4, 0]]))).round(2)
        array([[0.6, 0.8, 0. ]], dtype=float32)
    """

    config_keys: ClassVar = ("size", "weighting")

    def __init__(self, size: int, weighting: str = "tf-idf", **options: Any) -> None:
        super().__init__(**{"autocast": False, **options})
        self.size = size
        self.weighting = check_choice("weighting", weighting, get_args(Weighting))

    def build(self, ids_shape: tuple, counts_shape: tuple) -> None:
        """Create the inverse document frequencies, which the task sets before training."""
        if self.weighting == "tf-idf":
            self.idf = self.add_weight(
                shape=(self.size,),
                initializer="ones",
                trainable=False,
                autocast=False,
                name="idf",
            )

    def call(self, ids: Tensor, counts: Tensor) -> Tensor:
        """Return the weights."""
        counts = ops.cast(counts, "float32")
        real = ops.cast(ids > 0, "float32")
        if self.weighting == "mean":
            return real * counts / ops.maximum(ops.sum(counts, axis=1, keepdims=True), 1.0)
        weights = real * counts if self.weighting == "count" else real
        if self.weighting == "tf-idf":
            rare = ops.take(ops.convert_to_tensor(self.idf), ids, axis=0)
            weights = real * rare * (1 + ops.log(ops.maximum(counts, 1.0)))
        length = ops.sqrt(ops.sum(ops.square(weights), axis=1, keepdims=True))
        return weights / ops.maximum(length, 1e-6)

    def compute_output_spec(self, ids: Tensor, counts: Tensor) -> keras.KerasTensor:
        """Return `(B, T)`, float32: the inputs are integers."""
        return keras.KerasTensor(ids.shape, "float32")


@keras.saving.register_keras_serializable(package="rnnkit")
class WeightedSum(keras.layers.Layer):
    """Weighted sum of vectors `(B, T, U)` with weights `(B, T)`: `Σ_t w_t v_t`, `(B, U)`.

    Example:
        >>> WeightedSum()(ops.ones((2, 5, 3)), ops.ones((2, 5))).shape
        (2, 3)
    """

    def call(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """Return the sums."""
        weights = ops.expand_dims(ops.cast(weights, vectors.dtype), 1)
        return ops.squeeze(ops.matmul(weights, vectors), axis=1)

    def compute_output_shape(self, vectors_shape: tuple, weights_shape: tuple) -> tuple:
        """Return `(B, U)`."""
        return (vectors_shape[0], vectors_shape[2])


@keras.saving.register_keras_serializable(package="rnnkit")
class Bias(keras.layers.Layer):
    """Trainable bias `x + b` of `(B, U)`: with the weighted sum of rows it makes a dense layer.

    Example:
        >>> Bias()(ops.ones((2, 3))).shape
        (2, 3)
    """

    def build(self, x_shape: tuple) -> None:
        """Create the bias."""
        self.bias = self.add_weight(shape=x_shape[-1:], initializer="zeros", name="bias")

    def call(self, x: Tensor) -> Tensor:
        """Add it."""
        return x + self.bias


@takes_old_options(penalty="l2")
@takes(BagNetworkOptions)
def bag_of_words_classifier(
    vocabulary_size: int, outputs: int, **options: Unpack[BagNetworkOptions]
) -> keras.Model:
    """Build tokens and counts -> token weights -> dense layers -> probabilities.

    The first dense layer's product with a sparse vector of V numbers is the weighted sum of its
    rows, `Σ_t w_t W[id_t]`: it is an embedding, so V may be large. Without hidden layers the
    network is logistic regression.

    Args:
        vocabulary_size: V; 0 is padding.
        outputs: 1 for a sigmoid unit, more for a softmax.

    Returns:
        A functional model, int `(B, T, 2)` to `(B, outputs)`.

    Raises:
        InputError: a setting out of range.

    Example:
        >>> bag_of_words_classifier(100, 1, layers=1).output_shape
        (None, 1)
    """
    seeds, layers, units = Seeds(options["seed"]), options["layers"], options["units"]
    mean = options["weighting"] == "mean"
    bag = keras.Input((None, 2), dtype="int32", name="bag")
    ids, counts = bag[:, :, 0], bag[:, :, 1]
    weights = TokenWeights(vocabulary_size, options["weighting"], name="weights")(ids, counts)
    weights = drop(weights, options["word_dropout"], seeds)
    x = keras.layers.Embedding(
        vocabulary_size,
        options["embedding_size"] if mean else units if layers else outputs,
        trainable=options["embedding_trainable"] or not mean,
        embeddings_initializer=seeds.uniform() if mean or layers else "zeros",
        embeddings_regularizer=keras.regularizers.L2(options["l2"]) if options["l2"] else None,
        name="embedding",
    )(ids)
    x = WeightedSum(name="sum")(x, weights)
    for depth in range(layers):
        if depth or mean:
            x = seeds.dropout(options["dropout"])(x)
            x = keras.layers.Dense(units, kernel_initializer=seeds.glorot())(x)
        else:
            x = Bias(name="bias")(x)
        x = keras.layers.ReLU()(x)
    if layers or mean:
        x = seeds.dropout(options["dropout"])(x)
        x = class_probabilities(x, outputs, seeds)
    else:
        x = Bias(name="bias")(x)
        activation = "sigmoid" if outputs == 1 else "softmax"
        x = keras.layers.Activation(activation, dtype="float32", name="probabilities")(x)
    return keras.Model(bag, x, name="bag_of_words_classifier")
