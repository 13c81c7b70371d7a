"""Label-smoothed cross-entropy, perplexity and accuracy of a decoder."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.config import SavedArguments


def negative_log_likelihood(y_true: Any, scores: Any) -> Any:
    """Return `-log softmax(z)_y` of each step, of ids y `(B, T)` and scores z `(B, T, V)`.

    Example:
        >>> negative_log_likelihood(ops.zeros((1, 2)), ops.zeros((1, 2, 5))).shape
        (1, 2)
    """
    return ops.logsumexp(scores, axis=-1) - _of_truth(y_true, scores)


def _of_truth(y_true: Any, scores: Any) -> Any:
    index = ops.expand_dims(ops.cast(y_true, "int32"), -1)
    return ops.squeeze(ops.take_along_axis(scores, index, axis=-1), -1)


@keras.saving.register_keras_serializable(package="rnnkit")
class SmoothedCrossentropy(SavedArguments, keras.losses.Loss):
    """Label-smoothed cross-entropy `-(1 - ε) log p_y - ε/V Σ_v log p_v`, mean over weighted steps.

    Args:
        label_smoothing: ε, the probability mass that is spread over all V words.
        **kwargs: as in Keras.

    Source: Szegedy et al. 2016, arXiv:1512.00567.

    Example:
        >>> loss = SmoothedCrossentropy(0.1)
        >>> round(float(loss(ops.zeros((1, 2)), ops.zeros((1, 2, 5)))), 4)
        1.6094
    """

    config_keys: ClassVar = ("label_smoothing",)

    def __init__(self, label_smoothing: float = 0.0, **kwargs: Any) -> None:
        # The mean over real steps: padding has weight 0 and is not counted.
        super().__init__(**{"reduction": "mean_with_sample_weight", **kwargs})
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each step."""
        right, even = 1.0 - self.label_smoothing, self.label_smoothing
        loss = ops.logsumexp(y_pred, axis=-1) - right * _of_truth(y_true, y_pred)
        return loss - even * ops.mean(y_pred, axis=-1) if even else loss


@keras.saving.register_keras_serializable(package="rnnkit")
class TokenPerplexity(keras.metrics.Mean):
    """`exp(-Σ w log p / Σ w)` over all steps of all batches.

    Example:
        >>> metric = TokenPerplexity()
        >>> metric.update_state(ops.zeros((1, 2)), ops.zeros((1, 2, 5)))
        >>> round(float(metric.result()), 3)
        5.0
    """

    def __init__(self, name: str = "perplexity", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add steps `(B, T)` with their weights."""
        super().update_state(*_of_steps(negative_log_likelihood(y_true, y_pred), sample_weight))

    def result(self) -> Any:
        """Return the perplexity."""
        return ops.exp(super().result())


@keras.saving.register_keras_serializable(package="rnnkit")
class TokenAccuracy(keras.metrics.Mean):
    """Share of the steps at which no word has a higher score than the right one.

    Example:
        >>> metric = TokenAccuracy()
        >>> metric.update_state(ops.array([[1, 0]]), ops.array([[[0.0, 1.0], [0.0, 1.0]]]))
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add steps `(B, T)` with their weights."""
        # A maximum is computed several times faster than its place.
        right = _of_truth(y_true, y_pred) >= ops.max(y_pred, axis=-1)
        super().update_state(*_of_steps(ops.cast(right, self.dtype), sample_weight))


def _of_steps(values: Any, weights: Any) -> tuple[Any, Any]:
    """Return values and weights `(B, T)` as `(B T,)`.

    Keras's `Mean` divides both by T, so that steps of narrow batches would count for more.
    """
    return ops.reshape(values, (-1,)), None if weights is None else ops.reshape(weights, (-1,))
