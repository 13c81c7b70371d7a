"""Hidden Markov models with categorical, Gaussian, mixture, Poisson and custom emissions."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from rnnkit.errors import InputError
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.emissions.gaussian import Gaussian
from rnnkit.hmm.emissions.mixture import GaussianMixture
from rnnkit.hmm.emissions.poisson import Poisson
from rnnkit.hmm.estimators.base import BaseHMM

__all__ = ["GMMHMM", "HMM", "CategoricalHMM", "GaussianHMM", "PoissonHMM"]


@dataclass(repr=False, eq=False)
class CategoricalHMM(BaseHMM):
    """Hidden Markov model with categorical emissions: symbols 0 .. V-1.

    `P(x_t = v | z_t = k) = b_kv`

    Args:
        n_features: V, the number of symbols; None = one more than the largest in the data.
        emissionprob_prior: Dirichlet prior of the emissions, a number or `(K, V)`; 1 = none.
        params: letters of what `fit` learns: s startprob, t transmat, e emissionprob.

    Attributes:
        emissionprob_: `(K, V)`.

    Source: Rabiner 1989, A Tutorial on Hidden Markov Models.

    Example:
        >>> model = CategoricalHMM(2)  # the umbrella world of Russell and Norvig
        >>> model.startprob_, model.transmat_ = [0.5, 0.5], [[0.7, 0.3], [0.3, 0.7]]
        >>> model.emissionprob_ = [[0.9, 0.1], [0.2, 0.8]]
        >>> days = np.array([0, 0, 1, 0, 0])
        >>> round(model.score(days), 4), model.predict(days).tolist()
        (-3.3725, [0, 0, 1, 0, 0])
        >>> [f"{p:.3f}" for p in model.predict_proba(days)[:, 0]]
        ['0.867', '0.820', '0.307', '0.820', '0.867']
    """

    _: KW_ONLY
    emissionprob_prior: Any = 1.0
    n_features: int | None = None
    params: str = "ste"
    init_params: str = "ste"

    _emission_letters: ClassVar[Any] = {"e": ("emissionprob",)}

    def _emission(self, x: np.ndarray | None = None) -> Emission:
        symbols = self.n_features
        kept = x is None or "e" not in self.init_params
        if symbols is None and kept and hasattr(self, "emissionprob_"):
            symbols = np.shape(self.emissionprob_)[-1]
        elif symbols is None and x is not None and len(x):
            symbols = int(np.max(x)) + 1
        return Categorical(symbols, prior=self.emissionprob_prior)


@dataclass(repr=False, eq=False)
class GaussianHMM(BaseHMM):
    """Hidden Markov model with Gaussian emissions.

    `p(x_t | z_t = k) = N(x_t | mu_k, Sigma_k)`

    Args:
        covariance_type: "spherical", one variance per state; "diag"; "full"; or "tied", one full
            matrix for all states.
        min_covar: lower bound of the variances, or eigenvalues, of a state, in the units of X
            squared; None = 1e-6 of the variance of each feature in X.
        means_prior: mean of the Gaussian prior of the means, a number or `(K, D)`.
        means_weight: precision of that prior, a number or `(K,)`; 0 = none.
        covars_prior: scale of the prior of the variances, 0 = none (hmmlearn: 0.01).
        covars_weight: weight of that prior.
        params: letters of what `fit` learns: s startprob, t transmat, m means, c covars.

    Attributes:
        means_: `(K, D)`.
        covars_: `(K,)` spherical, `(K, D)` diag, `(K, D, D)` full, `(D, D)` tied.

    Source: Rabiner 1989, A Tutorial on Hidden Markov Models; Bishop 2006, Pattern Recognition and
    Machine Learning, section 13.2.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = np.concatenate([rng.normal(size=(50, 1)), rng.normal(8, 1, size=(50, 1))])
        >>> model = GaussianHMM(2, random_state=0).fit(x)
        >>> np.sort(model.means_[:, 0]).round().tolist()
        [0.0, 8.0]
    """

    covariance_type: str = "diag"
    _: KW_ONLY
    min_covar: float | None = None
    means_prior: Any = 0.0
    means_weight: Any = 0.0
    covars_prior: Any = 0.0
    covars_weight: Any = 1.0
    params: str = "stmc"
    init_params: str = "stmc"

    _emission_type: ClassVar[Any] = Gaussian
    _emission_letters: ClassVar[Any] = {"m": ("means",), "c": ("covars",)}


@dataclass(repr=False, eq=False)
class GMMHMM(BaseHMM):
    """Hidden Markov model with emissions from mixtures of Gaussians.

    `p(x_t | z_t = k) = sum_m c_km N(x_t | mu_km, Sigma_km)`, `sum_m c_km = 1`

    Args:
        n_mix: M, the number of Gaussians per state.
        covariance_type: "spherical", "diag", "full", or "tied", one full matrix per state.
        min_covar: lower bound of the variances, or eigenvalues, of a Gaussian, in the units of X
            squared; None = 1e-6 of the variance of each feature in X.
        weights_prior: Dirichlet prior of the weights, a number or `(K, M)`; 1 = none.
        means_prior: mean of the Gaussian prior of the means.
        means_weight: precision of that prior; 0 = none.
        covars_prior: prior of the covariances, with hmmlearn's meaning; None = none.
        covars_weight: weight of that prior, with hmmlearn's meaning; None = none.
        params: letters of what `fit` learns: s startprob, t transmat, m means, c covars, w weights.

    Attributes:
        weights_: `(K, M)`.
        means_: `(K, M, D)`.
        covars_: `(K, M)` spherical, `(K, M, D)` diag, `(K, M, D, D)` full, `(K, D, D)` tied.

    Source: Rabiner 1989, A Tutorial on Hidden Markov Models, section IV.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> GMMHMM(2, n_mix=2, random_state=0).fit(x).means_.shape
        (2, 2, 2)
    """

    n_mix: int = 1
    _: KW_ONLY
    covariance_type: str = "diag"
    min_covar: float | None = None
    weights_prior: Any = 1.0
    means_prior: Any = 0.0
    means_weight: Any = 0.0
    covars_prior: Any = None
    covars_weight: Any = None
    params: str = "stmcw"
    init_params: str = "stmcw"

    _emission_type: ClassVar[Any] = GaussianMixture
    _emission_letters: ClassVar[Any] = {"m": ("means",), "c": ("covars",), "w": ("weights",)}


@dataclass(repr=False, eq=False)
class PoissonHMM(BaseHMM):
    """Hidden Markov model with Poisson emissions: counts.

    `P(x_t | z_t = k) = prod_d lambda_kd^x_td exp(-lambda_kd) / x_td!`

    Args:
        lambdas_prior: shape of the gamma prior, with hmmlearn's meaning; 0 = none.
        lambdas_weight: rate of the gamma prior; 0 = none.
        params: letters of what `fit` learns: s startprob, t transmat, l lambdas.

    Attributes:
        lambdas_: `(K, D)`, the mean counts.

    Source: Zucchini, MacDonald and Langrock 2016, Hidden Markov Models for Time Series.

    Example:
        >>> counts = np.array([1, 0, 2, 1, 0, 1, 9, 11, 8, 12, 10, 9])
        >>> model = PoissonHMM(2, random_state=0).fit(counts)
        >>> np.sort(model.lambdas_[:, 0]).round(1).tolist()
        [0.8, 9.8]
    """

    _: KW_ONLY
    lambdas_prior: Any = 0.0
    lambdas_weight: Any = 0.0
    params: str = "stl"
    init_params: str = "stl"

    _emission_type: ClassVar[Any] = Poisson
    _emission_letters: ClassVar[Any] = {"l": ("lambdas",)}


@dataclass(repr=False, eq=False)
class HMM(BaseHMM):
    """Hidden Markov model with a custom emission.

    The parameters of the emission become attributes with an underscore: `rates` is `rates_`.

    Args:
        emission: the emission; see `rnnkit.hmm.Emission`.
        params: letters of what `fit` learns: s startprob, t transmat, e all of the emission.

    Example:
        >>> from rnnkit.hmm.emissions.poisson import Poisson
        >>> counts = np.array([1, 0, 2, 1, 0, 1, 9, 11, 8, 12, 10, 9])
        >>> model = HMM(2, Poisson(), random_state=0).fit(counts)
        >>> np.sort(model.lambdas_[:, 0]).round(1).tolist()
        [0.8, 9.8]
    """

    emission: Emission | None = None
    _: KW_ONLY
    params: str = "ste"
    init_params: str = "ste"

    def _letters(self) -> dict[str, tuple[str, ...]]:
        return {**super()._letters(), "e": tuple(self._emission().constraints)}

    def _emission(self, x: np.ndarray | None = None) -> Emission:
        if not isinstance(self.emission, Emission):
            raise InputError(
                f"emission is {self.emission!r}; expected an Emission, such as "
                "rnnkit.hmm.emissions.gaussian.Gaussian()."
            )
        return self.emission
