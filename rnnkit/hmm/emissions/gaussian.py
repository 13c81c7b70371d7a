"""Gaussian emissions: one mean and one covariance for each state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.random import Generator

from rnnkit.hmm.emissions import covariance, initialization
from rnnkit.hmm.emissions.arithmetic import (
    at_least,
    like,
    map_means,
    total_weight,
    where_weighted,
    with_axes,
)
from rnnkit.hmm.emissions.base import Arrays, Tensor, Tensors, check_features
from rnnkit.hmm.emissions.located import LocatedEmission
from rnnkit.hmm.emissions.summaries import points_of_states, weighted_moments
from rnnkit.hmm.emissions.units import Units


@dataclass
class Gaussian(LocatedEmission):
    """A Gaussian for each state, `p(x | z = k) = N(x | means_k, covars_k)`.

    Parameters: means `(R, K, D)`; covars `(R, K)` spherical, `(R, K, D)` diag, `(R, K, D, D)` full,
    `(R, D, D)` tied. The M-step is a maximum a posteriori; priors have hmmlearn's names, shapes and
    formulas (Huang, Acero, Hon, Spoken Language Processing, 2001, p. 443).

    Attributes:
        covariance_type: "spherical" (one variance), "diag", "full", "tied" (one full matrix).
        means_prior: the mean of the means, a number or `(K, D)`.
        means_weight: pseudo-observations of that prior, a number or `(K,)`.
        covars_prior: added to the sum of squares of each state; 0 = none (hmmlearn: 0.01). As in
            hmmlearn, a number is added to all elements of a matrix: give a matrix for "full".
        covars_weight: pseudo-observations of that prior, a number or `(K,)`; only the excess over
            1 (spherical, diag) or D (full, tied) counts.
        min_covar: lower bound of variances, or of eigenvalues, after every M-step; None = 1e-6.
            Estimators standardize the data: there None is a millionth of a feature's variance.

    Example:
        >>> import numpy as np
        >>> params = {"means": np.zeros((1, 1, 2)), "covars": np.ones((1, 1, 2))}
        >>> round(float(Gaussian().log_likelihood(params, np.zeros((1, 2)))[0, 0, 0]), 4)
        -1.8379
    """

    covariance_type: str = "diag"
    means_prior: Any = 0
    means_weight: Any = 0
    covars_prior: Any = 0.0
    covars_weight: Any = 1.0
    min_covar: Any = None

    def __post_init__(self) -> None:
        covariance.check_settings(self.covariance_type, self.min_covar)
        self.constraints = {"means": "real", "covars": covariance.constraint(self.covariance_type)}

    def log_likelihood(self, params: Tensors, x: Tensor) -> Tensor:
        """Return `log N(x_n | means_k, covars_k)`, `(N, D)` -> `(R, N, K)`."""
        x, means, covars = map(ops.convert_to_tensor, (x, params["means"], params["covars"]))
        return covariance.log_density(x, means, covars, self.covariance_type)

    def m_step(self, params: Tensors, x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """M-step: MAP estimate of the means, and of the covariances about them."""
        post = total_weight(weights)
        strength = like(np.reshape(self.means_weight, (-1, 1)), x)  # (K, 1) or (1, 1)
        prior = like(self.means_prior, x)
        means = map_means(x, weights, post, prior, strength, params["means"])
        squares = covariance.scatter(x, means, weights, self.covariance_type)
        away = means - prior
        if self.covariance_type in ("full", "tied"):
            squares = squares + strength[..., None] * away[..., :, None] * away[..., None, :]
            extra = like(np.maximum(np.subtract(self.covars_weight, x.shape[-1]), 0.0), x)
        else:
            squares = squares + strength * ops.square(away)
            extra = like(np.maximum(np.subtract(self.covars_weight, 1.0), 0.0), x)
        if self.covariance_type == "tied":
            squares, post = ops.sum(squares, axis=1), ops.sum(post, axis=-1)
        count = at_least(extra + post, 1e-5)  # hmmlearn's least count
        covars = (like(self.covars_prior, x) + squares) / with_axes(count, squares)
        if self.covariance_type == "spherical":
            covars = ops.sum(covars, axis=-1) / x.shape[-1]  # ops.mean is float32
        covars = covariance.floor_covars(covars, self.min_covar, self.covariance_type)
        return {"means": means, "covars": where_weighted(post, covars, params["covars"])}

    def summarize(self, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return 2 D points for each state, with the weight, mean and covariance of its data.

        They lie at `mean ± sqrt(D) l_d`, l_d the columns of a root of the covariance.
        """
        means, covars = weighted_moments(x, weights)
        values, vectors = np.linalg.eigh(covars)
        roots = vectors * np.sqrt(np.maximum(values, 0.0) * x.shape[1])[..., None, :]
        away = np.swapaxes(roots, -1, -2)  # (R, K, D, D), a point in each row
        points = means[:, :, None] + np.concatenate([away, -away], axis=2)
        return points_of_states(points, weights.sum(1))

    def _spread_in_units(self, units: Units) -> dict[str, Any]:
        if not np.any(self.covars_prior):
            return {}
        prior, matrix = np.asarray(self.covars_prior, "float64"), len(units.origin)
        if self.covariance_type in ("full", "tied"):
            prior = np.broadcast_to(prior, (*prior.shape[:-2], matrix, matrix))
        return {"covars_prior": covariance.standardize(prior, units, self.covariance_type)}

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of means and covars, without the restarts."""
        covars = covariance.shape(self.covariance_type, (states,), features)
        return {"means": (states, features), "covars": covars}

    def check(self, x: np.ndarray, params: Arrays | None = None) -> np.ndarray:
        """Return observations as floats `(N, D)`; refuse infinite values and another D."""
        return check_features(x, params["means"].shape[-1] if params else None)

    def initial_params(self, x: np.ndarray, states: int, rng: Generator) -> dict[str, np.ndarray]:
        """Initialise with k-means centres, and the covariances within the clusters."""
        found = initialization.kmeans(x, states, rng)
        covars = initialization.covariances(found, self.covariance_type)
        covars = covariance.floor_initial(covars, self.min_covar, self.covariance_type)
        return {"means": found.centres, "covars": covars}

    def sample(self, params: Arrays, states: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw one observation for each state, `(N,)` -> `(N, D)`."""
        return covariance.draw(params["means"], params["covars"], self.covariance_type, states, rng)
