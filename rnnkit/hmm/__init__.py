"""Hidden Markov models: Markov chains, estimators, posterior features, conditional random fields.

`inference` has pure functions over log-likelihoods `(B, T, K)`, which the estimators, the layer
`HMMFeatures` and the layer `CRF` share. Each name below is imported on first use; the layers are in
`rnnkit.layers`.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODELS = ("CategoricalHMM", "GMMHMM", "GaussianHMM", "HMM", "PoissonHMM")
_HOMES = dict.fromkeys(_MODELS, "estimators.models") | {
    "Emission": "emissions.base",
    "HMMClassifier": "estimators.classifier",
    "MarkovChain": "chain.markov_chain",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"rnnkit.hmm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rnnkit.hmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
