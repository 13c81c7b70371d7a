"""The base class of emissions: log-likelihood, M-step, constraints; checks of observations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.random import Generator

from rnnkit.deprecation import RENAMES, Rename, warn
from rnnkit.errors import InputError
from rnnkit.hmm.emissions.units import Units

Tensor = Any
Tensors = Mapping[str, Tensor]
Arrays = Mapping[str, np.ndarray]
_RENAMED = [
    Rename("name", "rnnkit.hmm.Emission", "kinds", "constraints"),
    Rename("name", "rnnkit.hmm.Emission", "start", "initial_params"),
]
RENAMES.extend(_RENAMED)
Constraint = Literal["real", "positive", "simplex", "covariance"]
MAX_VALUE = 1e150  # squares of larger values overflow float64
MAX_STANDARDIZED = 1e15  # squares of larger values, summed over a million steps, overflow float32


class Emission:
    """Abstract emission distribution of a hidden Markov model, `p(x | z = k)`.

    A custom emission defines `constraints`, `log_likelihood` and `m_step`. The other methods are
    optional: `initial_params` initialises the parameters, `sample` draws observations, `shapes`
    lets the model check and count parameters, `check` validates observations.

    Every parameter has the restarts R as its leading axis, trained as one batch. `log_likelihood`
    and `m_step` are compiled: they use `keras.ops` only, and no Python branch on values. Emissions
    of one class with equal attributes are equal, have one hash and share compiled functions.

    Attributes:
        constraints: parameter name -> "real", "positive", "simplex" (the last axis sums to 1) or
            "covariance" (the last two axes, positive definite).
    """

    constraints: Mapping[str, Constraint] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for rename in _RENAMED:
            if rename.old in vars(cls):
                warn(rename)
                setattr(cls, rename.new, vars(cls)[rename.old])
        # A plain @dataclass would otherwise compare arrays with == and remove the hash.
        for name in ("__eq__", "__hash__"):
            if name not in vars(cls):
                setattr(cls, name, getattr(cls, name))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _hashable(vars(self)) == _hashable(vars(other))

    def __hash__(self) -> int:
        return hash((type(self), _hashable(vars(self))))

    def log_likelihood(self, params: Tensors, x: Tensor) -> Tensor:
        """Return `log p(x_n | z_n = k)`, `(R, N, K)`.

        Args:
            params: parameter name -> `(R, ...)`.
            x: the observations, `(N, D)`, or `(N,)` integers.
        """
        raise NotImplementedError

    def m_step(self, params: Tensors, x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """M-step: return the parameters that maximise the likelihood of weighted observations.

        A state without weight may get any value but NaN: the caller keeps its current parameters.

        Args:
            params: the current parameters, `(R, ...)` each.
            x: the observations, `(N, D)`, or `(N,)` integers.
            weights: `(R, N, K)`, the posterior of each state; 0 at steps without an observation.
        """
        raise NotImplementedError

    def summarize(self, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weighted observations with the same M-step: a part of the data as it is sent.

        Without a summary of its own, an emission returns them all.

        Args:
            x: the observations of one part of the data, `(N, D)` or `(N,)`.
            weights: `(R, N, K)` float64.

        Returns:
            Observations `(S, ...)` and their weights `(R, S, K)`.
        """
        return x, weights

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter for K states and D features, without the restarts."""
        raise NotImplementedError(f"{type(self).__name__} does not define shapes.")

    def check(self, x: np.ndarray, params: Arrays | None = None) -> np.ndarray:
        """Validate observations, and return them in the dtype that the emission needs.

        Args:
            x: `(N, D)` or `(N,)`, without NaN.
            params: the fitted parameters, without the restarts; None before the first fit.

        Raises:
            InputError: an observation outside the support of the emission.
        """
        del params
        return x

    def initial_params(self, x: np.ndarray, states: int, rng: Generator) -> dict[str, np.ndarray]:
        """Return initial parameters for one restart.

        Args:
            x: the observations, `(N, D)` or `(N,)`.
            states: K.
            rng: the random generator.
        """
        name = type(self).__name__
        raise InputError(
            f"{name} has no initialisation. Set its parameters ({', '.join(self.constraints)}) on "
            f"the model, or define {name}.initial_params."
        )

    def sample(self, params: Arrays, states: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw an observation, `(N, D)` or `(N,)`, for each state `(N,)`.

        Args:
            params: the parameters, without the restarts.
            states: the state of each step.
            rng: the random generator.
        """
        raise InputError(f"{type(self).__name__} cannot sample: define its method sample.")

    # Units: an emission of real numbers is computed in others than those of the data; see
    # `LocatedEmission`. Every other one has none.

    def units_of_data(self, x: np.ndarray) -> Units | None:
        """Return the units in which the model is fitted to observations; None = their own."""
        del x
        return None

    def units_of_params(self, params: Arrays) -> Units | None:
        """Return the units in which the model with these parameters is computed."""
        del params
        return None

    def density(self) -> Emission:
        """Return an emission with the same `log_likelihood`, without settings of the M-step."""
        return self

    def n_features_of(self, params: Arrays) -> int:
        """Return D of the observations that parameters, without the restarts, describe."""
        shape = next(iter(params.values())).shape if params else ()
        for name in ("means", "lambdas", "emissionprob"):
            shape = params[name].shape if name in params else shape
        return shape[-1] if shape else 1

    def n_parameters(self, states: int, features: int) -> int:
        """Count the free parameters: all entries, minus one for each sum that is fixed to 1."""
        count = 0
        for name, shape in self.shapes(states, features).items():
            size, last = int(np.prod(shape)), shape[-1]
            if self.constraints[name] == "simplex":
                size -= size // last
            elif self.constraints[name] == "covariance":
                size = size // last**2 * (last * (last + 1) // 2)
            count += size
        return count


