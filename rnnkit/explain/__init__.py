"""Explanations of answers: which words or steps moved them.

`explain` of a task returns an `Explanation`. `integrated_gradients` and `connectivity` take any
function of arrays. Names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "gradient_norms": ("connectivity",),
    "events": ("write_explanation",),
    "explanation": ("Connectivity", "Explanation"),
    "integration": ("Attribution", "integrated_gradients"),
}
_HOMES = {name: f"rnnkit.explain.{module}" for module in _MODULES for name in _MODULES[module]}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.explain' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
