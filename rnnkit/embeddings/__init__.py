"""Word vectors: trained on a recipe's own texts, or beside them on texts without labels."""

from rnnkit.embeddings.vectors import embedding_matrix
from rnnkit.embeddings.word2vec import METHODS, train_word_vectors

__all__ = ["METHODS", "embedding_matrix", "train_word_vectors"]
