"""Initial parameters of Baum-Welch, for all restarts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.params import Params


def random_generator(random_state: Any) -> np.random.Generator:
    """Return a generator from a seed, None, or a generator of either of NumPy's kinds.

    Example:
        >>> int(random_generator(0).integers(10)) == int(random_generator(0).integers(10))
        True
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    return np.random.default_rng(random_state)


def initial_chain(
    states: int, restarts: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return initial start and transition probabilities for every restart.

    The first restart has a uniform transition matrix; each of the others adds a random
    self-transition probability.

    Args:
        states: K.
        restarts: R.
        rng: the random generator.

    Returns:
        `(R, K)` and `(R, K, K)`.

    Example:
        >>> initial_chain(2, 1, np.random.default_rng(0))[1].tolist()
        [[[0.5, 0.5], [0.5, 0.5]]]
    """
    sticky = rng.uniform(0, 1, restarts)
    sticky[0] = 0
    even = np.full((states, states), 1 / states)
    moves = sticky[:, None, None] * np.eye(states) + (1 - sticky[:, None, None]) * even
    return np.full((restarts, states), 1 / states), moves


def initial_params(
    emission: Emission,
    x: np.ndarray,
    states: int,
    restarts: int,
    given: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> Params:
    """Return the initial parameters of every restart.

    Args:
        emission: initialises its own parameters.
        x: the observed steps, `(N, ...)`.
        states: K.
        restarts: R; 1 if all parameters are given.
        given: parameters that are not initialised, without restarts.
        rng: the random generator.
    """
    if set(given) >= {"startprob", "transmat", *emission.constraints}:
        restarts = 1
    start, moves = initial_chain(states, restarts, rng)
    first = {"startprob": start, "transmat": moves}
    if not set(given) >= set(emission.constraints):
        found = [emission.initial_params(x, states, rng) for _ in range(restarts)]
        first |= {name: np.stack([each[name] for each in found]) for name in emission.constraints}
    for name, values in given.items():
        first[name] = np.broadcast_to(values, (restarts, *np.shape(values)))
    return Params.from_dict(first)
