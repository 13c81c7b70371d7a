"""Functions that return a configured task: `from rnnkit.recipes import lstm_sentiment`.

No framework is imported until a recipe is called, so names, summaries and settings come at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnkit.errors import InputError, nearest
from rnnkit.recipes.sentiment import bilstm_sentiment, gru_sentiment, lstm_sentiment, rnn_sentiment

__all__ = [
    "bilstm_sentiment",
    "find",
    "gru_sentiment",
    "lstm_sentiment",
    "names",
    "rnn_sentiment",
]

_RECIPES = {
    recipe.__name__: recipe
    for recipe in (rnn_sentiment, lstm_sentiment, gru_sentiment, bilstm_sentiment)
}


def names() -> list[str]:
    """Return the names of all recipes.

    Example:
        >>> names()
        ['rnn_sentiment', 'lstm_sentiment', 'gru_sentiment', 'bilstm_sentiment']
    """
    return list(_RECIPES)


def find(name: str) -> Callable[..., Any]:
    """Return the recipe of that name.

    Raises:
        InputError: there is none; the message names the nearest.

    Example:
        >>> find("lstm_sentiment") is lstm_sentiment
        True
    """
    if name not in _RECIPES:
        raise InputError(
            f"There is no recipe {name!r}.{nearest(name, _RECIPES)} Known: {', '.join(_RECIPES)}."
        )
    return _RECIPES[name]
