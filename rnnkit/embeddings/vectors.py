"""Word vectors -> the first value of an embedding layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from rnnkit.data.vocabulary import Vocabulary


def embedding_matrix(vectors: KeyedVectors, vocabulary: Vocabulary) -> tuple[np.ndarray, float]:
    """Return a vector for every token of a vocabulary, and the share of its words that were found.

    Words without a vector, and the unknown token, get the mean vector; padding gets zeros.

    Args:
        vectors: gensim's `KeyedVectors`, of size D.
        vocabulary: V tokens, padding and unknown the first two.

    Returns:
        `(V, D)` float32, and a share in [0, 1].

    Raises:
        InputError: none of the words has a vector.

    Example:
        >>> from rnnkit.data.vocabulary import Vocabulary
        >>> from rnnkit.embeddings import train_word_vectors
        >>> texts = [["a", "b"]] * 20
        >>> vectors = train_word_vectors(texts, vector_size=4)
        >>> matrix, share = embedding_matrix(vectors, Vocabulary.learn(texts))
        >>> matrix.shape, share
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
    return matrix, float(found.mean())
