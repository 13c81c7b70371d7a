"""Precision, recall and F1 over a running confusion matrix.

The matrix `M` has a row for each true class and a column for each predicted class. Sums over
batches are exact, unlike means of per-batch scores.
"""

from __future__ import annotations

from typing import Any, ClassVar

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
from keras import ops

from rnnkit.backend.masking import row_mask
from rnnkit.config import SavedArguments
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError, check_count

__all__ = [
    "F1",
    "ClassAccuracy",
    "Precision",
    "Recall",
    "StepAccuracy",
    "classification_metrics",
    "hard_labels",
]


def hard_labels(y_true: Any, y_pred: Any) -> Any:
    """Return the most probable class of soft labels; class numbers as they are.

    Args:
        y_true: class numbers; or, of rows `(B, outputs)` of probabilities, soft labels: `(B, 1)`
            of class 1, `(B, C)`, or the targets of distillation, `(B, 2 C + 1)`, see
            `rnnkit.tasks.training.losses.class_crossentropy`.
        y_pred: the predictions.

    Example:
        >>> hard_labels(ops.array([[0.4, 0.6]]), ops.array([[0.5, 0.5]])).tolist()
        [1]
    """
    if len(y_pred.shape) != 2 or len(y_true.shape) != 2:
        return y_true
    outputs, width = y_pred.shape[-1], y_true.shape[-1]
    classes = max(2, outputs)
    if width == 2 * classes + 1:
        return ops.argmax(y_true[:, :classes] + y_true[:, classes:-1], axis=-1)
    if width == outputs > 1:
        return ops.argmax(y_true, axis=-1)
    soft = width == outputs and "float" in keras.backend.standardize_dtype(y_true.dtype)
    return ops.round(y_true) if soft else y_true


