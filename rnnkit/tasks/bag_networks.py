"""The layers that weigh the words of a bag, and the network that judges it."""

from __future__ import annotations

import itertools
from typing import Any

import keras
from keras import ops

from rnnkit.backend.initializers import Seeded
from rnnkit.errors import InputError, suggest

Tensor = Any
WEIGHTINGS = ("binary", "count", "tf-idf", "mean")


@keras.saving.register_keras_serializable(package="rnnkit")
class TokenWeights(keras.layers.Layer):
    """How much each token of a bag counts, the weights of a text being of length 1.

    With c the token's count: binary `1`, count `c`, tf-idf `(1 + ln c) · idf`; the weights w of a
    text are then divided by `‖w‖`. Mean is `c / Σ c`. The token 0 is padding and weighs nothing.

    Args:
        size: of the vocabulary.
        weighting: "binary", "count", "tf-idf" or "mean".

    Call arguments:
        ids: int `(B, T)`.
        counts: int `(B, T)`.

    Returns:
        `(B, T)`.

    Raises:
        InputError: an unknown weighting.

    Example:
        >>> layer = TokenWeights(9, "count")
        >>> ops.convert_to_numpy(layer(ops.array([[5, 7, 0]]), ops.array([[3, 4, 0]]))).round(2)
        array([[0.6, 0.8, 0. ]], dtype=float32)
    """

    def __init__(self, size: int, weighting: str = "tf-idf", **options: Any) -> None:
        super().__init__(**{"autocast": False, **options})
        if weighting not in WEIGHTINGS:
            raise InputError(
                f"weighting is {weighting!r}; expected one of {WEIGHTINGS}."
                f"{suggest(str(weighting), WEIGHTINGS)}"
            )
        self.size, self.weighting = size, weighting

    def build(self, ids_shape: tuple, counts_shape: tuple) -> None:
        """Make room for what `rarity` says; it is learned before the network is trained."""
        del ids_shape, counts_shape
        if self.weighting == "tf-idf":
            self.idf = self.add_weight(
                shape=(self.size,), initializer="ones", trainable=False, name="idf"
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
        """Return `(B, T)`, float32: the inputs are whole numbers."""
        del counts
        return keras.KerasTensor(ids.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "size": self.size, "weighting": self.weighting}


@keras.saving.register_keras_serializable(package="rnnkit")
class WeightedSum(keras.layers.Layer):
    """Add up the vectors of a bag, each times its weight: `Σ_t w_t v_t`.

    Call arguments:
        vectors: `(B, T, U)`.
        weights: `(B, T)`.

    Returns:
        `(B, U)`.

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
        del weights_shape
        return (vectors_shape[0], vectors_shape[2])


@keras.saving.register_keras_serializable(package="rnnkit")
class Bias(keras.layers.Layer):
    """Add a learned number to each feature, `x + b`: what the sum of rows lacks of a dense layer.

    Call arguments:
        x: `(B, U)`.

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


def bag_of_words_classifier(
    vocabulary_size: int,
    outputs: int,
    *,
    weighting: str = "tf-idf",
    layers: int = 0,
    units: int = 64,
    embedding_size: int = 100,
    embedding_trainable: bool = True,
    word_dropout: float = 0.0,
    dropout: float = 0.5,
    penalty: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Build tokens and counts -> weights -> dense layers -> probabilities.

    The first dense layer's product with a bag of V numbers, nearly all 0, is the weighted sum of
    its rows, `Σ_t w_t W[id_t]`: so it is written as an embedding, and V may be large. Without
    layers that is logistic regression.

    Args:
        vocabulary_size: V; 0 is padding.
        outputs: 1 for a sigmoid unit, more for a softmax.
        weighting: see `TokenWeights`; with "mean" the rows are vectors of the words, and their mean
            goes into the layers.
        layers: dense layers with ReLU before the last.
        units: outputs of each.
        embedding_size: size of a word's vector, with "mean".
        embedding_trainable: whether these vectors learn with the network, or stay as they are.
        word_dropout: share of the different words that is dropped.
        dropout: share of each layer's output that is dropped.
        penalty: of the squares of the first layer's weights, in the loss.
        seed: of the first weights (the same on every backend) and of the dropout.

    Returns:
        A functional model, int `(B, T, 2)` to `(B, outputs)`.

    Raises:
        InputError: an unknown weighting, fewer than no layers.

    Example:
        >>> bag_of_words_classifier(100, 1, layers=1).output_shape
        (None, 1)
    """
    if layers < 0:
        raise InputError(f"layers is {layers}; expected 0 or more.")
    seeds = itertools.count(1000 * seed)
    bag = keras.Input((None, 2), dtype="int32", name="bag")
    ids, counts = bag[:, :, 0], bag[:, :, 1]
    weights = TokenWeights(vocabulary_size, weighting, name="weights")(ids, counts)
    if word_dropout:
        weights = keras.layers.Dropout(word_dropout, seed=next(seeds))(weights)
    mean = weighting == "mean"
    last = {"activation": "sigmoid" if outputs == 1 else "softmax", "dtype": "float32"}
    width = embedding_size if mean else units if layers else outputs
    x = keras.layers.Embedding(
        vocabulary_size,
        width,
        trainable=embedding_trainable or not mean,
        embeddings_initializer=Seeded("uniform", next(seeds)) if mean or layers else "zeros",
        embeddings_regularizer=keras.regularizers.L2(penalty) if penalty else None,
        name="embedding",
    )(ids)
    x = WeightedSum(name="sum")(x, weights)
    for depth in range(layers):
        if depth or mean:
            x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
            x = keras.layers.Dense(units, kernel_initializer=Seeded("glorot_uniform", next(seeds)))(
                x
            )
        else:
            x = Bias(name="bias")(x)
        x = keras.layers.ReLU()(x)
    if layers or mean:
        x = keras.layers.Dropout(dropout, seed=next(seeds))(x)
        x = keras.layers.Dense(
            outputs,
            kernel_initializer=Seeded("glorot_uniform", next(seeds)),
            name="probabilities",
            **last,
        )(x)
    else:
        x = Bias(name="bias")(x)
        x = keras.layers.Activation(**last, name="probabilities")(x)
    return keras.Model(bag, x, name="bag_of_words_classifier")