def _hashable(value: Any) -> Hashable:
    """Convert settings to tuples: equal for equal settings, arrays compared by their bytes."""
    if isinstance(value, Mapping):
        return tuple((name, _hashable(value[name])) for name in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return value if isinstance(value, Hashable) else id(value)


def check_features(x: np.ndarray, features: int | None, largest: float = MAX_VALUE) -> np.ndarray:
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
    refuse_large(x, x, largest)
    return x


def refuse_large(x: np.ndarray, values: np.ndarray, largest: float) -> None:
    """Refuse observations `x (N, D)` whose `values (N, D)` are not finite, or too large."""
    with np.errstate(invalid="ignore"):
        low, high = (float(bound) for bound in (values.min(initial=0), values.max(initial=0)))
        if low >= -largest and high <= largest:
            return  # two passes over memory; NaN is between no bounds
    good = np.isfinite(values) & (np.abs(values).astype("float64") <= largest)
    if not good.all():
        step, feature = np.argwhere(~good)[0]
        size = "" if values is x else f", {abs(values[step, feature]):.3g} deviations from the rest"
        raise InputError(
            f"Observation {step}, feature {feature} is {x[step, feature]}{size}; expected a finite "
            f"value of at most {largest:g}{' deviations' if size else ''}. Set it to NaN if it is "
            "missing, or scale the feature."
        )


def check_integer_observations(x: np.ndarray, what: str) -> np.ndarray:
    """Return observations that are non-negative integers, "symbol" or "count", unchanged.

    Raises:
        InputError: a fraction, a negative number, NaN, or an array that is not numeric.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise InputError(f"Expected {what}s, integers of at least 0; got an array of {x.dtype}.")
    if x.dtype.kind != "f" and x.min(initial=0) >= 0:
        return x  # one pass over memory
    bad = ~((x >= 0) & (x == np.floor(x)) & (x < np.inf))
    if bad.any():
        where = np.argwhere(bad)[0]
        raise InputError(
            f"Observation {where[0]} is {x[tuple(where)]}; expected a {what}, an integer from 0."
        )
    return x
