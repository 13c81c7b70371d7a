"""Word vectors: learned from texts, measured, kept in files, the start of an embedding."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.embeddings.files import load_vectors, save_vectors
from rnnkit.embeddings.measures.evaluation import evaluate
from rnnkit.embeddings.measures.neighbours import analogy, neighbours
from rnnkit.embeddings.model import CBOW, METHODS, SkipGram
from rnnkit.embeddings.vectors import embedding_matrix
from rnnkit.embeddings.word2vec import train_word_vectors

__all__ = [
    "CBOW",
    "METHODS",
    "SkipGram",
    "analogy",
    "embedding_matrix",
    "evaluate",
    "load_vectors",
    "neighbours",
    "save_vectors",
    "train_word_vectors",
]
