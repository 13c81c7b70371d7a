"""Recurrent sequence models for Keras 3.

rnnkit brings recurrent networks, hidden Markov models and word vectors under one roof.
Its recipes take raw text or series, train on TensorFlow, JAX or PyTorch, and answer the same
on all three.
Data flows one way: `datasets` -> `layers` -> `tasks` -> `recipes` -> `study`.
Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

import rnnkit.old_modules  # noqa: F401  (lets them be imported)

__version__ = "0.1.0"

# Public name -> module, in the order data walks through them. Imported on first use (PEP 562).
_MODULES = {
    "datasets": "rnnkit.data.datasets",
    "layers": "rnnkit.layers",
    "hmm": "rnnkit.hmm",
    "tasks": "rnnkit.tasks",
    "recipes": "rnnkit.recipes",
    "monitor": "rnnkit.monitor",
    "explain": "rnnkit.explain",
    "study": "rnnkit.study",
}

__all__ = [
    "__version__",
    "datasets",
    "explain",
    "hmm",
    "layers",
    "load",
    "monitor",
    "recipes",
    "study",
    "tasks",
]


def load(path: str | os.PathLike[str]) -> Any:
    """Open any file and any run folder that rnnkit wrote.

    Args:
        path: a run folder, a `.keras` file, word vectors, a Hopfield network or a vocabulary; see
            `rnnkit.study.opening.load`.

    Returns:
        The model: a task, word vectors, a Keras model, ...

    Raises:
        InputError: there is nothing at the path, or nothing that rnnkit wrote; the message names
            the file.

    Example:
        >>> load("runs/mine").predict_labels(["A fine film."])  # doctest: +SKIP
        ['pos']
    """
    from rnnkit.study.opening import load as open_any

    return open_any(path)


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'rnnkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
