"""Monitoring of training: TensorBoard event files, callbacks, metrics and figures.

Names are imported on first use; `events`, `projector` and the `markov` modules need neither Keras
nor a framework.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "callbacks": ("StopOnNonFinite", "TensorBoard"),
    "dynamics": ("LayerDynamics", "recurrent_dynamics"),
    "dynamics_events": ("RecurrentEvents",),
    "dynamics_figures": ("flow_figure", "saturation_figure"),
    "events": ("EventWriter",),
    "gradients": ("gradient_flow", "gradient_flow_png"),
    "markov": ("emission_figure", "log_likelihood_figure", "means_figure", "transition_figure"),
    "markov_events": ("HMMEvents",),
    "markov_series": ("states_figure",),
    "metrics": ("F1", "Precision", "Recall"),
    "projector": ("write_projector",),
    "word_vectors": ("WordVectorEvents",),
}
_HOMES = {name: f"rnnkit.monitor.{module}" for module in _MODULES for name in _MODULES[module]}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.monitor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
