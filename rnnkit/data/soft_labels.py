"""Soft labels: the probability of each class in the place of a label."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.errors import InputError, quote

TOLERANCE = 1e-2  # of a row's sum: probabilities of half precision


def soft_rows(y: Any, name: str) -> np.ndarray | None:
    """Return rows of class probabilities as float64 `(N, C)`, or None where y holds no such rows.

    Args:
        y: the targets of a set.
        name: the set, for messages.

    Raises:
        InputError: rows of different lengths, or numbers that are no probabilities.

    Example:
        >>> soft_rows([[0.25, 0.75]], "The training set"), soft_rows(["pos"], "The training set")
        (array([[0.25, 0.75]]), None)
    """
    if not isinstance(y, list | np.ndarray) or not len(y) or not _is_row(y[0]):
        return None
    lengths = {len(row) if hasattr(row, "__len__") else 0 for row in y}
    if len(lengths) > 1:
        raise InputError(
            f"{name}: y holds rows of {' and '.join(map(str, sorted(lengths)))} probabilities; "
            "expected one for each class in every row."
        )
    try:
        rows = np.stack([np.asarray(row, "float64") for row in y])
    except (TypeError, ValueError):
        raise InputError(f"{name}: y[0] is {quote(y[0])}; expected probabilities.") from None
    return check_probabilities(rows, f"{name}: y")


def check_probabilities(rows: np.ndarray, where: str) -> np.ndarray:
    """Return rows `(N, C)` that sum to 1 exactly, or refuse what are no probabilities.

    Example:
        >>> check_probabilities(np.array([[0.5, 0.7]]), "y")
        Traceback (most recent call last):
        rnnkit.errors.InputError: y[0] is [0.5, 0.7], with the sum 1.2; expected probabilities of \
the classes, of at least 0 and with the sum 1.
    """
    sums = rows.sum(-1)
    with np.errstate(invalid="ignore"):
        right = np.isfinite(sums) & (rows >= 0).all(-1) & (np.abs(sums - 1) <= TOLERANCE)
    wrong = np.flatnonzero(~right)
    if len(wrong):
        shown = quote([round(value, 4) for value in rows[wrong[0]].tolist()])
        raise InputError(
            f"{where}[{wrong[0]}] is {shown}, with the sum {sums[wrong[0]]:.4g}; expected "
            "probabilities of the classes, of at least 0 and with the sum 1."
        )
    return rows / sums[:, None]


def from_one(probabilities: np.ndarray, where: str) -> np.ndarray:
    """Return the probabilities `(N,)` of the second of two classes as rows `(N, 2)`.

    Example:
        >>> from_one(np.array([0.25]), "y").tolist()
        [[0.75, 0.25]]
    """
    p = probabilities.astype("float64")
    wrong = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if len(wrong):
        raise InputError(
            f"{where}[{wrong[0]}] is {p[wrong[0]]}; expected a label, a name or a whole number, or "
            "the probability of the second of two classes, from 0 to 1."
        )
    return np.stack([1 - p, p], axis=-1)


def _is_row(row: Any) -> bool:
    """Return whether a target is a row of floats: several whole numbers are several labels."""
    if isinstance(row, np.ndarray):
        return row.ndim == 1 and len(row) > 1 and row.dtype.kind == "f"
    several = isinstance(row, list | tuple) and len(row) > 1
    return several and any(isinstance(one, float | np.floating) for one in row)
