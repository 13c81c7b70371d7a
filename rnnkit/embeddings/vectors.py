"""Word vectors -> the first value of an embedding layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from rnnkit.data.vocabulary import Vocabulary


class Start(NamedTuple):
    """Where an embedding layer starts from.

    Attributes:
        matrix: `(V, D)` float32, a vector for every token.
        share_of_words: how many of the vocabulary's words have a vector of their own, 0 to 1.
        share_of_tokens: how many of the running words that the vocabulary was learned from have
            one, 0 to 1; words that it left out have none.

    Example:
        >>> Start(np.zeros((3, 2), "float32"), 0.5, 0.9).share_of_tokens
        0.9
    """

    matrix: np.ndarray
    share_of_words: float
    share_of_tokens: float


def embedding_matrix(vectors: KeyedVectors, vocabulary: Vocabulary) -> Start:
    """Return a vector for every token of a vocabulary, and how many of them were found.

    Words without a vector, and the unknown token, get the mean of those found; padding gets zeros.

    Args:
        vectors: gensim's `KeyedVectors`, of size D.
        vocabulary: V tokens, padding and unknown the first two.

    Returns:
        The matrix `(V, D)` and the two shares.

    Raises:
        InputError: none of the words has a vector.

    Example:
        >>> from rnnkit.data.vocabulary import Vocabulary
        >>> from rnnkit.embeddings import train_word_vectors
        >>> texts = [["a", "b"]] * 20
        >>> vectors = train_word_vectors(texts, vector_size=4)
        >>> start = embedding_matrix(vectors, Vocabulary.learn(texts))
        >>> start.matrix.shape, start.share_of_words
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
    running = max(sum(vocabulary.counts), 1)  # a vocabulary made by hand may count nothing
    return Start(matrix, float(found.mean()), float(counts[found].sum() / running))
