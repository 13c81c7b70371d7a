"""Base class of the emissions with means and covariances: their parameters in other units."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Self

import numpy as np

from rnnkit.hmm.emissions import covariance
from rnnkit.hmm.emissions.base import Arrays, Emission
from rnnkit.hmm.emissions.units import Units, units_of_components, units_of_data


class LocatedEmission(Emission):
    """Abstract emission with `means (..., D)` and `covars` of a covariance type."""

    covariance_type: str
    min_covar: Any
    means_prior: Any
    means_weight: Any

    def units_of_data(self, x: np.ndarray) -> Units:
        """Return units in which the observations have about unit variance."""
        return units_of_data(x, covariance.units_kind(self.covariance_type, self.min_covar))

    def units_of_params(self, params: Arrays) -> Units:
        """Return units in which the parameters are about 1."""
        means = np.asarray(params["means"], "float64")
        covars, kind = np.asarray(params["covars"], "float64"), self.covariance_type
        if kind == "tied" and means.ndim == 3:
            covars = covars[:, None]
        if kind == "spherical":
            covars = covars[..., None]
        matrices = kind in ("full", "tied")
        features = means.shape[-1]
        shape = (*means.shape, features) if matrices else means.shape
        covars = np.broadcast_to(covars, shape).reshape(-1, *[features] * (1 + matrices))
        # The bound of eigenvalues matters in fit alone: here whitening is always right.
        units = covariance.units_kind(kind, None)
        return units_of_components(means.reshape(-1, features), covars, units)

    def standardize_params(self, params: Arrays, units: Units) -> dict[str, np.ndarray]:
        """Return parameters, all or some, in other units, float64."""
        found = {name: np.asarray(value, "float64") for name, value in params.items()}
        if "means" in found:
            found["means"] = units.standardize(found["means"])
        if "covars" in found:
            found["covars"] = covariance.standardize(found["covars"], units, self.covariance_type)
        return found

    def restore_params(self, params: Arrays, units: Units) -> dict[str, np.ndarray]:
        """Return parameters in the units of the data: the inverse of `standardize_params`."""
        found = {name: np.asarray(value, "float64") for name, value in params.items()}
        found["means"] = units.restore(found["means"])
        found["covars"] = covariance.restore(found["covars"], units, self.covariance_type)
        return found

    def in_units(self, units: Units) -> Self:
        """Return the emission with its priors and bounds, which the user gave, in other units."""
        floor = covariance.floor_in_units(self.min_covar, units, self.covariance_type)
        changes: dict[str, Any] = {"min_covar": floor}
        if np.any(self.means_weight):
            features = len(units.origin)
            prior = np.asarray(self.means_prior, "float64")
            prior = np.broadcast_to(prior, (*prior.shape[:-1], features))
            changes["means_prior"] = units.standardize(prior)
        return replace(self, **changes, **self._spread_in_units(units))  # type: ignore[type-var]

    def _spread_in_units(self, units: Units) -> dict[str, Any]:
        """Return the priors of the covariances in other units."""
        raise NotImplementedError

    def density(self) -> Emission:
        """Return the emission without priors: models with one density share compiled functions."""
        kept = {"covariance_type", "n_mix"}
        return type(self)(
            **{
                field.name: getattr(self, field.name)
                for field in fields(self)  # type: ignore[arg-type]
                if field.name in kept
            }
        )

    def raise_to_floor(self, params: Arrays) -> dict[str, np.ndarray]:
        """Return parameters with the lower bound of the covariances applied."""
        covars = covariance.floor_initial(params["covars"], self.min_covar, self.covariance_type)
        return {**params, "covars": covars}

    def at_floor(self, params: Arrays, dtype: str) -> np.ndarray:
        """Return which covariances are at their lower bound; see `covariance.at_floor`."""
        return covariance.at_floor(params["covars"], self.min_covar, self.covariance_type, dtype)
