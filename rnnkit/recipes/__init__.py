"""Functions that return a configured task: `from rnnkit.recipes import lstm_sentiment`.

No framework is imported until a recipe is called, so names, summaries and settings come at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnkit.data.splits import Kind
from rnnkit.errors import InputError, nearest
from rnnkit.recipes.corpora import word_vectors
from rnnkit.recipes.sentiment import bilstm_sentiment, gru_sentiment, lstm_sentiment, rnn_sentiment
from rnnkit.recipes.series import sequence_classifier
from rnnkit.recipes.traffic import traffic_forecaster

__all__ = [
    "bilstm_sentiment",
    "find",
    "gru_sentiment",
    "kind_of",
    "lstm_sentiment",
    "names",
    "rnn_sentiment",
    "sequence_classifier",
    "traffic_forecaster",
    "word_vectors",
]

# What the data hold -> the recipes that take them; `rnnkit.datasets.names` has the same kinds.
_RECIPES: dict[Kind, tuple[Callable[..., Any], ...]] = {
    "texts": (rnn_sentiment, lstm_sentiment, gru_sentiment, bilstm_sentiment),
    "labelled series": (sequence_classifier,),
    "series": (traffic_forecaster,),
    "corpus": (word_vectors,),
}


def names() -> list[str]:
    """Return the names of all recipes.

    Example:
        >>> names()[:4]
        ['rnn_sentiment', 'lstm_sentiment', 'gru_sentiment', 'bilstm_sentiment']
    """
    return [recipe.__name__ for recipes in _RECIPES.values() for recipe in recipes]


def find(name: str) -> Callable[..., Any]:
    """Return the recipe of that name.

    Raises:
        InputError: there is none; the message names the nearest.

    Example:
        >>> find("lstm_sentiment") is lstm_sentiment
        True
    """
    return _find(name)[1]


def kind_of(name: str) -> Kind:
    """Return what the data hold that the recipe of that name takes.

    Raises:
        InputError: there is no such recipe; the message names the nearest.

    Example:
        >>> kind_of("lstm_sentiment")
        'texts'
    """
    return _find(name)[0]


def _find(name: str) -> tuple[Kind, Callable[..., Any]]:
    for kind, recipes in _RECIPES.items():
        for recipe in recipes:
            if recipe.__name__ == name:
                return kind, recipe
    raise InputError(
        f"There is no recipe {name!r}.{nearest(name, names())} Known: {', '.join(names())}."
    )
