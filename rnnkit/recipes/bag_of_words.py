"""Sentiment classifier of texts without word order: the feed-forward baseline."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.errors import InputError
from rnnkit.options import pick
from rnnkit.recipes.recipe import Settings, recipe, refuse_ignored, split_names, training_arguments
from rnnkit.settings.distillation import DistillationOptions
from rnnkit.settings.examples import ClassesOption
from rnnkit.settings.texts import BagNetworkOptions, BagTokensOption
from rnnkit.settings.training import TrainingOptions
from rnnkit.settings.words import (
    PipelineOptions,
    SubwordTokenizerOption,
    VocabularyOptions,
    WordVectorOptions,
)

if TYPE_CHECKING:
    from rnnkit.tasks import BagOfWords


def _bag_of_words(settings: Settings) -> BagOfWords:
    from rnnkit.data.text import TextPipeline
    from rnnkit.tasks import BagOfWords, bag_of_words_classifier

    refuse_ignored(settings, PipelineOptions)
    training = training_arguments(settings)
    weighting, embedding = settings["weighting"], str(settings["embedding"])
    if weighting != "mean" and embedding != "random":
        raise InputError(
            f"embedding is {embedding!r}, but weighting {weighting!r} has no word vectors to "
            "initialize. Set weighting='mean', or leave embedding out."
        )
    return BagOfWords(
        functools.partial(bag_of_words_classifier, **pick(settings, BagNetworkOptions)),
        classes=split_names(settings["classes"]),
        pipeline=TextPipeline(**pick(settings, PipelineOptions)),
        **pick(
            settings, BagTokensOption, SubwordTokenizerOption, VocabularyOptions, WordVectorOptions
        ),
        **pick(settings, DistillationOptions),
        **training,
    )


bag_of_words_sentiment = recipe(
    "bag_of_words_sentiment",
    "Sentiment classifier of texts: logistic regression, or a feed-forward network, on n-grams.",
    _bag_of_words,
    groups=(
        BagNetworkOptions,
        BagTokensOption,
        WordVectorOptions,
        VocabularyOptions,
        PipelineOptions,
        SubwordTokenizerOption,
        ClassesOption,
        DistillationOptions,
        TrainingOptions,
    ),
    defaults={
        "learning_rate": 2e-2,
        "learning_rate_schedule": "linear",
        "clip_norm": None,
        "batch_size": 64,
        "epochs": 5,
        "vocabulary_size": 100_000,
        "min_count": 2,
    },
    renamed={"trainable": "embedding_trainable", "penalty": "l2"},
    text="""
The settings of word vectors (`embedding` and so on) apply to `weighting="mean"` only.

Returns:
    `BagOfWords`, a `TextClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take raw
    text.

Source: Wang and Manning 2012, Baselines and bigrams, ACL (why it is hard to beat).

Example:
    >>> model = bag_of_words_sentiment(ngrams=1)
    >>> history = model.fit(["a fine film", "a dull film"] * 8, [1, 0] * 8, verbose=0)
    >>> model.predict_labels("a fine film")
    ['1']
""",
)
