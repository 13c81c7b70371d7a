"""gensim without SciPy's statistics, which take most of the time of its import.

gensim imports `scipy.stats` for a few functions (the entropy of topics, rank correlations) that a
training of word vectors does not call.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import Any

STATISTICS = "scipy.stats"
_lock = threading.Lock()


def import_gensim() -> None:
    """Import `gensim.models`; where it is the first to need SciPy's statistics, defer those.

    Example:
        >>> import_gensim()
        >>> from gensim.models import KeyedVectors
        >>> KeyedVectors(3).vector_size
        3
    """
    with _lock:
        if "gensim" in sys.modules or STATISTICS in sys.modules:
            importlib.import_module("gensim.models")
            return
        sys.modules[STATISTICS] = _Statistics(STATISTICS)
        try:
            importlib.import_module("gensim.models")
        finally:
            if isinstance(sys.modules.get(STATISTICS), _Statistics):
                del sys.modules[STATISTICS]


class _Statistics(ModuleType):
    """`scipy.stats`, imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Deferred(name)


class _Deferred:
    """Something of `scipy.stats`, looked up when it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._found()(*args, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._found(), name)

    def _found(self) -> Any:
        return getattr(importlib.import_module(STATISTICS), self._name)
