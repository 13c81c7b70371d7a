"""Weights of examples in the loss: given for each example, or for each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnkit.errors import InputError, quote


def check_sample_weight(sample_weight: Any, count: int, name: str) -> np.ndarray | None:
    """Return the weight of each example as `(N,)` float32, or refuse invalid ones.

    Args:
        sample_weight: a number of at least 0 for each example; None = no weights.
        count: N, the number of examples.
        name: what messages call the set.

    Example:
        >>> check_sample_weight([1, 2], 2, "The training set")
        array([1., 2.], dtype=float32)
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight)
    if weights.dtype.kind not in "biuf":
        raise InputError(f"{name}: sample_weight holds {weights.dtype}; expected numbers.")
    weights = weights.reshape(-1) if weights.shape[1:] == (1,) else weights
    if weights.shape != (count,):
        raise InputError(
            f"{name}: sample_weight has the shape {weights.shape}; expected one number for each of "
            f"the {count} examples."
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise InputError(
            f"{name}: sample_weight of example {wrong[0]} is {weights[wrong[0]]}; expected a "
            "finite number of at least 0."
        )
    if count and not weights.any():
        raise InputError(
            f"{name}: sample_weight is 0 for each of the {count} examples, so that none counts. "
            "Give at least one of them a weight above 0."
        )
    return weights.astype("float32")


def multiply_weights(sample_weight: np.ndarray | None, by_class: np.ndarray) -> np.ndarray:
    """Return the product of the weights of the examples and of their classes, float32.

    Raises:
        InputError: no example has a weight above 0.

    Example:
        >>> multiply_weights(np.array([1.0, 2.0]), np.array([3.0, 0.0])).tolist()
        [3.0, 0.0]
    """
    weights = by_class if sample_weight is None else sample_weight * by_class
    if not weights.any():
        raise InputError(
            "class_weight leaves no training example a weight above 0. Give at least one class "
            "that has examples a weight above 0."
        )
    return weights


def weight_by_class(
    class_weight: Any, numbers: np.ndarray, classes: Sequence[Any], index: Callable[[Any], int]
) -> np.ndarray:
    """Return the weight of each example by its class; classes without a weight have 1.

    Args:
        class_weight: label -> weight; or "balanced": `N / (C n_c)` for C classes, of which class
            c has n_c examples, the same weight in total for every class.
        numbers: `(N,)`, the class index of each example.
        classes: the C labels.
        index: label -> class index; raises InputError for an unknown label.

    Example:
        >>> weight_by_class("balanced", np.array([0, 1, 1, 1]), "ab", "ab".index).round(2)
        array([2.  , 0.67, 0.67, 0.67], dtype=float32)
    """
    weights = np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(numbers, minlength=len(classes))
        weights = len(numbers) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(class_weight, Mapping):
        labels: dict[int, Any] = {}
        for label, weight in class_weight.items():
            number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
            if not number or not np.isfinite(weight) or weight < 0:
                raise InputError(
                    f"class_weight of {quote(label)} is {quote(weight)}; expected a finite "
                    "number of at "
                    "least 0."
                )
            place = index(label)
            if place in labels:
                raise InputError(
                    f"class_weight has two weights for the class {classes[place]!r}: those of "
                    f"{labels[place]!r} and of {label!r}. Leave one of them out."
                )
            labels[place] = label
            weights[place] = weight
    else:
        raise InputError(
            f"class_weight is {quote(class_weight)}; expected a weight for each label, such as "
            f'{{{quote(classes[0])}: 2.0, {quote(classes[-1])}: 1.0}}, or "balanced".'
        )
    return weights[numbers].astype("float32")
