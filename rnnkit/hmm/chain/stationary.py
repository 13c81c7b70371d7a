"""Communicating classes, period and stationary distribution of a Markov chain."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse.csgraph import connected_components, shortest_path


def communicating_classes(transmat: np.ndarray) -> list[tuple[list[int], bool]]:
    """Return the states of each communicating class, and whether it is closed (never left).

    Classes are in the order of their first states. `transmat` has a row for the state left.

    Example:
        >>> communicating_classes(np.array([[0.5, 0.5], [0.0, 1.0]]))
        [([0], False), ([1], True)]
    """
    labels = _labels(transmat)
    classes = []
    for label in dict.fromkeys(labels.tolist()):
        inside = labels == label
        closed = not (transmat[inside][:, ~inside] > 0).any()
        classes.append((np.flatnonzero(inside).tolist(), closed))
    return classes


def reachable(transmat: np.ndarray) -> np.ndarray:
    """Return which states can be reached from which, in any number of steps: boolean `(K, K)`.

    Example:
        >>> reachable(np.array([[0.5, 0.5], [0.0, 1.0]]))
        array([[ True,  True],
               [False,  True]])
    """
    return np.isfinite(shortest_path(transmat > 0, unweighted=True))


def period(transmat: np.ndarray, state: int) -> int:
    """Return the period of a state: see `MarkovChain.period`.

    All states of a communicating class have the same period; 1 is aperiodic.

    Example:
        >>> period(np.array([[0.0, 1.0], [1.0, 0.0]]), 0)
        2
    """
    labels = _labels(transmat)
    inside = labels == labels[state]
    edges = (transmat > 0)[inside][:, inside]
    # With d(i) the number of steps from the state to i on some path, every edge i -> j of the class
    # changes d(i) + 1 - d(j) by a multiple of the period, and these numbers generate it.
    depth = shortest_path(edges, unweighted=True, indices=inside[:state].sum()).astype(int)
    before, after = np.nonzero(edges)
    return math.gcd(*(depth[before] + 1 - depth[after]).tolist())


def stationary_distribution(transmat: np.ndarray) -> np.ndarray:
    """Return the stationary distribution of an irreducible chain: `π P = π`, `Σ_k π_k = 1`.

    The GTH algorithm: states are eliminated one by one, without any subtraction, so that even a
    probability of 1e-300 keeps all its digits.

    Source: Grassmann, Taksar and Heyman 1985, Regenerative Analysis and Steady State Distributions
        for Markov Chains, Operations Research 33(5).

    Example:
        >>> stationary_distribution(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12)
        array([0.75, 0.25])
    """
    flow = np.array(transmat, "float64")
    for last in range(len(flow) - 1, 0, -1):
        flow[:last, last] /= flow[last, :last].sum()
        flow[:last, :last] += np.outer(flow[:last, last], flow[last, :last])
    visits = np.ones(len(flow))  # expected visits between two visits to the first state
    for state in range(1, len(flow)):
        visits[state] = visits[:state] @ flow[:state, state]
    return visits / visits.sum()


def _labels(transmat: np.ndarray) -> np.ndarray:
    """Return the index of the communicating class of each state."""
    return connected_components(transmat > 0, directed=True, connection="strong")[1]
