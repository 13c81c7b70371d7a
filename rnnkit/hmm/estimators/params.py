"""Parameters of a hidden Markov model: the record, initial values, checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from rnnkit.errors import InputError
from rnnkit.hmm.emissions.base import Arrays, Emission
from rnnkit.hmm.estimators.coordinates import Coordinates

SUM_TOLERANCE = 1e-5  # rounding error of a sum of a hundred float32 probabilities


class Params(NamedTuple):
    """Parameters of a hidden Markov model, with or without a leading axis of restarts R."""

    startprob: Any  # (R, K) or (K,)
    transmat: Any  # (R, K, K) or (K, K), from row to column
    emission: Mapping[str, Any]  # name -> (R, ...) or (...)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Params:
        """Build the record from all parameters by name."""
        emission = dict(values)
        return cls(emission.pop("startprob"), emission.pop("transmat"), emission)

    def to_dict(self) -> dict[str, Any]:
        """Return all parameters by name."""
        return {"startprob": self.startprob, "transmat": self.transmat, **self.emission}

    def map(self, function: Callable[[Any], Any]) -> Params:
        """Apply a function to each parameter.

        Example:
            >>> Params([1.0], [[1.0]], {"means": [[0.0]]}).map(len).emission
            {'means': 1}
        """
        return Params.from_dict({name: function(value) for name, value in self.to_dict().items()})


def random_generator(random_state: Any) -> Generator:
    """Return a generator from a seed, None, or a generator of either of NumPy's kinds."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    return np.random.default_rng(random_state)


def initial_chain(states: int, restarts: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return initial start and transition probabilities, `(R, K)` and `(R, K, K)`.

    The first restart has a uniform transition matrix; each of the others adds a random
    self-transition probability.

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
    coordinates: Coordinates,
    x: np.ndarray,
    states: int,
    restarts: int,
    given: Arrays,
    rng: Generator,
) -> Params:
    """Return the initial parameters of every restart, in the units of the computation.

    Args:
        coordinates: of the emission, which initialises its own parameters.
        x: the observed steps in the units of the data, `(N, ...)`.
        states: K.
        restarts: R; 1 if all parameters are given.
        given: parameters that are not initialised, without restarts.
        rng: the random generator.
    """
    names = set(coordinates.emission.constraints)
    if set(given) >= {"startprob", "transmat", *names}:
        restarts = 1
    start, moves = initial_chain(states, restarts, rng)
    first = {"startprob": start, "transmat": moves}
    if not set(given) >= names:
        found = [coordinates.initial_params(x, states, rng) for _ in range(restarts)]
        first |= {name: np.stack([each[name] for each in found]) for name in names}
    for name, values in given.items():
        first[name] = np.broadcast_to(values, (restarts, *np.shape(values)))
    return Params.from_dict(first)


def check_chain(startprob: np.ndarray, transmat: np.ndarray, states: int) -> None:
    """Refuse start or transition probabilities of a wrong shape, or that are no distributions.

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
            raise InputError(f"{name} has the shape {values.shape}; {states} states need {shape}.")
        check_probabilities(name, values)


def check_probabilities(name: str, values: np.ndarray) -> None:
    """Refuse probabilities `(..., K)` that are negative or do not sum to 1 along the last axis."""
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
        place, each = int(wrong[0]), "it" if values.ndim == 1 else "each row"
        raise InputError(f"{row(place)} sums to {sums[place]:.6g}; {each} must sum to 1.")


def check_emission(emission: Emission, params: Arrays, states: int, features: int | None) -> None:
    """Refuse parameters of an emission, without restarts, of a wrong shape or constraint.

    Args:
        emission: whose constraints hold.
        params: all or some of its parameters.
        states: K.
        features: D; None = that of the parameters.
    """
    known = type(emission).shapes is not Emission.shapes
    if features is None:
        features = emission.n_features_of(params) if known else 0
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
        if name == "covars" and constraint == "positive" and not values.all():
            raise InputError(f"{name}_ has an entry of 0; a variance must be positive.")
        if constraint == "covariance":
            _check_covariances(f"{name}_", values)


def _check_finite(name: str, values: np.ndarray) -> None:
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise InputError(f"{name} must hold finite numbers.")


def _check_covariances(name: str, values: np.ndarray) -> None:
    """Check that matrices are symmetric and positive definite."""
    matrices = values.reshape(-1, *values.shape[-2:]).astype("float64")
    for place, matrix in enumerate(matrices):
        variances = np.diagonal(matrix)
        if (variances <= 0).any():
            raise InputError(f"Matrix {place} of {name} is not positive definite.")
        scale = np.sqrt(variances)
        matrix = matrix / scale / scale[:, None]  # features of any units
        if np.abs(matrix - matrix.T).max() > 1e-5:
            raise InputError(f"Matrix {place} of {name} is not symmetric.")
        if np.linalg.eigvalsh(matrix).min() <= -1e-6:
            raise InputError(f"Matrix {place} of {name} is not positive definite.")
