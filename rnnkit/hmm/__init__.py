"""Hidden Markov models: Markov chains, estimators, posterior features, conditional random fields.

`inference` has pure functions over log-likelihoods `(B, T, K)`, which the estimators, the layer
`HMMFeatures` and the layer `CRF` share. Each name below is imported on first use; the layers are in
`rnnkit.layers`.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "MarkovChain": "rnnkit.hmm.chain.markov_chain",
    "CategoricalHMM": "rnnkit.hmm.estimators.models",
    "GaussianHMM": "rnnkit.hmm.estimators.models",
    "GMMHMM": "rnnkit.hmm.estimators.models",
    "PoissonHMM": "rnnkit.hmm.estimators.models",
    "HMM": "rnnkit.hmm.estimators.models",
    "HMMClassifier": "rnnkit.hmm.estimators.classifier",
    "Emission": "rnnkit.hmm.emissions.base",
}

__all__ = [
    "GMMHMM",
    "HMM",
    "CategoricalHMM",
    "Emission",
    "GaussianHMM",
    "HMMClassifier",
    "MarkovChain",
    "PoissonHMM",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.hmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
