"""Comparison of the answers of an exported file with those of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.errors import InputError

TOLERANCE = 1e-5
Arrays = list[np.ndarray]


class Call(NamedTuple):
    """One call of an exported network.

    Attributes:
        name: of the signature.
        inputs: in the order of the network's inputs.
        outputs: what the model answers.
    """

    name: str
    inputs: Arrays
    outputs: Arrays


def largest_difference(found: Sequence[Arrays], wanted: Sequence[Arrays]) -> float:
    """Return the largest difference between the answers of several calls.

    That of numbers above 1 is relative: `|a - b| / max(1, |b|)`. Whole numbers, such as tags, have
    to be equal. Other shapes, other numbers of outputs and NaN at other places are infinitely far.

    Args:
        found: the outputs of each call.
        wanted: the same, of the model.

    Example:
        >>> largest_difference([[np.array([2.0, 0.5])]], [[np.array([2.0, 0.25])]])
        0.25
        >>> largest_difference([[np.array([7])]], [[np.array([8])]])
        inf
    """
    if list(map(len, found)) != list(map(len, wanted)):
        return float("inf")
    pairs = [pair for one, two in zip(found, wanted, strict=True) for pair in zip(one, two)]  # noqa: B905
    return max((_difference(np.asarray(a), np.asarray(b)) for a, b in pairs), default=0.0)


def _difference(found: np.ndarray, wanted: np.ndarray) -> float:
    if found.shape != wanted.shape:
        return float("inf")
    if wanted.dtype.kind != "f":
        return 0.0 if np.array_equal(found, wanted) else float("inf")
    found, wanted = found.astype("float64"), wanted.astype("float64")
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))  # infinities, too
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted)))
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))


def check_answers(found: Sequence[Arrays], calls: Sequence[Call], format: str) -> float:
    """Return the largest difference from the model's answers; refuse one above `TOLERANCE`.

    Raises:
        InputError: the file answers otherwise than the model.
    """
    apart = largest_difference(found, [call.outputs for call in calls])
    if apart > TOLERANCE:
        raise InputError(
            f"The {format} file answers otherwise than the model: they differ by {apart:.2g}, more "
            f"than {TOLERANCE:g}. Nothing was kept; choose another format."
        )
    return apart
