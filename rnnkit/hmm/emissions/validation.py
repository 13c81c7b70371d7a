"""Validation of settings and observations, shared by the emissions."""

from __future__ import annotations

import numpy as np

from rnnkit.errors import InputError

MAX_VALUE = 1e15  # squares of larger values, summed over a million steps, overflow float32


def check_features(x: np.ndarray, features: int | None) -> np.ndarray:
    """Return observations, `(N, D)` or `(N,)`, as floats `(N, D)`.

    Raises:
        InputError: not numbers, another number of features, NaN, an infinite or a huge value.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise InputError(f"Observations must be numbers; got an array of {x.dtype}.")
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2:
        raise InputError(f"Observations must have the shape (steps, features); got {x.shape}.")
    if features is not None and x.shape[1] != features:
        raise InputError(
            f"The model has {features} feature{'s' * (features != 1)}; got observations with "
            f"{x.shape[1]}. Give the features that it was fitted to, in their order."
        )
    if x.dtype not in (np.float32, np.float64):
        x = x.astype("float64")
    if not (np.abs(x) <= MAX_VALUE).all():
        step, feature = np.argwhere(~(np.abs(x) <= MAX_VALUE))[0]
        raise InputError(
            f"Observation {step}, feature {feature} is {x[step, feature]}; expected a finite "
            f"value of at most {MAX_VALUE:g}. Set it to NaN if it is missing, or scale the feature."
        )
    return x


def check_integer_observations(x: np.ndarray, what: str) -> np.ndarray:
    """Return observations that are non-negative integers, "symbol" or "count", unchanged.

    Raises:
        InputError: a fraction, a negative number, NaN, or an array that is not numeric.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise InputError(f"Expected {what}s, integers of at least 0; got an array of {x.dtype}.")
    bad = ~((x >= 0) & (x == np.floor(x)) & (x < np.inf)) if x.dtype.kind in "fi" else x < 0
    if bad.any():
        where = np.argwhere(bad)[0]
        raise InputError(
            f"Observation {where[0]} is {x[tuple(where)]}; expected a {what} of at least 0."
        )
    return x
