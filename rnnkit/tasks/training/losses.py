"""Losses and metrics that Keras lacks, or computes differently on its backends."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnnkit.config import SavedArguments
from rnnkit.errors import check_choice


@keras.saving.register_keras_serializable(package="rnnkit")
def binary_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """Return `-(y log p + (1 - y) log(1 - p))`, the mean over the last axis.

    Keras's own raises an error of torch where p is NaN; here NaN passes through, and the training
    stops with a message of its own.

    Args:
        y_true: labels 0 or 1, `(..., 1)`.
        y_pred: probabilities p of label 1, `(..., 1)`; clipped to 1e-7 from 0 and 1.

    Example:
        >>> round(float(binary_crossentropy(ops.array([[1.0]]), ops.array([[0.5]]))[0]), 4)
        0.6931
    """
    y_true = ops.cast(y_true, y_pred.dtype)
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)


@keras.saving.register_keras_serializable(package="rnnkit")
def class_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """Return the cross-entropy `(B,)` of labels and predicted probabilities of the classes.

    | `y_true` | is |
    |---|---|
    | `(B,)` or `(B, 1)` | the class number of each example |
    | `(B, 1)`, of one output | the probability of the second of two classes |
    | `(B, C)` | the probability q of each of C > 2 classes: `-Σ q log p` |
    | `(B, 2 C + 1)` | weighted labels q, weighted predictions r of a teacher, the temperature T |

    The last one is distillation: `-Σ q log p - T² Σ r log p_T` with `p_T ∝ p^(1/T)`, where r are
    the teacher's probabilities at the same temperature.

    Args:
        y_true: the labels.
        y_pred: probabilities, `(B, C)`; or, of the second of two classes, `(B, 1)`.

    Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531.

    Example:
        >>> p = ops.array([[0.5]])
        >>> taught = ops.array([[0.0, 0.5, 0.25, 0.25, 2.0]])  # half of the weight: a label
        >>> [round(float(class_crossentropy(y, p)[0]), 3) for y in (ops.array([[1.0]]), taught)]
        [0.693, 1.733]
    """
    outputs, width = y_pred.shape[-1], y_true.shape[-1] if len(y_true.shape) > 1 else 1
    if width == 1:
        one = outputs == 1
        return (binary_crossentropy if one else keras.losses.sparse_categorical_crossentropy)(
            y_true, y_pred
        )
    y_true, log_p = ops.cast(y_true, y_pred.dtype), log_probabilities(y_pred)
    classes = log_p.shape[-1]
    if width == classes:
        return -ops.sum(y_true * log_p, axis=-1)
    labels, taught = y_true[:, :classes], y_true[:, classes:-1]
    # A row of zeros fills a batch up.
    temperature = ops.where(y_true[:, -1:] > 0, y_true[:, -1:], 1.0)
    softened = ops.log_softmax(log_p / temperature, axis=-1)
    return -ops.sum(labels * log_p + temperature**2 * taught * softened, axis=-1)


def log_probabilities(p: Any) -> Any:
    """Return the logarithm of the probability of each class, `(B, C)`, also of two."""
    if p.shape[-1] == 1:
        p = ops.concatenate([1 - p, p], axis=-1)
    p = p / ops.sum(p, axis=-1, keepdims=True)
    return ops.log(ops.clip(p, 1e-7, 1 - 1e-7))


@keras.saving.register_keras_serializable(package="rnnkit")
class ErrorInUnits(SavedArguments, keras.metrics.Metric):
    """MAE `s Σ w|e| / Σ w` or RMSE `s (Σ w e² / Σ w)^½` of errors e that were scaled down by s.

    Args:
        kind: "mae" or "rmse".
        scale: s, the unit of the errors in units of the data.
        name: of the metric; the kind when left out.

    Example:
        >>> error = ErrorInUnits("rmse", scale=10.0)
        >>> error.update_state(ops.array([[[3.0], [4.0]]]), ops.zeros((1, 2, 1)))
        >>> round(float(error.result()), 3)
        35.355
    """

    config_keys: ClassVar = ("kind", "scale")

    def __init__(
        self, kind: str, *, scale: float = 1.0, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name=name or kind, dtype=dtype)
        self.kind, self.scale = check_choice("kind", kind, ("mae", "rmse")), float(scale)
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.count = self.add_variable((), initializer="zeros", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add errors `(..., 1)` with weights `(...)`."""
        error = ops.cast(y_true, self.dtype) - ops.cast(y_pred, self.dtype)
        error = ops.mean(ops.abs(error) if self.kind == "mae" else ops.square(error), axis=-1)
        weight = ops.ones_like(error) if sample_weight is None else sample_weight
        weight = ops.broadcast_to(ops.cast(weight, self.dtype), ops.shape(error))
        self.total.assign_add(ops.sum(weight * error))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """Return the error in units of the data."""
        mean = ops.divide_no_nan(self.total, self.count)
        return self.scale * (mean if self.kind == "mae" else ops.sqrt(mean))
