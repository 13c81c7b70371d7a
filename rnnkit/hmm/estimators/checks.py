"""Validation of the parameters of a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnnkit.errors import InputError
from rnnkit.hmm.emissions.base import Emission

# Rounding error of a sum of a hundred float32 probabilities.
SUM_TOLERANCE = 1e-5


def check_chain(startprob: np.ndarray, transmat: np.ndarray, states: int) -> None:
    """Check that start and transition probabilities are distributions.

    Args:
        startprob: `(K,)`.
        transmat: `(K, K)`.
        states: K.

    Raises:
        InputError: a wrong shape, a negative entry, a row that does not sum to 1.

    Example:
        >>> check_chain(np.array([0.5, 0.5]), np.array([[0.7, 0.3], [0.5, 0.4]]), 2)
        Traceback (most recent call last):
        rnnkit.errors.InputError: Row 1 of transmat_ sums to 0.9; each row must sum to 1.
    """
    for name, values, shape in (
        ("startprob_", startprob, (states,)),
        ("transmat_", transmat, (states, states)),
    ):
        if values.shape != shape:
            raise InputError(
                f"{name} has the shape {values.shape}; {states} states need {shape} "
                f"(n_components={states})."
            )
        check_probabilities(name, values)


def check_probabilities(name: str, values: np.ndarray) -> None:
    """Check that probabilities are non-negative and sum to 1 along the last axis.

    Args:
        name: for the message.
        values: `(..., K)`.

    Raises:
        InputError: the first invalid row.
    """
    _check_finite(name, values)
    rows = values.reshape(-1, values.shape[-1])
    negative = np.flatnonzero((rows < 0).any(-1))
    sums = rows.sum(-1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE)

    def row(place: int) -> str:
        at = ", ".join(str(i) for i in np.unravel_index(place, values.shape[:-1]))
        return name if values.ndim == 1 else f"Row {at} of {name}"

    if negative.size:
        raise InputError(f"{row(int(negative[0]))} has a negative probability.")
    if wrong.size:
        place = int(wrong[0])
        raise InputError(
            f"{row(place)} sums to {sums[place]:.6g}; "
            f"{'it' if values.ndim == 1 else 'each row'} must sum to 1."
        )


def check_emission(
    emission: Emission, params: Mapping[str, np.ndarray], states: int, features: int
) -> None:
    """Check shapes and constraints of the parameters of an emission.

    Args:
        emission: the emission.
        params: its parameters, without restarts.
        states: K.
        features: D of the observations.

    Raises:
        InputError: an invalid parameter, by its name.
    """
    known = type(emission).shapes is not Emission.shapes
    shapes = emission.shapes(states, features) if known else {}
    for name, values in params.items():
        if name in shapes and values.shape != tuple(shapes[name]):
            raise InputError(
                f"{name}_ has the shape {values.shape}; {states} states and observations of "
                f"{features} features need {tuple(shapes[name])}."
            )
        constraint = emission.constraints[name]
        if constraint == "simplex":
            check_probabilities(f"{name}_", values)
            continue
        _check_finite(f"{name}_", values)
        if constraint == "positive" and (values < 0).any():
            raise InputError(f"{name}_ has a negative entry; it must be positive.")
        if constraint == "covariance":
            _check_covariances(f"{name}_", values)


def _check_finite(name: str, values: np.ndarray) -> None:
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise InputError(f"{name} must hold finite numbers.")


def _check_covariances(name: str, values: np.ndarray) -> None:
    """Check that matrices are symmetric and positive definite."""
    matrices = values.reshape(-1, *values.shape[-2:]).astype("float64")
    for place, matrix in enumerate(matrices):
        scale = np.abs(matrix).max()
        if np.abs(matrix - matrix.T).max() > 1e-5 * scale:
            raise InputError(f"Matrix {place} of {name} is not symmetric.")
        if np.linalg.eigvalsh(matrix).min() <= -1e-6 * scale:
            raise InputError(f"Matrix {place} of {name} is not positive definite.")
