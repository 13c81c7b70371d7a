"""Layers of bags of features: sets of numbers without an order, such as the n-grams of a text."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
from keras import ops

from rnnkit.config import SavedArguments
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.options import expand_signature

Tensor = Any
COMBINERS = ("mean", "sum")
LEAST = 1e-6  # of the bound of capped logits


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class NaiveBayesLogits(SavedArguments, keras.layers.Layer):
    """Linear model of a bag of features that are scaled by their log-count ratios: NB-SVM.

    `z_c = Σ_f r_fc w_fc + b_c` over the features f of a row, each number once; 0 is padding. The
    ratios r are constants, which `rnnkit.tasks.texts.naive_bayes` counts; with w = 1 and
    b = log(prior odds) this is multinomial naive Bayes. The layer computes in float32.

    Args:
        input_dim: the number of features, padding included.
        units: 1 = the logit of the second of two classes; more = one for each class.
        **kwargs: the arguments of every Keras layer; `trainable=False` keeps w and b constant.

    Call arguments:
        numbers: integers `(B, M)`.

    Returns:
        `(B, units)`.

    Source: Wang and Manning 2012, Baselines and bigrams, ACL.

    Example:
        >>> layer = NaiveBayesLogits(9, 1)
        >>> layer.build((None, 3))
        >>> _ = layer.ratio.assign(ops.reshape(ops.arange(9.0), (9, 1)))
        >>> ops.convert_to_numpy(layer(ops.array([[5, 2, 0]])))
        array([[7.]], dtype=float32)
    """

    config_keys: ClassVar = ("input_dim", "units")

    def __init__(self, input_dim: int, units: int = 1, **kwargs: Any) -> None:
        super().__init__(**{"autocast": False, **kwargs})
        self.input_dim = check_count("NaiveBayesLogits: input_dim", input_dim)
        self.units = check_count("NaiveBayesLogits: units", units)

    def build(self, numbers_shape: tuple) -> None:
        """Create ratios, weights and bias."""
        add = functools.partial(self.add_weight, dtype="float32", autocast=False)
        shape = (self.input_dim, self.units)
        self.ratio = add(shape=shape, initializer="zeros", trainable=False, name="ratio")
        self.kernel = add(shape=shape, initializer="ones", name="kernel")
        self.bias = add(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, numbers: Tensor) -> Tensor:
        """Add up the scaled weights of the features of each row."""
        real = ops.expand_dims(ops.cast(numbers > 0, "float32"), -1)
        ratio, kernel = (
            ops.take(ops.convert_to_tensor(one), numbers, axis=0)
            for one in (self.ratio, self.kernel)
        )
        return ops.sum(ratio * kernel * real, axis=1) + self.bias

    def compute_output_spec(self, numbers: Tensor) -> keras.KerasTensor:
        """Return `(B, units)`, float32: the input is integers."""
        return keras.KerasTensor((numbers.shape[0], self.units), "float32")


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class EmbeddingBag(SavedArguments, keras.layers.Layer):
    """Mean or sum of the vectors of a bag of features, such as a document vector of n-grams.

    `v = Σ_f a_f e_f / Σ_f a_f` over the features f of a row ("mean"), or `Σ_f a_f e_f` ("sum"); the
    weights a are 1 where none are given. 0 is padding; the vector of a row without features is 0.

    Args:
        input_dim: the number of features, padding included.
        output_dim: the size of the vectors.
        combiner: "mean" or "sum".
        embeddings_initializer: of the vectors.
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        numbers: integers `(B, M)`.
        weights: of the features, `(B, M)`; None = all 1.

    Returns:
        `(B, output_dim)`.

    Example:
        >>> EmbeddingBag(9, 4)(ops.array([[5, 2, 0]])).shape
        (1, 4)
    """

    config_keys: ClassVar = ("input_dim", "output_dim", "combiner", "embeddings_initializer")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        combiner: str = "mean",
        embeddings_initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"autocast": False, **kwargs})
        self.input_dim = check_count("EmbeddingBag: input_dim", input_dim)
        self.output_dim = check_count("EmbeddingBag: output_dim", output_dim)
        self.combiner = check_choice("EmbeddingBag: combiner", combiner, COMBINERS)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, numbers_shape: tuple, weights_shape: tuple | None = None) -> None:
        """Create the vectors."""
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
        )

    def call(self, numbers: Tensor, weights: Tensor | None = None) -> Tensor:
        """Combine the vectors of each row, added in float32."""
        share = ops.cast(numbers > 0, "float32")
        if weights is not None:
            share = share * ops.cast(weights, "float32")
        vectors = ops.take(ops.convert_to_tensor(self.embeddings), numbers, axis=0)
        total = ops.squeeze(
            ops.matmul(ops.expand_dims(share, 1), ops.cast(vectors, "float32")), axis=1
        )
        if self.combiner == "mean":
            count = ops.sum(share, axis=1, keepdims=True)
            total = ops.where(count > 0, total / ops.where(count > 0, count, 1.0), 0.0)
        return ops.cast(total, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        initializer = keras.initializers.serialize(self.embeddings_initializer)
        return {**super().get_config(), "embeddings_initializer": initializer}

    def compute_output_spec(self, numbers: Tensor, weights: Tensor | None = None) -> Any:
        """Return `(B, output_dim)`: the input is integers."""
        return keras.KerasTensor((numbers.shape[0], self.output_dim), self.compute_dtype)


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class LogOpinionPool(SavedArguments, keras.layers.Layer):
    """Logarithmic opinion pool: the weighted sum of the logits of several classifiers.

    `z = Σ_k a_k z_k`, the logits of the weighted geometric mean of their probabilities. The weights
    a are constants, which are chosen on held-out data. In training only the first classifier
    counts: it learns as if it were alone, and relies on no other, which knows the training data by
    heart.

    With a cap c the first classifier decides where it is sure: what the others add is soft-capped,
    `z = a_0 (z_0 + c tanh(Σ_{k>0} a_k z_k / (a_0 c)))`; of several outputs, the mean over them is
    taken off first.

    Args:
        initial_weights: a, one for each classifier.
        logit_cap: c, above 0; None = no cap.
        **kwargs: the arguments of every Keras layer.

    Call arguments:
        logits: a list of tensors of one shape, of the trained classifier first.

    Returns:
        The logits of the pool.

    Raises:
        InputError: no weights, or a cap that is not above 0.

    Source: Genest and Zidek 1986, Combining probability distributions, Statistical Science 1 (1).

    Example:
        >>> pool = LogOpinionPool((0.5, 0.5))
        >>> ops.convert_to_numpy(pool([ops.array([[2.0]]), ops.array([[-1.0]])]))
        array([[0.5]], dtype=float32)
    """

    config_keys: ClassVar = ("initial_weights", "logit_cap")

    def __init__(
        self,
        initial_weights: Sequence[float] = (0.5, 0.5),
        logit_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"autocast": False, **kwargs})
        if logit_cap is not None and not logit_cap > 0:
            raise InputError(
                f"LogOpinionPool: logit_cap is {logit_cap}; expected a number above 0."
            )
        self.logit_cap = None if logit_cap is None else float(logit_cap)
        self.initial_weights = [float(weight) for weight in initial_weights]
        if not self.initial_weights:
            raise InputError("LogOpinionPool: initial_weights is empty; expected one or more.")

    def build(self, logits_shapes: Any) -> None:
        """Create the weights."""
        self.pool_weights = self.add_weight(
            shape=(len(self.initial_weights),),
            initializer=lambda shape, dtype: ops.convert_to_tensor(self.initial_weights, dtype),
            trainable=False,
            dtype="float32",
            autocast=False,
            name="pool_weights",
        )

    def call(self, logits: Any, training: bool = False) -> Tensor:
        """Return the weighted sum; in training the first logits."""
        wide = [ops.cast(one, "float32") for one in logits]
        if training:
            return wide[0]
        weights = ops.convert_to_tensor(self.pool_weights)
        first = weights[0] * wide[0]
        if len(wide) == 1:
            return first
        others = sum(weights[k] * one for k, one in enumerate(wide[1:], 1))
        if self.logit_cap is None:
            return first + others
        if others.shape[-1] > 1:
            others = others - ops.mean(others, axis=-1, keepdims=True)
        bound = ops.maximum(self.logit_cap * weights[0], LEAST)
        return first + bound * ops.tanh(others / bound)

    def compute_output_spec(self, logits: Any, training: bool = False) -> keras.KerasTensor:
        """Return the shape of one classifier's logits, float32."""
        return keras.KerasTensor(logits[0].shape, "float32")
