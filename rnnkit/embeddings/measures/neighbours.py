"""What lies near a word, and the fourth word of an analogy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Near = list[tuple[str, float]]


def neighbours(vectors: KeyedVectors, words: str | Sequence[str], n: int = 10) -> list[Near]:
    """Return the words nearest to each of some words, by the cosine of the angle between vectors.

    Args:
        vectors: gensim's `KeyedVectors`, V words.
        words: one word or N of them.
        n: how many neighbours of each, at least 1; V - 1 if there are fewer.

    Returns:
        N lists of (word, similarity), the nearest first; the word itself is left out.

    Raises:
        InputError: a word that has no vector (the nearest spellings are named), or n below 1.

    Example:
        >>> from gensim.models import KeyedVectors
        >>> vectors = KeyedVectors(2)
        >>> vectors.add_vectors(["good", "fine", "bad"], [[1, 0.1], [1, 0.2], [-1, 0.1]])
        >>> [[near[0] for near in found] for found in neighbours(vectors, ["good", "bad"], n=1)]
        [['fine'], ['fine']]
    """
    words = [words] if isinstance(words, str) else list(words)
    check_words(words, vectors.key_to_index)
    return [_nearest(vectors, [word], [], n) for word in words]


def analogy(vectors: KeyedVectors, a: str, b: str, c: str, n: int = 1) -> Near:
    """Return the words d for which a is to b as c is to d: those nearest to `b - a + c`.

    Args:
        vectors: gensim's `KeyedVectors`; each vector counts with length 1.
        a: "man" in "man is to king as woman is to ...".
        b: "king".
        c: "woman".
        n: how many words, at least 1.

    Returns:
        (word, similarity), the nearest first; none of the three given.

    Raises:
        InputError: a word that has no vector (the nearest spellings are named), or n below 1.

    Source: Mikolov, Yih, Zweig 2013, "Linguistic regularities in continuous space word
        representations", NAACL.

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
    """See that all words are known.

    Args:
        words: what was asked for.
        known: the vocabulary, by word.

    Raises:
        InputError: one that is not; up to three nearest spellings are named.

    Example:
        >>> check_words(["moive"], {"movie": 0, "film": 1})
        Traceback (most recent call last):
        rnnkit.errors.InputError: The word 'moive' is not among the 2 known. Did you mean 'movie'?
    """
    for word in words:
        if word not in known:
            if not isinstance(word, str):
                raise InputError(f"A word must be a string, not {word!r}.")
            near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
            lower = word.lower()
            if lower in known:  # most vocabularies are in small letters
                near = [lower, *(other for other in near if other != lower)][:3]
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise InputError(f"The word {word!r} is not among the {len(known):,} known.{hint}")


def _nearest(vectors: KeyedVectors, positive: list[str], negative: list[str], n: int) -> Near:
    if n < 1:
        raise InputError(f"n is {n}; expected at least 1 word.")
    with np.errstate(invalid="ignore"):  # a vector of zeros has no direction: NaN, left out below
        found = vectors.most_similar(positive, negative, topn=n)
    return [(word, similarity) for word, similarity in found if np.isfinite(similarity)]
