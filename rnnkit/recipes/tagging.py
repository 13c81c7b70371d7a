"""Taggers of words in sentences: named entities, parts of speech."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnkit.options import pick
from rnnkit.recipes.recipe import NO_CLASSES, Settings, recipe, split_names, training_arguments
from rnnkit.settings.examples import ClassesOption
from rnnkit.settings.tagging import (
    LowercaseOption,
    TaggerNetworkOptions,
    TagSchemeOption,
    WordLengthOption,
)
from rnnkit.settings.training import AdversarialOption, TrainingOptions
from rnnkit.settings.words import (
    EmbeddingSizeOption,
    PretrainedOption,
    VocabularyOptions,
    WordVectorOptions,
)

if TYPE_CHECKING:
    from rnnkit.tasks import SequenceTagger


def _tagger(settings: Settings) -> SequenceTagger:
    from rnnkit.tasks import SequenceTagger
    from rnnkit.tasks.tagging.tagger_networks import recurrent_tagger

    return SequenceTagger(
        functools.partial(recurrent_tagger, **pick(settings, TaggerNetworkOptions)),
        classes=split_names(settings["classes"]),
        word_length=settings["word_length"] if settings["characters"] else 0,
        **pick(settings, LowercaseOption, VocabularyOptions, TagSchemeOption),
        **pick(settings, WordVectorOptions, PretrainedOption, EmbeddingSizeOption),
        **training_arguments(settings),
    )


def _recipe(name: str, summary: str, tags: str, **defaults: Any) -> Callable[..., SequenceTagger]:
    return recipe(
        name,
        summary,
        _tagger,
        groups=(
            TaggerNetworkOptions,
            WordLengthOption,
            WordVectorOptions,
            PretrainedOption,
            EmbeddingSizeOption,
            VocabularyOptions,
            LowercaseOption,
            ClassesOption,
            TagSchemeOption,
            TrainingOptions,
            AdversarialOption,
        ),
        defaults={
            "units": 128,
            "embedding_dropout": 0.4,
            "vocabulary_size": 100_000,
            "learning_rate": 3e-3,
            "epochs": 10,
            **defaults,
        },
        renamed={"trainable": "embedding_trainable"},
        refused={
            "tokenizer": "there is one tag for each word, and a tokenizer splits words.",
            **NO_CLASSES,
        },
        text="""
All recurrent layers are bidirectional. With a file of word vectors the vocabulary contains all
words of the file.

Returns:
    `SequenceTagger`: a Keras model whose `fit` and `evaluate` take lists of words and lists of
    tags, and whose `predict` also takes raw sentences.

Source: Ma and Hovy 2016, arXiv:1603.01354; Lample et al. 2016, arXiv:1603.01360.

Example:
    >>> model = {name}(units=4, epochs=1)
    >>> history = model.fit([["Ask", "John"]] * 8, [{tags}] * 8, verbose=0)
    >>> len(model.predict("Ask John!")[0])
    3
""".replace("{tags}", tags),
    )


name_tagger = _recipe(
    "name_tagger",
    "Named-entity recognition: the persons, places and organisations in sentences.",
    '["O", "B-PER"]',
)
pos_tagger = _recipe(
    "pos_tagger",
    "Part-of-speech tagger of sentences.",
    '["VERB", "PROPN"]',
    output="softmax",
    characters="lstm",
    word_dropout=0.2,
    epochs=15,
)
