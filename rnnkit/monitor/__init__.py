"""Monitoring of training: TensorBoard event files, callbacks, metrics and figures.

Names are imported on first use; `events`, `projector` and the `markov` modules need neither Keras
nor a framework.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "EventWriter": "rnnkit.monitor.events",
    "write_projector": "rnnkit.monitor.projector",
    "TensorBoard": "rnnkit.monitor.callbacks",
    "StopOnNonFinite": "rnnkit.monitor.callbacks",
    "Precision": "rnnkit.monitor.metrics",
    "Recall": "rnnkit.monitor.metrics",
    "F1": "rnnkit.monitor.metrics",
    "gradient_flow": "rnnkit.monitor.gradients",
    "gradient_flow_png": "rnnkit.monitor.gradients",
    "HMMEvents": "rnnkit.monitor.markov_events",
    "transition_figure": "rnnkit.monitor.markov",
    "emission_figure": "rnnkit.monitor.markov",
    "means_figure": "rnnkit.monitor.markov",
    "log_likelihood_figure": "rnnkit.monitor.markov",
    "states_figure": "rnnkit.monitor.markov_series",
    "WordVectorEvents": "rnnkit.monitor.word_vectors",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.monitor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
