"""Gaussian mixture emissions: several weighted Gaussians for each state."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.random import Generator

from rnnkit.errors import check_count
from rnnkit.hmm.emissions import covariance, initialization
from rnnkit.hmm.emissions.arithmetic import (
    at_least,
    like,
    map_means,
    normalize_counts,
    safe_log,
    total_weight,
    where_weighted,
    with_axes,
)
from rnnkit.hmm.emissions.base import Arrays, Tensor, Tensors, check_features
from rnnkit.hmm.emissions.located import LocatedEmission
from rnnkit.hmm.emissions.units import Units


@dataclass
class GaussianMixture(LocatedEmission):
    """Mixture of M Gaussians for each state, `p(x | z = j) = sum_m c_jm N(x | mu_jm, Sigma_jm)`.

    Parameters: weights `(R, K, M)`; means `(R, K, M, D)`; covars `(R, K, M)` spherical,
    `(R, K, M, D)` diag, `(R, K, M, D, D)` full, `(R, K, D, D)` tied (shared by the components of a
    state). The M-step is a MAP estimate with hmmlearn's formulas: covariances are taken about the
    means before the step. That never lowers the likelihood either: given the old means they are
    optimal, and given those covariances the new means are.

    Attributes:
        n_mix: M.
        covariance_type: "spherical", "diag", "full" or "tied".
        weights_prior: Dirichlet prior of the weights, a number or `(K, M)`; 1 = none.
        means_prior: the mean of the means, broadcast to `(K, M, D)`.
        means_weight: pseudo-observations of that prior, broadcast to `(K, M)`.
        covars_prior: spherical and diag: the shape alpha of the inverse gamma prior; full and tied:
            the matrix of the inverse Wishart prior. In the shape of covars; None = no prior.
        covars_weight: spherical and diag: the scale beta of the inverse gamma prior, in the shape
            of covars; full and tied: the degrees of freedom, `(K, M)` or `(K,)`. None = no prior.
        min_covar: lower bound of variances, or of eigenvalues, after every M-step; None = 1e-6.
            Estimators standardize the data: there None is a millionth of a feature's variance.

    Example:
        >>> GaussianMixture(n_mix=2, covariance_type="tied").shapes(states=3, features=4)
        {'weights': (3, 2), 'means': (3, 2, 4), 'covars': (3, 4, 4)}
    """

    n_mix: int = 1
    covariance_type: str = "diag"
    weights_prior: Any = 1.0
    means_prior: Any = 0.0
    means_weight: Any = 0.0
    covars_prior: Any = None
    covars_weight: Any = None
    min_covar: Any = None

    def __post_init__(self) -> None:
        covariance.check_settings(self.covariance_type, self.min_covar)
        check_count("n_mix", self.n_mix)
        covars = covariance.constraint(self.covariance_type)
        self.constraints = {"weights": "simplex", "means": "real", "covars": covars}

    def log_likelihood(self, params: Tensors, x: Tensor) -> Tensor:
        """Return `log sum_m c_km N(x_n | mu_km, Sigma_km)`, `(N, D)` -> `(R, N, K)`."""
        return _logsumexp(self._log_joint(params, ops.convert_to_tensor(x)))

    def _log_joint(self, params: Tensors, x: Tensor) -> list[Tensor]:
        """Return `log c_km N(x_n | mu_km, Sigma_km)`, `(R, N, K)` for each component.

        A list: one array with a component axis takes JAX ten times as long.
        """
        weights, means, covars = (ops.convert_to_tensor(params[name]) for name in self.constraints)
        kind = self.covariance_type
        found = []
        for m in range(means.shape[2]):
            # tied matrices are shared by the components of a state: one full matrix per state
            of_m, shape = (covars, "full") if kind == "tied" else (covars[:, :, m], kind)
            of_weight = safe_log(weights[:, :, m])[:, None]  # slicing last takes 6 times as long
            found.append(covariance.log_density(x, means[:, :, m], of_m, shape) + of_weight)
        return found

    def m_step(self, params: Tensors, x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """M-step: MAP estimate; a state or component without weight keeps its parameters."""
        x, old = ops.convert_to_tensor(x), ops.convert_to_tensor(params["means"])
        _, states, mix, features = old.shape
        strength = like(np.broadcast_to(self.means_weight, (states, mix)), x)[..., None]
        prior = like(np.broadcast_to(self.means_prior, (states, mix, features)), x)

        joint = self._log_joint(params, x)
        total = _logsumexp(joint)
        post, means, squares = [], [], []
        for m in range(mix):
            of_m, last = ops.exp(joint[m] - total) * weights, old[:, :, m]
            post.append(total_weight(of_m))
            means.append(map_means(x, of_m, post[m], prior[:, m], strength[:, m], last))
            squares.append(covariance.scatter(x, last, of_m, self.covariance_type))
        new, counts, total = (ops.stack(each, axis=2) for each in (means, post, squares))
        covars, weight = self._covariances(total, counts, new - prior, strength)
        covars = covariance.floor_covars(covars, self.min_covar, self.covariance_type)
        extra = like(self.weights_prior, x) - 1.0
        return {
            "weights": normalize_counts(counts, params["weights"], extra),
            "means": new,
            "covars": where_weighted(weight, covars, params["covars"]),
        }

    def _covariances(
        self, squares: Tensor, post: Tensor, away: Tensor, strength: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the MAP covariances, without the lower bound, and the weight behind each.

        `squares (R, K, M, D, D)`, or its diagonals, `post (R, K, M)`, `away` the new means minus
        their prior. Without priors the covariances are squares divided by weight. hmmlearn's
        default for "spherical" adds D - M to the weight (it uses n_mix in place of D); with a
        covars_prior both agree.
        """
        mix, features = away.shape[-2:]
        matrix = self.covariance_type in ("full", "tied")
        if matrix:
            squares = squares + strength[..., None] * away[..., :, None] * away[..., None, :]
        else:
            squares = squares + strength * ops.square(away)
        if self.covariance_type == "tied":
            squares, post = ops.sum(squares, axis=2), ops.sum(post, axis=-1)
        each = features if self.covariance_type == "spherical" else 1
        if self.covariance_type == "spherical":
            squares = ops.sum(squares, axis=-1)
        prior, weight = self._priors(mix, features)
        count = each * with_axes(post, squares)
        if matrix:
            extra = weight + features + 1 + (mix if self.covariance_type == "tied" else 1)
            squares = squares + like(np.swapaxes(np.atleast_2d(prior), -1, -2), squares)
            extra = np.reshape(extra, (*np.shape(extra), 1, 1))
        else:
            extra = each + 2.0 * (prior + 1.0)
            squares = squares + like(2.0 * weight, squares)
        return squares / at_least(count + like(extra, squares), 1e-5), post

    def _priors(self, mix: int, features: int) -> tuple[np.ndarray, np.ndarray]:
        """Return covars_prior and covars_weight, None replaced by values without effect."""
        nothing = {
            "spherical": (-(features + 2.0) / 2.0, 0.0),
            "diag": (-1.5, 0.0),
            "full": (0.0, -(features + 2.0)),
            "tied": (0.0, -(mix + features + 1.0)),
        }[self.covariance_type]
        prior = nothing[0] if self.covars_prior is None else self.covars_prior
        weight = nothing[1] if self.covars_weight is None else self.covars_weight
        return np.asarray(prior, "float64"), np.asarray(weight, "float64")

    def _spread_in_units(self, units: Units) -> dict[str, Any]:
        matrix = self.covariance_type in ("full", "tied")
        name = "covars_prior" if matrix else "covars_weight"  # what has the units of a variance
        given = getattr(self, name)
        if given is None:
            return {}
        prior, size = np.asarray(given, "float64"), len(units.origin)
        if matrix:
            prior = np.broadcast_to(prior, (*prior.shape[:-2], size, size))
        return {name: covariance.standardize(prior, units, self.covariance_type)}

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of weights, means and covars, without the restarts."""
        components = (states, self.n_mix)
        return {
            "weights": components,
            "means": (*components, features),
            "covars": covariance.shape(self.covariance_type, components, features),
        }

    def check(self, x: np.ndarray, params: Arrays | None = None) -> np.ndarray:
        """Return observations as floats `(N, D)`; refuse infinite values and another D."""
        return check_features(x, params["means"].shape[-1] if params else None)

    def initial_params(self, x: np.ndarray, states: int, rng: Generator) -> dict[str, np.ndarray]:
        """Initialise with k-means centres within the k-means clusters of the states."""
        of_states = initialization.kmeans(x, states, rng)
        first: dict[str, list[np.ndarray]] = {"weights": [], "means": [], "covars": []}
        for state in range(states):
            mine = of_states.x[of_states.labels == state]
            # an empty cluster is represented by its centre
            mine = mine if len(mine) else of_states.centres[state : state + 1]
            found = initialization.kmeans(mine, self.n_mix, rng)
            sizes = np.bincount(found.labels, minlength=self.n_mix) + 1.0
            first["weights"].append(sizes / sizes.sum())
            first["means"].append(found.centres)
            first["covars"].append(initialization.covariances(found, self.covariance_type))
        params = {name: np.stack(values) for name, values in first.items()}
        covars = covariance.floor_initial(params["covars"], self.min_covar, self.covariance_type)
        return params | {"covars": covars}

    def sample(self, params: Arrays, states: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw one observation for each state, `(N,)` -> `(N, D)`."""
        means, covars = np.asarray(params["means"]), np.asarray(params["covars"])
        count, mix, features = means.shape
        ends = np.cumsum(np.asarray(params["weights"], "float64"), axis=-1)
        ends /= ends[:, -1:]
        chosen = (rng.random((len(states), 1)) > ends[states]).sum(axis=-1)
        components = np.asarray(states) * mix + chosen
        kind = self.covariance_type
        if kind == "tied":
            covars, kind = np.repeat(covars[:, None], mix, axis=1), "full"
        covars = covars.reshape(count * mix, *covars.shape[2:])
        return covariance.draw(means.reshape(count * mix, features), covars, kind, components, rng)


def _logsumexp(parts: list[Tensor]) -> Tensor:
    """Elementwise logsumexp over a list of arrays."""
    top = ops.stop_gradient(functools.reduce(at_least, parts))
    return ops.log(functools.reduce(ops.add, [ops.exp(part - top) for part in parts])) + top
