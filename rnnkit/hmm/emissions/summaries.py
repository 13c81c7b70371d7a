"""Summaries of weighted observations: few points with the same sums, computed in float64."""

from __future__ import annotations

import numpy as np

from rnnkit.hmm.emissions.arithmetic import MIN_WEIGHT


def weighted_means(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted means `(R, K, D)` of observations; arguments as below."""
    totals = np.maximum(weights.sum(1), MIN_WEIGHT)[..., None]
    return np.swapaxes(weights, 1, 2) @ x.astype("float64") / totals


def weighted_moments(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted means and covariances of observations.

    Args:
        x: `(N, D)`.
        weights: `(R, N, K)`.

    Returns:
        Means `(R, K, D)`, and covariances `(R, K, D, D)`.

    Example:
        >>> x, weights = np.array([[1.0], [3.0]]), np.ones((1, 2, 1))
        >>> [found.ravel().tolist() for found in weighted_moments(x, weights)]
        [[2.0], [1.0]]
    """
    means, totals = weighted_means(x, weights), np.maximum(weights.sum(1), MIN_WEIGHT)
    restarts, states, features = means.shape
    covars = np.empty((restarts, states, features, features))
    for index in np.ndindex(restarts, states):
        away = x - means[index]
        weight = weights[index[0], :, index[1], None]
        covars[index] = (away * weight).T @ away / totals[index]
    return means, covars


def points_of_states(points: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points of each state in one list, with weights of 0 for all others.

    Args:
        points: `(R, K, P, D)`.
        totals: `(R, K)`, shared by the points of a state in equal parts.

    Returns:
        Observations `(R K P, D)`, and their weights `(R, R K P, K)`.

    Example:
        >>> x, weights = points_of_states(np.array([[[[1.0]], [[2.0]]]]), np.array([[3.0, 4.0]]))
        >>> x.tolist(), weights.tolist()
        ([[1.0], [2.0]], [[[3.0, 0.0], [0.0, 4.0]]])
    """
    restarts, states, count, features = points.shape
    weights = np.zeros((restarts, restarts, states, count, states))
    for r, k in np.ndindex(restarts, states):
        weights[r, r, k, :, k] = totals[r, k] / count
    return points.reshape(-1, features), weights.reshape(restarts, -1, states)
