"""Losses on `keras.ops`, where the backends' own differ."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="rnnkit")
def binary_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """Return `-(y log p + (1 - y) log(1 - p))`, the mean over the last axis.

    Keras's own raises an error of torch's where p is NaN, before anything can say what happened;
    here NaN comes through, and the training stops with its own message.

    Args:
        y_true: labels 0 or 1, `(..., 1)`.
        y_pred: probabilities p of label 1, `(..., 1)`; kept 1e-7 away from 0 and 1.

    Example:
        >>> round(float(binary_crossentropy(ops.array([[1.0]]), ops.array([[0.5]]))[0]), 4)
        0.6931
    """
    y_true = ops.cast(y_true, y_pred.dtype)
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)
