"""Linear autoregression: forecasts by least squares from the last values of a series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.data.series_encoding import Encoded


def lags(values: np.ndarray, context: int) -> np.ndarray:
    """Return the lagged values at each step, `(T, context)`; the step's own is the last.

    Before the first of the values `(T,)` there are zeros.

    Example:
        >>> lags(np.array([1.0, 2.0, 3.0]), 2).tolist()
        [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    """
    padded = np.concatenate([np.zeros(context - 1), values])
    return np.lib.stride_tricks.sliding_window_view(padded, context)


def fit_autoregression(encoded: Sequence[Encoded], context: int) -> tuple[np.ndarray, float]:
    """Fit `d_{t+h} = b + Σ_k a_k d_{t-k}` to the deviations of training series by least squares.

    Returns:
        a `(context,)`, the earliest first, and b.

    Example:
        >>> half = np.array([8.0, 4.0, 2.0, 1.0])
        >>> x, known = half[:, None], np.array([True, True, True, False])
        >>> line = fit_autoregression([Encoded(x, half / 2, half, known)], 1)
        >>> line[0].round(3).tolist(), abs(round(line[1], 3))
        ([0.5], 0.0)
    """
    counted = [(one, one.counts(context)) for one in encoded]
    rows = np.concatenate([lags(one.x[:, 0], context)[here] for one, here in counted])
    targets = np.concatenate([one.target[here] for one, here in counted])
    inputs = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    solution = np.linalg.lstsq(inputs, targets, rcond=None)[0]
    return solution[:-1], float(solution[-1])
