"""Where Baum-Welch begins, and how many starts are trained together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnkit.errors import InputError
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.baum_welch import Trained, Training, baum_welch
from rnnkit.hmm.estimators.chunks import split
from rnnkit.hmm.estimators.sequences import Sequences

# Steps times states times restarts of one Baum-Welch: its posteriors take 256 MiB in float32.
TOGETHER = 1 << 26


def generator(random_state: Any) -> np.random.Generator:
    """Return a generator from a seed, None, or a generator of either of NumPy's kinds.

    Example:
        >>> int(generator(0).integers(10)) == int(generator(0).integers(10))
        True
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    return np.random.default_rng(random_state)


def first_chain(
    states: int, restarts: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return start and transition probabilities of every restart.

    The first restart holds all transitions for equally likely; the others stay in a state with a
    probability that is drawn for each.

    Args:
        states: K.
        restarts: R.
        rng: decides.

    Returns:
        `(R, K)` and `(R, K, K)`.

    Example:
        >>> first_chain(2, 1, np.random.default_rng(0))[1].tolist()
        [[[0.5, 0.5], [0.5, 0.5]]]
    """
    sticky = rng.uniform(0, 1, restarts)
    sticky[0] = 0
    even = np.full((states, states), 1 / states)
    moves = sticky[:, None, None] * np.eye(states) + (1 - sticky[:, None, None]) * even
    return np.full((restarts, states), 1 / states), moves


def first_parameters(
    emission: Emission,
    x: np.ndarray,
    states: int,
    restarts: int,
    given: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return the first parameters of every restart.

    Args:
        emission: finds its own.
        x: what was observed, `(N, ...)`.
        states: K.
        restarts: R.
        given: parameters that are kept, without restarts.
        rng: decides.

    Returns:
        name -> `(R, ...)`; R is 1 where nothing is left to begin anew.
    """
    if set(given) >= {"startprob", "transmat", *emission.kinds}:
        restarts = 1
    start, moves = first_chain(states, restarts, rng)
    first = {"startprob": start, "transmat": moves}
    if not set(given) >= set(emission.kinds):
        found = [emission.start(x, states, rng) for _ in range(restarts)]
        first |= {name: np.stack([each[name] for each in found]) for name in emission.kinds}
    for name, values in given.items():
        first[name] = np.broadcast_to(values, (restarts, *np.shape(values)))
    return first


def train(
    emission: Emission,
    sequences: Sequences,
    x: np.ndarray,
    observed: np.ndarray,
    first: Mapping[str, np.ndarray],
    training: Training,
) -> Trained:
    """Run Baum-Welch from every start, as many at once as memory allows, and keep the best.

    Args:
        emission: the emission.
        sequences: lengths and known states.
        x: `(N, ...)`, the observations as the emission wants them.
        observed: `(N,)`.
        first: the first parameters, name -> `(R, ...)`.
        training: how.

    Raises:
        InputError: no iteration is asked for.
    """
    if training.n_iter < 1:
        raise InputError(f"n_iter is {training.n_iter}; at least one iteration is needed.")
    restarts, states = first["startprob"].shape
    together = min(max(TOGETHER // (len(x) * states), 1), restarts)
    chunks = split(sequences, x, observed, states * together)
    best: Trained | None = None
    for start in range(0, restarts, together):
        group = {name: values[start : start + together] for name, values in first.items()}
        found = baum_welch(emission, chunks, group, training)
        if best is None or found.history[-1] > best.history[-1]:
            best = found
    assert best is not None
    return best
