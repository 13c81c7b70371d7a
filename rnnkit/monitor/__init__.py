"""What happened while a model trained: TensorBoard event files, callbacks and metrics.

`events` and `projector` need neither Keras nor a framework; `callbacks`, `metrics` and `gradients`
bring them in (after `rnnkit.backend`, which picks one). Each name below is imported on first use.
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
}

__all__ = [
    "F1",
    "EventWriter",
    "Precision",
    "Recall",
    "StopOnNonFinite",
    "TensorBoard",
    "gradient_flow",
    "gradient_flow_png",
    "write_projector",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.monitor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