class _ConfusionMetric(SavedArguments, keras.metrics.Metric):
    """Base class of metrics that are computed from a running confusion matrix.

    With two classes the score is that of class 1, with more the unweighted mean over all classes
    (macro average). A score with a denominator of 0 is 0.
    """

    config_keys: ClassVar = ("num_classes",)

    def __init__(self, num_classes: int = 2, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name or type(self).__name__.lower(), dtype=dtype)
        self.num_classes = check_count("num_classes", num_classes, least=2)
        self.matrix = self.add_variable(
            shape=(num_classes, num_classes), initializer="zeros", name="matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch to the confusion matrix; inconsistent shapes raise an `InputError`.

        Args:
            y_true: integer labels, `(...)` or `(..., 1)`; or soft ones, see `hard_labels`.
            y_pred: probabilities: `(...)` or `(..., 1)` of class 1, with the threshold 0.5; or
                `(..., C)`, of which the largest is the prediction.
            sample_weight: weights that broadcast to the labels `(...)`; optional.
        """
        mask = row_mask(y_pred)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        y_true = hard_labels(y_true, y_pred)
        outputs = y_pred.shape[-1] if len(y_pred.shape) > 1 else 1
        rank = max(len(y_pred.shape) - 1, 1)
        if outputs not in (self.num_classes, 1) or (outputs == 1 and self.num_classes > 2):
            raise InputError(
                f"{type(self).__name__}(num_classes={self.num_classes}) got predictions of shape "
                f"{tuple(y_pred.shape)}: give it the number of classes of the model."
            )
        labels_rank = len(y_true.shape)
        if labels_rank != rank and (labels_rank != rank + 1 or y_true.shape[-1] != 1):
            raise InputError(
                f"Labels of shape {tuple(y_true.shape)} do not fit predictions of shape "
                f"{tuple(y_pred.shape)}: expected integer labels, one for each prediction."
            )
        if outputs == 1:
            predicted = ops.cast(ops.reshape(y_pred, (-1,)) > 0.5, "int32")
        else:
            predicted = ops.reshape(ops.argmax(y_pred, axis=-1), (-1,))
        truth = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        rows = ops.one_hot(truth, self.num_classes, dtype=self.dtype)
        columns = ops.one_hot(predicted, self.num_classes, dtype=self.dtype)
        if mask is not None and len(mask.shape) == 1:  # rows that fill a batch up
            sample_weight = mask if sample_weight is None else sample_weight * mask
        if sample_weight is not None:
            weights = ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
            shape = ops.shape(y_true)[:rank]
            if len(weights.shape) > rank:
                weights = ops.squeeze(weights, axis=-1)
            while len(weights.shape) < rank:  # the weight of a row is that of each of its steps
                weights = ops.expand_dims(weights, axis=-1)
            rows = rows * ops.reshape(ops.broadcast_to(weights, shape), (-1, 1))
        self.matrix.assign_add(ops.matmul(ops.transpose(rows), columns))

    def _counts(self) -> tuple[Any, Any, Any]:
        """Return true positives, predicted and true counts of each class, all `(C,)`."""
        matrix = ops.convert_to_tensor(self.matrix)
        return ops.diagonal(matrix), ops.sum(matrix, axis=0), ops.sum(matrix, axis=1)

    def _score(self, above: Any, below: Any) -> Any:
        # Where the denominator is 0, so are the numerator and the score.
        scores = above / ops.where(below > 0, below, ops.ones_like(below))
        return scores[1] if self.num_classes == 2 else ops.mean(scores)


@keras.saving.register_keras_serializable(package="rnnkit")
class Precision(_ConfusionMetric):
    """Precision: fraction of the predictions of a class that are correct, `M_cc / Σ_i M_ic`.

    Two classes: of class 1. More: macro average. Without predictions: 0.

    Args:
        num_classes: number of classes, 2 for a single probability.
        name, dtype: as in Keras; a matrix of float32 is exact up to 16.7 million.

    Example:
        >>> metric = Precision()
        >>> metric.update_state([0, 1, 1], [[0.9], [0.8], [0.2]])
        >>> float(metric.result())
        0.5
    """

    def result(self) -> Any:
        """Return the precision so far."""
        hits, predicted, _ = self._counts()
        return self._score(hits, predicted)


@keras.saving.register_keras_serializable(package="rnnkit")
class Recall(_ConfusionMetric):
    """Recall: fraction of the members of a class that are found, `M_cc / Σ_j M_cj`.

    Two classes: of class 1. More: macro average. Without members: 0.

    Args:
        num_classes: number of classes, 2 for a single probability.
        name, dtype: as in Keras; a matrix of float32 is exact up to 16.7 million.

    Example:
        >>> metric = Recall()
        >>> metric.update_state([0, 1, 1], [[0.9], [0.8], [0.2]])
        >>> float(metric.result())
        0.5
    """

    def result(self) -> Any:
        """Return the recall so far."""
        hits, _, true = self._counts()
        return self._score(hits, true)


@keras.saving.register_keras_serializable(package="rnnkit")
class F1(_ConfusionMetric):
    """F1: harmonic mean of precision and recall, `2 M_cc / (Σ_i M_ic + Σ_j M_cj)`.

    Two classes: of class 1. More: macro average. Without members and predictions: 0.

    Args:
        num_classes: number of classes, 2 for a single probability.
        name, dtype: as in Keras; a matrix of float32 is exact up to 16.7 million.

    Example:
        >>> metric = F1()
        >>> metric.update_state([0, 1, 1], [[0.9], [0.8], [0.2]])
        >>> float(metric.result())
        0.5
    """

    def result(self) -> Any:
        """Return the F1 so far."""
        hits, predicted, true = self._counts()
        return self._score(2 * hits, predicted + true)


@keras.saving.register_keras_serializable(package="rnnkit")
class StepAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Share of the steps of sequences at which the right class has the highest score: Σ w r / Σ w.

    Keras's metric of sequences `(B, T)` divides the weights of a batch by T, so that the steps of
    narrow batches count for more.

    Example:
        >>> metric = StepAccuracy()
        >>> metric.update_state([[0, 1]], [[[0.9, 0.1], [0.8, 0.2]]], [[1.0, 1.0]])
        >>> metric.update_state([[0, 0, 0, 0]], [[[0.9, 0.1]] * 4], [[1.0, 1.0, 0.0, 0.0]])
        >>> float(metric.result())
        0.75
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add classes `(B, T)`, scores `(B, T, C)` and weights `(B, T)`."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        weights = None if sample_weight is None else ops.reshape(sample_weight, (-1,))
        scores = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        super().update_state(ops.reshape(y_true, (-1,)), scores, weights)


@keras.saving.register_keras_serializable(package="rnnkit")
class ClassAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of the examples whose most probable class is right; of soft labels, the top one.

    Example:
        >>> metric = ClassAccuracy()
        >>> metric.update_state([[1.0], [0.2]], [[0.9], [0.8]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(fn=_is_right, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}


def _is_right(y_true: Any, y_pred: Any) -> Any:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = hard_labels(ops.convert_to_tensor(y_true), y_pred)
    if y_pred.shape[-1] > 1:
        return keras.metrics.sparse_categorical_accuracy(y_true, y_pred)
    return keras.metrics.binary_accuracy(ops.reshape(y_true, (-1, 1)), y_pred)


def classification_metrics(num_classes: int) -> list[keras.metrics.Metric]:
    """Return the metrics "precision", "recall" and "f1".

    Example:
        >>> [metric.name for metric in classification_metrics(2)]
        ['precision', 'recall', 'f1']
    """
    return [metric(num_classes=num_classes) for metric in (Precision, Recall, F1)]


__getattr__ = renamed_names(__name__, {"of_classes": "classification_metrics"})
