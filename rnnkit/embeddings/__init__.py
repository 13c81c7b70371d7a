"""Word vectors with word2vec: training, evaluation, files, embedding matrices.

Names are imported on first use; `rnnkit.embeddings.options` needs neither Keras nor gensim.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "files": ("load_vectors", "save_vectors"),
    "measures.evaluation": ("evaluate",),
    "measures.neighbours": ("analogy", "neighbours"),
    "model": ("CBOW", "METHODS", "SkipGram"),
    "vectors": ("embedding_matrix",),
    "word2vec": ("train_word_vectors",),
}
_HOMES = {name: f"rnnkit.embeddings.{module}" for module in _MODULES for name in _MODULES[module]}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.embeddings' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
