"""Initial weights of an embedding layer from pretrained word vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from rnnkit.data.vocabulary import Vocabulary


class EmbeddingInit(NamedTuple):
    """Initial weights of an embedding layer, and the coverage of the vocabulary.

    Attributes:
        matrix: `(V, D)` float32, a vector for every token.
        share_of_words: fraction of the vocabulary's words with a pretrained vector, 0 to 1.
        share_of_tokens: the same, weighted by the words' counts in the vocabulary's texts; words
            dropped from the vocabulary count as not covered.

    Example:
        >>> EmbeddingInit(np.zeros((3, 2), "float32"), 0.5, 0.9).share_of_tokens
        0.9
    """

    matrix: np.ndarray
    share_of_words: float
    share_of_tokens: float


def embedding_matrix(vectors: KeyedVectors, vocabulary: Vocabulary) -> EmbeddingInit:
    """Return pretrained vectors for every token of a vocabulary, and their coverage.

    Words without a vector and the unknown token get the mean of the others, padding gets zeros.

    Args:
        vectors: gensim's `KeyedVectors`, of size D.
        vocabulary: V tokens, padding and unknown the first two.

    Raises:
        InputError: none of the words has a vector.

    Example:
        >>> from rnnkit.data.vocabulary import Vocabulary
        >>> from rnnkit.embeddings import train_word_vectors
        >>> texts = [["a", "b"]] * 20
        >>> vectors = train_word_vectors(texts, vector_size=4)
        >>> init = embedding_matrix(vectors, Vocabulary.learn(texts))
        >>> init.matrix.shape, init.share_of_words
        ((4, 4), 1.0)
    """
    words = vocabulary.tokens[2:]
    rows = np.array([vectors.key_to_index.get(word, -1) for word in words], dtype=int)
    found = rows >= 0
    if not found.any():
        raise InputError(
            f"None of the {len(words)} words of the vocabulary has a vector among the "
            f"{len(vectors)} given; were they made from other texts or another pipeline?"
        )
    known = vectors.vectors[rows[found]].astype("float32")
    matrix = np.tile(known.mean(axis=0), (len(vocabulary), 1))
    matrix[0] = 0.0
    matrix[2:][found] = known
    counts = np.array(vocabulary.counts[2:])
    total = max(sum(vocabulary.counts), 1)  # a vocabulary made by hand may have no counts
    return EmbeddingInit(matrix, float(found.mean()), float(counts[found].sum() / total))


__getattr__ = renamed_names(__name__, {"Start": "EmbeddingInit"})
