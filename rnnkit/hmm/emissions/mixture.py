"""Gaussian mixture emissions: several weighted Gaussians for each state."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from rnnkit.errors import InputError
from rnnkit.hmm.emissions import start
from rnnkit.hmm.emissions.arithmetic import (
    at_least,
    keep,
    like,
    map_means,
    safe_log,
    shares,
    total_weight,
    with_axes,
)
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.emissions.covariance import (
    check_settings,
    draw,
    floored,
    floored_start,
    kind_of,
    log_density,
    scatter,
    shape_of,
)
from rnnkit.hmm.emissions.observations import real_features

Tensor = Any


@dataclass(eq=False)
class GaussianMixture(Emission):
    """M weighted Gaussians for each state, `p(x | z = j) = sum_m c_jm N(x | mu_jm, Sigma_jm)`.

    Parameters: weights `(R, K, M)`; means `(R, K, M, D)`; covars `(R, K, M)` spherical,
    `(R, K, M, D)` diag, `(R, K, M, D, D)` full, `(R, K, D, D)` tied (shared by the components of a
    state). The M-step is a maximum a posteriori with hmmlearn's formulas: covariances are taken
    about the means before the step, which never lowers the likelihood either (given the old means
    they are the best covariances, and given those the new means are the best means).

    Attributes:
        n_mix: M.
        covariance_type: "spherical", "diag", "full" or "tied".
        weights_prior: Dirichlet prior of the weights, a number or `(K, M)`; 1 is none.
        means_prior: the mean of the means, broadcast to `(K, M, D)`.
        means_weight: how many observations that prior is worth, broadcast to `(K, M)`.
        covars_prior: spherical and diag: the shape alpha of the inverse gamma prior; full and tied:
            the matrix of the inverse Wishart prior. In the shape of covars; None is no prior.
        covars_weight: spherical and diag: the scale beta of the inverse gamma prior, in the shape
            of covars; full and tied: the degrees of freedom, `(K, M)` or `(K,)`. None is no prior.
        min_covar: the least variance, or eigenvalue of a covariance, after every M-step.

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
    min_covar: float = 1e-3

    def __post_init__(self) -> None:
        check_settings(self.covariance_type, self.min_covar)
        if self.n_mix < 1:
            raise InputError(f"n_mix counts the components of a state; got {self.n_mix!r}.")
        covars = kind_of(self.covariance_type)
        self.kinds = {"weights": "simplex", "means": "real", "covars": covars}

    def log_likelihood(self, params: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Return `log sum_m c_km N(x_n | mu_km, Sigma_km)`, `(N, D)` -> `(R, N, K)`."""
        return _log_sum(self._log_joint(params, ops.convert_to_tensor(x)))

    def _log_joint(self, params: Mapping[str, Tensor], x: Tensor) -> list[Tensor]:
        """Return `log c_km N(x_n | mu_km, Sigma_km)`, `(R, N, K)` for each component.

        One array for each: as one with an axis of components, JAX takes ten times as long.
        """
        weights, means, covars = (ops.convert_to_tensor(params[name]) for name in self.kinds)
        kind = self.covariance_type
        found = []
        for m in range(means.shape[2]):
            # a state's components share a tied matrix, which makes it full: one for each state
            of_m, shape = (covars, "full") if kind == "tied" else (covars[:, :, m], kind)
            of_weight = safe_log(weights[:, :, m])[:, None]  # sliced first: 0.5 ms, last: 3 ms
            found.append(log_density(x, means[:, :, m], of_m, shape) + of_weight)
        return found

    def m_step(self, params: Mapping[str, Tensor], x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return the MAP weights, means and covariances.

        Args:
            params: the parameters so far, kept by a state or a component without weight.
            x: `(N, D)`.
            weights: `(R, N, K)`.
        """
        x, old = ops.convert_to_tensor(x), ops.convert_to_tensor(params["means"])
        _, states, mix, features = old.shape
        strength = like(np.broadcast_to(self.means_weight, (states, mix)), x)[..., None]
        prior = like(np.broadcast_to(self.means_prior, (states, mix, features)), x)

        joint = self._log_joint(params, x)
        total = _log_sum(joint)
        post, means, squares = [], [], []
        for m in range(mix):
            of_m, last = ops.exp(joint[m] - total) * weights, old[:, :, m]
            post.append(total_weight(of_m))
            means.append(map_means(x, of_m, post[m], prior[:, m], strength[:, m], last))
            squares.append(scatter(x, last, of_m, self.covariance_type))
        new, counts = ops.stack(means, axis=2), ops.stack(post, axis=2)
        covars, weight = self._covariances(
            ops.stack(squares, axis=2), counts, new - prior, strength
        )
        covars = floored(covars, self.min_covar, self.covariance_type)
        return {
            "weights": shares(counts, params["weights"], like(self.weights_prior, x) - 1.0),
            "means": new,
            "covars": keep(weight, covars, params["covars"]),
        }

    def _covariances(
        self, squares: Tensor, post: Tensor, away: Tensor, strength: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the MAP covariances, not floored, and the weight that each was taken from.

        Without priors, squares over weight. hmmlearn's default for "spherical" is not that (it
        adds D - M to the count, by n_mix where D is meant); given a covars_prior, both agree.

        Args:
            squares: `(R, K, M, D, D)`, or its diagonals.
            post: `(R, K, M)`.
            away: the new means less their prior, `(R, K, M, D)`.
            strength: of that prior, `(K, M, 1)`.
        """
        mix, features = away.shape[-2:]
        matrix = self.covariance_type in ("full", "tied")
        if matrix:
            squares = squares + strength[..., None] * away[..., :, None] * away[..., None, :]
        else:
            squares = squares + strength * ops.square(away)
        if self.covariance_type == "tied":
            squares, post = ops.sum(squares, axis=2), ops.sum(post, axis=-1)
        each = 1
        if self.covariance_type == "spherical":
            squares, each = ops.sum(squares, axis=-1), features
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
        """Return covars_prior and covars_weight, with numbers that cancel in place of None."""
        nothing = {
            "spherical": (-(features + 2.0) / 2.0, 0.0),
            "diag": (-1.5, 0.0),
            "full": (0.0, -(features + 2.0)),
            "tied": (0.0, -(mix + features + 1.0)),
        }[self.covariance_type]
        given = (self.covars_prior, self.covars_weight)
        prior, weight = (
            np.asarray(n if g is None else g, "float64")
            for n, g in zip(nothing, given, strict=True)
        )
        return prior, weight

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of weights, means and covars, without restarts."""
        components = (states, self.n_mix)
        return {
            "weights": components,
            "means": (*components, features),
            "covars": shape_of(self.covariance_type, components, features),
        }

    def check(self, x: np.ndarray, params: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Return observations as `(N, D)` of floats, refuse infinite ones and a wrong D."""
        return real_features(x, params["means"].shape[-1] if params else None)

    def start(self, x: np.ndarray, states: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return k-means centres within the k-means clusters of the states."""
        of_states = start.clusters(x, states, rng)
        first: dict[str, list[np.ndarray]] = {"weights": [], "means": [], "covars": []}
        for state in range(states):
            mine = of_states.x[of_states.labels == state]
            # a cluster without points: its centre, spread by the points of all
            mine = mine if len(mine) else of_states.centres[state : state + 1]
            found = start.clusters(mine, self.n_mix, rng)
            sizes = np.bincount(found.labels, minlength=self.n_mix) + 1.0
            first["weights"].append(sizes / sizes.sum())
            first["means"].append(found.centres)
            first["covars"].append(start.covariances(found, self.covariance_type))
        params = {name: np.stack(values) for name, values in first.items()}
        params["covars"] = floored_start(params["covars"], self.min_covar, self.covariance_type)
        return params

    def sample(
        self, params: Mapping[str, np.ndarray], states: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
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
        return draw(means.reshape(count * mix, features), covars, kind, components, rng)


def _log_sum(parts: list[Tensor]) -> Tensor:
    """Return the logarithm of the sum of the exponentials of several arrays."""
    top = ops.stop_gradient(functools.reduce(at_least, parts))
    return ops.log(functools.reduce(ops.add, [ops.exp(part - top) for part in parts])) + top
