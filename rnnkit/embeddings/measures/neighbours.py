"""Nearest neighbours of words, and word analogies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.errors import InputError, check_count, quote, quote_all

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Neighbours = list[tuple[str, float]]


def neighbours(vectors: KeyedVectors, words: str | Sequence[str], n: int = 10) -> list[Neighbours]:
    """Return the nearest neighbours of words by cosine similarity.

    Args:
        vectors: gensim's `KeyedVectors`, V words.
        words: one word or N of them.
        n: neighbours of each word, at least 1; at most V - 1 are returned.

    Returns:
        N lists of (word, similarity), the nearest first, without the word itself.

    Raises:
        InputError: an out-of-vocabulary word (similar ones are suggested), or n below 1.

    Example:
        >>> from gensim.models import KeyedVectors
        >>> vectors = KeyedVectors(2)
        >>> vectors.add_vectors(["good", "fine", "bad"], [[1, 0.1], [1, 0.2], [-1, 0.1]])
        >>> [[word for word, _ in found] for found in neighbours(vectors, ["good", "bad"], n=1)]
        [['fine'], ['fine']]
    """
    words = [words] if isinstance(words, str) else list(words)
    check_words(words, vectors.key_to_index)
    return [_nearest(vectors, [word], [], n) for word in words]


def analogy(vectors: KeyedVectors, a: str, b: str, c: str, n: int = 1) -> Neighbours:
    """Solve a word analogy: return the words nearest to `b - a + c` (3CosAdd).

    Args:
        vectors: gensim's `KeyedVectors`; vectors are normalised to length 1.
        a: "man" in "man is to king as woman is to ...".
        b: "king".
        c: "woman".
        n: number of words, at least 1.

    Returns:
        (word, similarity), the nearest first, without a, b and c.

    Raises:
        InputError: an out-of-vocabulary word (similar ones are suggested), or n below 1.

    Source: Mikolov, Yih, Zweig 2013, Linguistic regularities in continuous space word
        representations, NAACL.

    Example:
        >>> from gensim.models import KeyedVectors
        >>> vectors = KeyedVectors(2)
        >>> words = ["man", "king", "woman", "queen", "apple"]
        >>> vectors.add_vectors(words, [[1, 0], [1, 1], [-1, 0.1], [-0.5, 1], [0, -1]])
        >>> analogy(vectors, "man", "king", "woman")[0][0]
        'queen'
    """
    check_words((a, b, c), vectors.key_to_index)
    return _nearest(vectors, [b, c], [a], n)


def check_words(words: Iterable[str], known: Mapping[str, int]) -> None:
    """Check that words are in a vocabulary; the error suggests up to three similar ones.

    Example:
        >>> check_words(["moive"], {"movie": 0, "film": 1})
        Traceback (most recent call last):
        rnnkit.errors.InputError: The word 'moive' is not among the 2 known. Did you mean 'movie'?
    """
    for word in words:
        if word not in known:
            if not isinstance(word, str):
                raise InputError(f"A word must be a string, not {quote(word)}.")
            near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
            lower = word.lower()
            if lower in known:  # most vocabularies are in lower case
                near = [lower, *(other for other in near if other != lower)][:3]
            hint = f" Did you mean {quote_all(near)}?" if near else ""
            raise InputError(f"The word {quote(word)} is not among the {len(known):,} known.{hint}")


def _nearest(vectors: KeyedVectors, positive: list[str], negative: list[str], n: int) -> Neighbours:
    check_count("n", n)
    with np.errstate(invalid="ignore"):  # the cosine of a zero vector is NaN, removed below
        found = vectors.most_similar(positive, negative, topn=n)
    return [(word, similarity) for word, similarity in found if np.isfinite(similarity)]
