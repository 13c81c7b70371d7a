"""The examples of a test split about which the recipes of a study disagree most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.study.calibration import all_classes
from rnnkit.study.comparable import Kept

MOST = 10
_CHARACTERS = 300  # of a text that are shown


class Disputed(NamedTuple):
    """An example to which recipes answer different classes.

    Attributes:
        place: in the test split, from 0.
        truth: its class.
        answers: recipe -> class and its probability, the mean over the recipe's runs.
        divergence: of these probabilities, see `divergence`.
    """

    place: int
    truth: str
    answers: dict[str, tuple[str, float]]
    divergence: float


def disputed(recipes: Mapping[str, Sequence[Kept]], most: int = MOST) -> list[Disputed]:
    """Return the examples with the largest divergence among those with different answers.

    Args:
        recipes: recipe -> its runs of classifiers, from `rnnkit.study.comparable.by_recipe`.
        most: how many.

    Example:
        >>> disputed(by_recipe(study.runs, []))[0].answers  # doctest: +SKIP
        {'rnn_sentiment': ('neg', 0.98), 'lstm_sentiment': ('pos', 0.99)}
    """
    first = next(iter(recipes.values()))[0].answers
    means = np.stack(
        [
            np.mean([all_classes(one.answers["probabilities"]) for one in kept], axis=0)
            for kept in recipes.values()
        ]
    )
    votes = means.argmax(axis=2)
    differ = np.flatnonzero((votes != votes[0]).any(axis=0))
    apart = divergence(means[:, differ])
    names = [str(name) for name in first["classes"]]
    found = []
    for i in np.argsort(-apart, kind="stable")[:most]:
        place = int(differ[i])
        answers = {
            recipe: (names[votes[row, place]], float(means[row, place].max()))
            for row, recipe in enumerate(recipes)
        }
        found.append(Disputed(place, names[first["truth"][place]], answers, float(apart[i])))
    return found


def divergence(probabilities: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon divergence of several distributions, in bits, `(N,)`.

    That is the entropy of their mean less the mean of their entropies: 0 where they are the same.

    Args:
        probabilities: `(R, N, C)`, of R models for N examples.

    Source: Lin 1991, IEEE Transactions on Information Theory 37(1).

    Example:
        >>> divergence(np.array([[[1.0, 0.0]], [[0.0, 1.0]]])).tolist()
        [1.0]
    """
    return np.asarray(_entropy(probabilities.mean(axis=0)) - _entropy(probabilities).mean(axis=0))


def shown(example: Any) -> str:
    """Return an example for a table: the beginning of a text; of a series, its length.

    Example:
        >>> shown("A  good film."), shown(np.zeros((40, 2)))
        ('A good film.', 'series of 40 steps')
    """
    if not isinstance(example, str):
        return f"series of {len(example):,} steps"
    text = " ".join(example.split())
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS].rstrip()}…"


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    safe = np.where(probabilities > 0, probabilities, 1.0)
    return np.asarray(-(safe * np.log2(safe)).sum(axis=-1))
