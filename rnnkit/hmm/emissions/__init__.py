"""Emission distributions: log-likelihood of the observations, and the M-step."""

from __future__ import annotations

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.emissions.gaussian import Gaussian
from rnnkit.hmm.emissions.mixture import GaussianMixture
from rnnkit.hmm.emissions.poisson import Poisson

__all__ = ["Categorical", "Emission", "Gaussian", "GaussianMixture", "Poisson"]
