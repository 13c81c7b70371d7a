"""Calibration of classifiers: how often they are right where they are so sure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnkit.study.kept_answers import predicted

BINS = 15  # as in the source


class Reliability(NamedTuple):
    """Examples in bins of confidence, without the empty ones.

    Attributes:
        confidence: mean probability of the predicted class, `(bins,)`.
        accuracy: share of examples that are right, `(bins,)`.
        examples: how many there are, `(bins,)`.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    examples: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of both, weighted by the examples."""
        distance = np.abs(self.accuracy - self.confidence)
        return float(np.average(distance, weights=self.examples))


def reliability(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> Reliability:
    """Return accuracy by confidence, in bins of equal width, each with its upper edge.

    Args:
        probabilities: `(N, C)`, or `(N, 1)` of the second of two classes; N is at least 1.
        truth: the number of each example's class, `(N,)`.
        bins: between 0 and 1.

    Source: Guo, Pleiss, Sun and Weinberger 2017, arXiv:1706.04599, equations 2 and 5.

    Example:
        >>> found = reliability(np.array([[0.9], [0.9], [0.9], [0.4]]), np.array([1, 1, 0, 0]))
        >>> found.accuracy.round(3).tolist(), round(found.error, 3)
        ([1.0, 0.667], 0.275)
    """
    sure = confidences(probabilities)
    right = (predicted(probabilities) == truth).astype("float64")
    place = np.digitize(sure, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    count = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, each, minlength=bins) for each in (sure, right))
    confidence, accuracy = (each[count > 0] / count[count > 0] for each in sums)
    return Reliability(confidence, accuracy, count[count > 0])


def confidences(probabilities: np.ndarray) -> np.ndarray:
    """Return the probability of the predicted class, `(N,)`.

    Example:
        >>> confidences(np.array([[0.25], [0.875]])).tolist()
        [0.75, 0.875]
    """
    return all_classes(probabilities).max(axis=1)


def all_classes(probabilities: np.ndarray) -> np.ndarray:
    """Return the probability of each class, `(N, C)`, also where that of the second alone is given.

    Example:
        >>> all_classes(np.array([[0.25]])).tolist()
        [[0.75, 0.25]]
    """
    found = np.asarray(probabilities, "float64")
    return found if found.shape[1] > 1 else np.concatenate([1 - found, found], axis=1)
