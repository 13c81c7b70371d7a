"""Functions that return a configured task: `from rnnkit.recipes import lstm_sentiment`.

No framework is imported until a recipe is called, so names, summaries and settings come at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnkit.data import datasets
from rnnkit.errors import InputError, suggest
from rnnkit.recipes.bag_of_words import bag_of_words_sentiment
from rnnkit.recipes.corpora import word_vectors
from rnnkit.recipes.frames import frame_labeller
from rnnkit.recipes.language import next_word, text_generator
from rnnkit.recipes.sentiment import bilstm_sentiment, gru_sentiment, lstm_sentiment, rnn_sentiment
from rnnkit.recipes.series import sequence_classifier
from rnnkit.recipes.tagging import name_tagger, pos_tagger
from rnnkit.recipes.text_to_text import summarizer, translator
from rnnkit.recipes.traffic import traffic_forecaster

__all__ = [
    "bag_of_words_sentiment",
    "bilstm_sentiment",
    "find",
    "frame_labeller",
    "gru_sentiment",
    "kind_of",
    "lstm_sentiment",
    "name_tagger",
    "names",
    "next_word",
    "pos_tagger",
    "rnn_sentiment",
    "sample_for",
    "sequence_classifier",
    "summarizer",
    "text_generator",
    "traffic_forecaster",
    "translator",
    "word_vectors",
]

# What the data hold -> the recipes that take them; `rnnkit.datasets.names` has the same kinds.
_RECIPES: dict[str, tuple[Callable[..., Any], ...]] = {
    "texts": (
        rnn_sentiment,
        lstm_sentiment,
        gru_sentiment,
        bilstm_sentiment,
        bag_of_words_sentiment,
    ),
    "tagged sentences": (name_tagger, pos_tagger),
    "running text": (next_word, text_generator),
    "pairs": (translator, summarizer),
    "labelled series": (sequence_classifier,),
    "labelled frames": (frame_labeller,),
    "series": (traffic_forecaster,),
    "corpus": (word_vectors,),
}
# A recipe that is to be tried on another generated data set than the first one of its kind.
_SAMPLES = {"pos_tagger": "pos_sample", "summarizer": "mails_sample"}


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


def kind_of(name: str) -> str:
    """Return what the data hold that the recipe of that name takes.

    Raises:
        InputError: there is no such recipe; the message names the nearest.

    Example:
        >>> kind_of("lstm_sentiment")
        'texts'
    """
    return _find(name)[0]


def sample_for(name: str) -> str:
    """Return the generated data set that the recipe of that name takes where none is named.

    Raises:
        InputError: there is no such recipe; the message names the nearest.

    Example:
        >>> sample_for("lstm_sentiment"), sample_for("pos_tagger")
        ('sample', 'pos_sample')
    """
    return _SAMPLES.get(name) or datasets.find_kind(kind_of(name)).sample


def _find(name: str) -> tuple[str, Callable[..., Any]]:
    for kind, recipes in _RECIPES.items():
        for recipe in recipes:
            if recipe.__name__ == name:
                return kind, recipe
    raise InputError(
        f"There is no recipe {name!r}.{suggest(name, names())} Known: {', '.join(names())}."
    )
