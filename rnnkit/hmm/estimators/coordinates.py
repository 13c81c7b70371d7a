"""A model in the units of its computation: parameters there and back, and the log-likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.random import Generator

from rnnkit.hmm.emissions import covariance
from rnnkit.hmm.emissions.base import Arrays, Emission
from rnnkit.hmm.emissions.located import LocatedEmission
from rnnkit.hmm.emissions.units import Kind, Units, units_of_data


@dataclass(frozen=True)
class Coordinates:
    """An emission and its units; without units, everything is passed on unchanged."""

    emission: Emission  # in the units of the data
    units: Units | None
    inner: Emission  # the same in the units of the computation

    @classmethod
    def of(cls, emission: Emission, units: Units | None) -> Self:
        """Return the coordinates of an emission; units are for those with means alone."""
        if units is None or not isinstance(emission, LocatedEmission):
            return cls(emission, None, emission)
        return cls(emission, units, emission.in_units(units))

    @property
    def log_jacobian(self) -> float:
        """What an observation's log-density loses on the way to the units of the data."""
        return 0.0 if self.units is None else self.units.log_jacobian

    def standardize(self, params: Arrays) -> dict[str, np.ndarray]:
        """Return parameters of the emission, all or some, in the units of the computation."""
        if self.units is None:
            return dict(params)
        return self._located.standardize_params(params, self.units)

    def restore(self, params: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return all parameters of the emission in the units of the data."""
        if self.units is None:
            return {name: np.asarray(value) for name, value in params.items()}
        return self._located.restore_params(params, self.units)

    def initial_params(self, x: np.ndarray, states: int, rng: Generator) -> dict[str, np.ndarray]:
        """Return initial parameters for one restart, in the units of the computation.

        Clusters are sought with each feature at its own scale: in whitened data, noise is as wide
        as what tells the states apart.

        Args:
            x: the observations in the units of the data, `(N, ...)`.
            states: K.
            rng: the random generator.
        """
        if self.units is None:
            return self.emission.initial_params(x, states, rng)
        located = self._located
        kind: Kind = "common" if located.covariance_type == "spherical" else "each"
        units = units_of_data(x, kind)
        found = located.density().initial_params(units.standardize(x), states, rng)
        found = self.standardize(located.restore_params(found, units))
        assert isinstance(self.inner, LocatedEmission)
        return self.inner.raise_to_floor(found)

    def checked_for_dtype(self, params: Arrays, dtype: str) -> dict[str, np.ndarray]:
        """Return parameters whose covariances have a Cholesky factor in a dtype."""
        if self.units is None or self._located.covariance_type not in ("full", "tied"):
            return dict(params)
        covars, raised = covariance.factorable(params["covars"], dtype)
        if raised:
            advice = ' Use dtype="float64".' if dtype == "float32" else ""
            warnings.warn(
                f"covars_ holds nearly collinear features: in {dtype} its smallest eigenvalues are "
                f"below rounding, and were raised to it.{advice}",
                stacklevel=5,
            )
        return {**params, "covars": covars}

    @property
    def _located(self) -> LocatedEmission:
        assert isinstance(self.emission, LocatedEmission)
        return self.emission


def bounds_found(coordinates: Coordinates, params: Arrays, dtype: str) -> str:
    """Return which variances are at their lower bound, as a sentence; empty if none is.

    Args:
        coordinates: of the fit.
        params: what it found, in the units of the computation.
        dtype: of the computation.
    """
    inner, units = coordinates.inner, coordinates.units
    if units is None or not isinstance(inner, LocatedEmission):
        return ""
    low = inner.at_floor(params, dtype)
    kind = inner.covariance_type
    said = []
    if kind == "diag" and units.constant is not None:
        for feature in np.flatnonzero(units.constant & low.all(axis=tuple(range(low.ndim - 1)))):
            said.append(f"feature {feature}, which never varies")
            low[..., feature] = False
    for place in np.argwhere(low)[:4]:
        where = [str(int(i)) for i in place]
        parts = ["feature " + where.pop()] if kind == "diag" else []
        names = ("state", "component")
        parts += [f"{name} {i}" for name, i in zip(names, where, strict=False)][::-1]
        said.append(" of ".join(parts) or "all states")
    if not said:
        return ""
    more = int(low.sum()) - 4
    others = f", and {more} more" if more > 0 else ""
    own = coordinates.emission
    assert isinstance(own, LocatedEmission)
    bound = f"min_covar={own.min_covar!r}"
    if own.min_covar is None:
        bound = f"min_covar, {covariance.RELATIVE_FLOOR:g} of the variance of the data"
    what = "variance" if kind in ("spherical", "diag") else "smallest eigenvalue of the covariance"
    return (
        f"The {what} that fit found is its lower bound ({bound}), for {', '.join(said)}{others}: "
        "the observations there are (nearly) equal or collinear. Fit fewer states, leave the "
        "feature out, or give a smaller min_covar."
    )
