"""Word vectors with word2vec: training, evaluation, files, embedding matrices.

Names are imported on first use; `rnnkit.embeddings.options` needs neither Keras nor gensim.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "CBOW": "rnnkit.embeddings.model",
    "METHODS": "rnnkit.embeddings.model",
    "SkipGram": "rnnkit.embeddings.model",
    "analogy": "rnnkit.embeddings.measures.neighbours",
    "embedding_matrix": "rnnkit.embeddings.vectors",
    "evaluate": "rnnkit.embeddings.measures.evaluation",
    "load_vectors": "rnnkit.embeddings.files",
    "neighbours": "rnnkit.embeddings.measures.neighbours",
    "save_vectors": "rnnkit.embeddings.files",
    "train_word_vectors": "rnnkit.embeddings.word2vec",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rnnkit.embeddings' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
