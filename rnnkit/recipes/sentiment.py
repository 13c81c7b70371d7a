"""Sentiment classifiers of texts: recurrent networks, and linear recurrences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError
from rnnkit.options import pick
from rnnkit.recipes.recipe import Settings, recipe, refuse_ignored, split_names, training_arguments
from rnnkit.settings.distillation import DistillationOptions
from rnnkit.settings.examples import ClassesOption, TruncationOptions
from rnnkit.settings.texts import AugmentationOption, NGramOptions, PresetOption, TextNetworkOptions
from rnnkit.settings.training import AdversarialOption, TrainingOptions, VirtualAdversarialOption
from rnnkit.settings.words import (
    PipelineOptions,
    PretrainedOption,
    SubwordTokenizerOption,
    VocabularyOptions,
    WordVectorOptions,
)

if TYPE_CHECKING:
    from rnnkit.tasks import TextClassifier

# The textbook configuration for comparing RNN, LSTM and GRU: zero initial state, last state, binary
# cross-entropy, the weights of the best validation loss.
CLASSIC: dict[str, Any] = {
    "layers": 1,
    "units": 50,
    "embedding": "random",
    "embedding_size": 100,
    "word_dropout": 0.0,
    "embedding_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "dropout": 0.5,
    "pooling": "last",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "learning_rate_schedule": "constant",
    "clip_norm": 5.0,
    "batch_size": 50,
    "epochs": 5,
}
# One large layer for a GPU, to be started from a language model of the same sizes: Miyato, Dai and
# Goodfellow 2017, arXiv:1605.07725.
LARGE: dict[str, Any] = {
    "layers": 1,
    "units": 1024,
    "embedding_size": 256,
    "word_dropout": 0.0,
    "embedding_dropout": 0.5,
    "recurrent_dropout": 0.0,
    "dropout": 0.0,
    "pooling": "last",
    "strip_punctuation": False,
    "vocabulary_size": 90_000,
    "min_count": 2,
    "max_length": 400,
    "truncate": "tail",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "learning_rate_schedule": "cosine",
    "clip_norm": 5.0,
    "batch_size": 128,
    "epochs": 30,
}
PRESETS = {"classic": CLASSIC, "large": LARGE}
GROUPS = (
    TextNetworkOptions,
    WordVectorOptions,
    PretrainedOption,
    VocabularyOptions,
    PipelineOptions,
    SubwordTokenizerOption,
    TruncationOptions,
    ClassesOption,
    DistillationOptions,
    AugmentationOption,
    NGramOptions,
    TrainingOptions,
    AdversarialOption,
    VirtualAdversarialOption,
)


def text_classifier(settings: Settings, kind: Any = None, **options: Any) -> TextClassifier:
    """Return the task of these settings.

    Args:
        settings: a value for each of `GROUPS`, for the cell and for the direction.
        kind: the class of the task; None = by the settings.
        **options: more arguments of it.
    """
    from rnnkit.data.text import TextPipeline
    from rnnkit.tasks import NGramTextClassifier, TextClassifier, recurrent_classifier

    refuse_ignored(settings, PipelineOptions)
    ngrams = pick(settings, NGramOptions) if settings["ngram_order"] else {}
    beside = ("ngram_embedding_size", "ngram_logit_cap", "document_vector_size")
    for name in beside if not ngrams else ():
        if settings[name]:
            raise InputError(
                f"{name} is {settings[name]}, but ngram_order is 0: there are no n-grams. Set "
                f"ngram_order=3, or leave {name} out."
            )
    task = kind or (NGramTextClassifier if ngrams else TextClassifier)
    return task(
        functools.partial(recurrent_classifier, **pick(settings, TextNetworkOptions)),
        classes=split_names(settings["classes"]),
        pipeline=TextPipeline(**pick(settings, PipelineOptions)),
        **pick(
            settings,
            SubwordTokenizerOption,
            VocabularyOptions,
            TruncationOptions,
            WordVectorOptions,
            PretrainedOption,
            DistillationOptions,
            AugmentationOption,
        ),
        **ngrams,
        **options,
        **training_arguments(settings),
    )


def _recipe(
    name: str,
    summary: str,
    *,
    cell: str,
    bidirectional: bool = False,
    renamed: Mapping[str, str] | None = None,
    **defaults: Any,
) -> Callable[..., TextClassifier]:
    return recipe(
        name,
        summary,
        text_classifier,
        groups=(PresetOption, *GROUPS),
        defaults={
            "embedding": "skip-gram",
            "embedding_dropout": 0.5,
            "pooling": "mean+max",
            "learning_rate": 2e-3,
            "max_length": 400,
            "min_count": 2,
            **defaults,
        },
        fixed={"cell": cell, "bidirectional": bidirectional},
        presets=PRESETS,
        renamed=renamed,
        text="""
Returns:
    `TextClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take raw text.

Example:
    >>> model = {name}(units=8)
    >>> history = model.fit(["a fine film", "a dull film"] * 8, [1, 0] * 8, verbose=0)
    >>> model.predict("a fine film", verbose=0).shape
    (1, 1)
""",
    )


OLD_NAMES = {"trainable": "embedding_trainable"}  # of settings, in the recipes that had them

rnn_sentiment = _recipe(
    "rnn_sentiment",
    "Sentiment classifier of texts with a simple recurrent (Elman) network.",
    cell="rnn",
    renamed=OLD_NAMES,
    learning_rate=1e-3,
    pooling="mean",  # its last state forgets, and the maximum keeps outliers of single steps
)
lstm_sentiment = _recipe(
    "lstm_sentiment",
    "Sentiment classifier of texts with an LSTM.",
    cell="lstm",
    renamed=OLD_NAMES,
)
gru_sentiment = _recipe(
    "gru_sentiment",
    "Sentiment classifier of texts with a gated recurrent unit (GRU).",
    cell="gru",
    renamed=OLD_NAMES,
)
bilstm_sentiment = _recipe(
    "bilstm_sentiment",
    "Sentiment classifier of texts with a bidirectional LSTM.",
    cell="lstm",
    bidirectional=True,
    renamed=OLD_NAMES,
)
mingru_sentiment = _recipe(
    "mingru_sentiment",
    "Sentiment classifier of texts with a minimal GRU, whose gates read the input alone.",
    cell="mingru",
)
minlstm_sentiment = _recipe(
    "minlstm_sentiment",
    "Sentiment classifier of texts with a minimal LSTM, whose gates read the input alone.",
    cell="minlstm",
)
rglru_sentiment = _recipe(
    "rglru_sentiment",
    "Sentiment classifier of texts with a real-gated linear recurrent unit (RG-LRU).",
    cell="rglru",
)
