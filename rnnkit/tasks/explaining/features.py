"""Features of several words, such as n-grams, and the words that their attributions go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.data.ngrams import NGramVocabulary
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.tasks.answers import name_unknown

MOST = 20  # features that an explanation names


class Feature(NamedTuple):
    """A feature of a text.

    Attributes:
        name: its words.
        places: pairs of the first word and the number of words, for each occurrence.
    """

    name: str
    places: list[tuple[int, int]]


def ngram_features(
    vocabulary: NGramVocabulary, tokens: Sequence[str], numbers: np.ndarray
) -> list[Feature]:
    """Return the n-grams with these numbers, and where they are in a text.

    Example:
        >>> vocabulary = NGramVocabulary(["a", "so"], [[2]], [[1]])
        >>> ngram_features(vocabulary, ["so", "a", "a"], np.array([1, 3]))
        [Feature(name='a', places=[(1, 1), (2, 1)]), Feature(name='so a', places=[(0, 2)])]
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for length, row in enumerate(vocabulary.numbers_at(tokens), start=1):
        for start in np.flatnonzero(row).tolist():
            found.setdefault(int(row[start]), []).append((start, length))
    places = [found[int(number)] for number in numbers]
    return [Feature(" ".join(tokens[s : s + n]), row) for row in places for s, n in row[:1]]


def add_features(features: Sequence[Feature], amounts: np.ndarray, count: int) -> np.ndarray:
    """Return the attributions of words: each feature's, in equal shares to all of its words.

    A feature that a single word more or less would take away is there by all of its words alike;
    equal shares are their Shapley values.

    Args:
        features: of the text.
        amounts: their attributions.
        count: of the words.

    Example:
        >>> features = [Feature("a", [(1, 1), (2, 1)]), Feature("so a", [(0, 2)])]
        >>> add_features(features, np.array([1.0, 4.0]), 3).tolist()
        [2.0, 2.5, 0.5]
    """
    words = np.zeros(count)
    for feature, amount in zip(features, amounts, strict=True):
        share = amount / sum(length for _, length in feature.places)
        for start, length in feature.places:
            words[start : start + length] += share
    return words


def unknown_note(vocabulary: Vocabulary, tokens: Sequence[str]) -> list[str]:
    """Return a line about tokens that a vocabulary lacks, which share a vector; none = no line.

    Example:
        >>> unknown_note(Vocabulary({"fine": 2}), ["fine", "odd"])
        ["not in the vocabulary: 'odd'"]
    """
    found = vocabulary.unknown_tokens([tokens])[0]
    rest = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return [name_unknown(found[:MOST]) + rest] if found else []


def largest(features: Sequence[Feature], amounts: np.ndarray) -> list[tuple[str, float]]:
    """Return the features of several words with the largest amounts, at most `MOST`.

    Example:
        >>> features = [Feature("a", [(1, 1)]), Feature("so a", [(0, 2)])]
        >>> largest(features, np.array([9.0, 4.0]))
        [('so a', 4.0)]
    """
    several = [i for i, one in enumerate(features) if one.places[0][1] > 1]
    order = sorted(several, key=lambda i: -abs(float(amounts[i])))
    return [(features[i].name, float(amounts[i])) for i in order[:MOST]]
