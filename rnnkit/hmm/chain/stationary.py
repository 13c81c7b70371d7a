"""Where a Markov chain ends up: who reaches whom, in what rhythm, and how often it is where."""

from __future__ import annotations

import math

import numpy as np


def communicating_classes(transmat: np.ndarray) -> list[tuple[list[int], bool]]:
    """Sort the states into classes within which each state can be reached from each other one.

    Args:
        transmat: `(K, K)`, rows = from.

    Returns:
        For each class its states, and whether it is closed: once in, the chain never leaves it.
        Classes are in the order of their first states.

    Source: Norris 1997, Markov Chains, section 1.2.

    Example:
        >>> communicating_classes(np.array([[0.5, 0.5], [0.0, 1.0]]))
        [([0], False), ([1], True)]
    """
    reaches = reachable(transmat)
    both = reaches & reaches.T
    classes = []
    for state in range(len(transmat)):
        members = np.flatnonzero(both[state])
        if members[0] == state:
            closed = not np.delete(reaches[state], members).any()
            classes.append((members.tolist(), closed))
    return classes


def reachable(transmat: np.ndarray) -> np.ndarray:
    """Say from which state there is a way to which, in any number of steps, none included.

    Args:
        transmat: `(K, K)`, rows = from.

    Returns:
        `(K, K)` boolean.

    Example:
        >>> reachable(np.array([[0.5, 0.5], [0.0, 1.0]]))
        array([[ True,  True],
               [False,  True]])
    """
    reaches = (transmat > 0) | np.eye(len(transmat), dtype=bool)
    for between in range(len(transmat)):  # Warshall: ways that pass through no later state
        reaches |= np.outer(reaches[:, between], reaches[between])
    return reaches


def period(transmat: np.ndarray, state: int) -> int:
    """Return the greatest common divisor of the lengths of all ways from a state back to it.

    All states of one class share their period; 1 is called aperiodic.

    Args:
        transmat: `(K, K)`, rows = from.
        state: whose.

    Returns:
        The period; 0 where there is no way back.

    Source: Norris 1997, Markov Chains, section 1.8.

    Example:
        >>> period(np.array([[0.0, 1.0], [1.0, 0.0]]), 0)
        2
    """
    reaches = reachable(transmat)
    members = np.flatnonzero(reaches[state] & reaches[:, state])
    # With d(i) the steps from the state to i on some way, every edge i -> j of the class changes
    # d(i) + 1 - d(j) by a multiple of the period, and these numbers generate it.
    distance, waiting = {state: 0}, [state]
    for i in waiting:
        for j in members[transmat[i, members] > 0].tolist():
            if j not in distance:
                distance[j] = distance[i] + 1
                waiting.append(j)
    return math.gcd(
        *(distance[i] + 1 - distance[j] for i in distance for j in distance if transmat[i, j] > 0)
    )


def stationary(transmat: np.ndarray) -> np.ndarray:
    """Return the distribution that one step does not change: `π P = π`, `Σ_k π_k = 1`.

    States are taken out one by one, and what went through them is led past; nothing is ever
    subtracted, so that also a probability of 1e-300 comes out with all its digits.

    Args:
        transmat: `(K, K)`, rows = from, of an irreducible chain.

    Returns:
        `(K,)`.

    Source: Grassmann, Taksar and Heyman 1985, Regenerative Analysis and Steady State Distributions
        for Markov Chains, Operations Research 33(5).

    Example:
        >>> stationary(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12)
        array([0.75, 0.25])
    """
    flow = np.array(transmat, "float64")
    for last in range(len(flow) - 1, 0, -1):
        flow[:last, last] /= flow[last, :last].sum()
        flow[:last, :last] += np.outer(flow[:last, last], flow[last, :last])
    visits = np.ones(len(flow))  # between two visits to the first state
    for state in range(1, len(flow)):
        visits[state] = visits[:state] @ flow[:state, state]
    return visits / visits.sum()
