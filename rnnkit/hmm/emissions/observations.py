"""What observations may be: the refusals that emissions share."""

from __future__ import annotations

import numpy as np

from rnnkit.errors import InputError

LARGEST = 1e15  # a square of more, summed over a million steps, leaves float32's range


def real_features(x: np.ndarray, features: int | None) -> np.ndarray:
    """Return observations as `(N, D)` of floats; `(N,)` is one feature.

    Args:
        x: `(N, D)` or `(N,)`.
        features: D, if it is known.

    Raises:
        InputError: not numbers, another number of features, NaN, an infinite or a huge value.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise InputError(f"The observations are numbers; got an array of {x.dtype}.")
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2:
        raise InputError(f"The observations are (steps, features); got the shape {x.shape}.")
    if features is not None and x.shape[1] != features:
        raise InputError(
            f"The model has {features} feature{'s' * (features != 1)}; got observations with "
            f"{x.shape[1]}. Give the features that it was trained on, in their order."
        )
    if x.dtype not in (np.float32, np.float64):
        x = x.astype("float64")
    if not (np.abs(x) <= LARGEST).all():
        step, feature = np.argwhere(~(np.abs(x) <= LARGEST))[0]
        raise InputError(
            f"Observation {step}, feature {feature} is {x[step, feature]}; values are finite and "
            f"not above {LARGEST:g}. Set it to NaN if it is missing, or scale the feature."
        )
    return x


def whole_numbers(x: np.ndarray, what: str) -> np.ndarray:
    """Return observations of whole numbers, 0 or more, unchanged in dtype and shape.

    Args:
        x: an array of any shape, its first axis the steps.
        what: "symbol" or "count", for the messages.

    Raises:
        InputError: a fraction, a negative number, NaN, or no numbers at all.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise InputError(f"A {what} is a whole number, 0 or more; got an array of {x.dtype}.")
    bad = ~((x >= 0) & (x == np.floor(x)) & (x < np.inf)) if x.dtype.kind in "fi" else x < 0
    if bad.any():
        where = np.argwhere(bad)[0]
        raise InputError(
            f"A {what} is a whole number, 0 or more; observation {where[0]} is {x[tuple(where)]}."
        )
    return x
