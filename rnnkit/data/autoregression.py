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


def fit_vector_autoregression(
    encoded: Sequence[Encoded], context: int, deviations: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Fit one autoregression for each output on the deviations of all targets.

    Args:
        encoded: series with several outputs.
        context: steps that are read.
        deviations: the numbers of the inputs that are deviations.

    Returns:
        Weights `(context, targets, outputs)`, biases `(outputs,)`, and the residuals of each.
    """
    rows = [np.concatenate([lags(one.x[:, i], context) for i in deviations], 1) for one in encoded]
    weights, biases, residuals = [], [], []
    for output in range(encoded[0].target.shape[1]):
        counts = [one.counts(context)[:, output] for one in encoded]
        inputs = np.concatenate([row[here] for row, here in zip(rows, counts, strict=True)])
        inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
        targets = np.concatenate(
            [one.target[here, output] for one, here in zip(encoded, counts, strict=True)]
        )
        solution = np.linalg.lstsq(inputs, targets, rcond=None)[0]
        weights.append(solution[:-1].reshape(len(deviations), context).T)
        biases.append(solution[-1])
        residuals.append(targets - inputs @ solution)
    return np.stack(weights, -1), np.array(biases), residuals
