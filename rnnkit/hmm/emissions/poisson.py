"""Poisson emissions: each state has a rate for each count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.random import Generator

from rnnkit.hmm.emissions import initialization
from rnnkit.hmm.emissions.arithmetic import (
    MIN_WEIGHT,
    at_least,
    like,
    over_features,
    total_weight,
    where_weighted,
)
from rnnkit.hmm.emissions.base import (
    MAX_STANDARDIZED,
    Arrays,
    Emission,
    Tensor,
    Tensors,
    check_features,
    check_integer_observations,
)
from rnnkit.hmm.emissions.summaries import points_of_states, weighted_means

TABLE = 16  # log x! comes from a table below this, and from Stirling's series (16 digits) above
REMAINDERS = [math.lgamma(x + 1) - (x * math.log(x) - x if x else 0.0) for x in range(TABLE)]
SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


@dataclass
class Poisson(Emission):
    """Counts, independent given the state: `p(x | z = k) = prod_d e^-l l^x_d / x_d!`, l = l_kd.

    Parameter: lambdas `(R, K, D)`. The M-step is `(prior + n mean_k) / (weight + n)`, mean_k the
    weighted mean of the observations, n the number of all steps, not of the state: as in hmmlearn.

    Attributes:
        lambdas_prior: shape alpha of the gamma prior, a number or `(K, D)`; 0 = none.
        lambdas_weight: rate beta of the gamma prior, a number or `(K, D)`; 0 = none.

    Example:
        >>> import numpy as np
        >>> found = Poisson().log_likelihood({"lambdas": np.array([[[2.0]]])}, np.array([[0.0]]))
        >>> float(found[0, 0, 0])
        -2.0
    """

    lambdas_prior: Any = 0.0
    lambdas_weight: Any = 0.0

    def __post_init__(self) -> None:
        self.constraints = {"lambdas": "positive"}

    def log_likelihood(self, params: Tensors, x: Tensor) -> Tensor:
        """Return `sum_d (x log l - l - log x!)`, `(N, D)` -> `(R, N, K)`.

        As a deviance, `-(x log(x / l) - (x - l)) - (log x! - x log x + x)` (Loader, Fast and
        accurate computation of binomial probabilities, 2000): the large terms of a large count
        cancel before rounding. A rate of 0 emits only 0.
        """
        x, lambdas = ops.convert_to_tensor(x), ops.convert_to_tensor(params["lambdas"])
        # a product: compilers would recompute a sum for every state
        of_x = _stirling_remainder(x) @ ops.ones_like(lambdas[0, 0, :, None])
        return -over_features(_deviance, x, lambdas) - of_x

    def m_step(self, params: Tensors, x: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """M-step: MAP estimate of the rates; a state without weight keeps its own."""
        post = total_weight(weights)
        mean = ops.einsum("rnk,nd->rkd", weights, x) / at_least(post, MIN_WEIGHT)[..., None]
        steps = ops.sum(post, axis=-1)[:, None, None]
        alpha, beta = like(self.lambdas_prior, x), like(self.lambdas_weight, x)
        rates = (alpha + steps * mean) / at_least(beta + steps, MIN_WEIGHT)
        return {"lambdas": where_weighted(post, rates, params["lambdas"])}

    def summarize(self, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of each state, with the sum of its weights."""
        return points_of_states(weighted_means(x, weights)[:, :, None], weights.sum(1))

    def shapes(self, states: int, features: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of lambdas, without the restarts."""
        return {"lambdas": (states, features)}

    def check(self, x: np.ndarray, params: Arrays | None = None) -> np.ndarray:
        """Return counts as floats `(N, D)`; refuse fractions, negative values and another D."""
        features = params["lambdas"].shape[-1] if params else None
        x = check_features(x, features, MAX_STANDARDIZED)  # counts are computed as they are
        return check_integer_observations(x, "count")

    def initial_params(self, x: np.ndarray, states: int, rng: Generator) -> dict[str, np.ndarray]:
        """Initialise with the mean counts of k-means clusters of the square roots."""
        found = initialization.kmeans(np.sqrt(x), states, rng)  # the root stabilises the variance
        lambdas = np.square(found.centres)
        for state in np.unique(found.labels):
            lambdas[state] = np.square(found.x[found.labels == state]).mean(axis=0)
        return {"lambdas": np.maximum(lambdas, 0.5 / len(x))}  # a rate of 0 would stay 0

    def sample(self, params: Arrays, states: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw the counts of each state, `(N,)` -> `(N, D)`."""
        return rng.poisson(np.asarray(params["lambdas"], "float64")[states])


def _deviance(x: Tensor, rate: Tensor) -> Tensor:
    """Return `x log(x / l) - (x - l)`; inf for a count where the rate is 0."""
    counted, possible = x > 0, rate > 0
    safe = ops.where(possible, at_least(rate, MIN_WEIGHT), 1.0)
    ratio = ops.where(counted, (x - safe) / safe, 0.0)
    found = x * ops.log1p(ratio) - (x - rate)
    return ops.where(ops.logical_and(counted, ops.logical_not(possible)), np.inf, found)


def _stirling_remainder(x: Tensor) -> Tensor:
    """Return `log x! - (x log x - x)` of integers, from a table or Stirling's series."""
    small = ops.take(like(REMAINDERS, x), ops.cast(ops.clip(x, 0, TABLE - 1), "int32"))
    large = at_least(x, float(TABLE))
    square, series = large * large, like(SERIES[-1], x)
    for term in SERIES[-2::-1]:
        series = series / square + term
    large = 0.5 * ops.log(2 * math.pi * large) + series / large
    return ops.where(x < TABLE, small, large)
