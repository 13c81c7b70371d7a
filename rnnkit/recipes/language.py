"""Language models: of words, which completes text, and of characters, which generates it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.options import pick
from rnnkit.recipes.recipe import (
    NO_CLASSES,
    Settings,
    recipe,
    refuse_ignored,
    split_names,
    training_arguments,
)
from rnnkit.settings.examples import ClassesOption
from rnnkit.settings.language import LanguageNetworkOptions, TokenizerOptions, WindowOptions
from rnnkit.settings.training import AdversarialOption, TrainingOptions
from rnnkit.settings.words import SubwordTokenizerOption, VocabularyOptions

if TYPE_CHECKING:
    from rnnkit.tasks import LanguageModel

GROUPS = (
    LanguageNetworkOptions,
    TokenizerOptions,
    SubwordTokenizerOption,
    VocabularyOptions,
    WindowOptions,
    ClassesOption,
    TrainingOptions,
    AdversarialOption,
)


def _language_model(settings: Settings) -> LanguageModel:
    from rnnkit.data.hub_tokenizer import HubTokenizer
    from rnnkit.data.tokenizer import Tokenizer
    from rnnkit.tasks import LanguageModel
    from rnnkit.tasks.language.language_networks import cutoff_ids, language_network

    refuse_ignored(settings, TokenizerOptions)
    training = training_arguments(settings)
    cutoff_ids(settings["cutoffs"])  # refuses what is no number at once
    return LanguageModel(
        functools.partial(language_network, **pick(settings, LanguageNetworkOptions)),
        tokenizer=HubTokenizer.of(settings["tokenizer"])
        or Tokenizer(settings["unit"], **pick(settings, TokenizerOptions)),
        classes=split_names(settings["classes"]),
        window=settings["window"],
        learn_eos=settings["learn_eos"],
        **pick(settings, VocabularyOptions),
        **training,
    )


next_word = recipe(
    "next_word",
    "Word-level language model: predicts the next word, completes and generates text.",
    _language_model,
    groups=GROUPS,
    defaults={
        "units": 256,
        "embedding_size": 256,
        "word_dropout": 0.1,
        "input_dropout": 0.3,
        "dropout": 0.2,
        "output_dropout": 0.3,
        "weight_dropout": 0.2,
        "vocabulary_size": 50_000,
        "window": 35,
        "learning_rate": 2e-3,
    },
    fixed={"unit": "word", "classes": None},
    refused=NO_CLASSES,
    renamed={"shrink": "div_value", "samples": "num_sampled", "ends": "learn_eos"},
    text="""
Returns:
    `LanguageModel`: a Keras model whose `fit` and `evaluate` take texts; it has `generate` and
    `complete`.

Example:
    >>> model = next_word(units=8, embedding_size=8, batch_size=2)
    >>> history = model.fit(["to be or not to be"] * 8, epochs=1, verbose=0)
    >>> sorted(model.evaluate(["to be"], return_dict=True, verbose=0))
    ['loss', 'perplexity']
""",
)
text_generator = recipe(
    "text_generator",
    "Character-level language model: generates running text, or short texts of a given label.",
    _language_model,
    groups=GROUPS,
    defaults={
        "units": 512,
        "embedding_size": 64,
        "tie_weights": False,
        "dropout": 0.2,
        "output_dropout": 0.2,
        "vocabulary_size": 5000,
        "learning_rate": 2e-3,
    },
    fixed={
        "unit": "character",
        "softmax": "full",
        "cutoffs": (),
        "div_value": 1,
        "num_sampled": 0,
        "split": "space",
    },
    renamed={"ends": "learn_eos"},
    refused=NO_CLASSES,
    text="""
Returns:
    `LanguageModel`: a Keras model whose `fit` and `evaluate` take texts, optionally with labels; it
    has `generate`.

Example:
    >>> model = text_generator(units=8, embedding_size=4, batch_size=4)
    >>> names, languages = ["ann", "eva", "igor", "ivan"] * 4, ["en", "en", "ru", "ru"] * 4
    >>> history = model.fit(names, languages, epochs=1, verbose=0)
    >>> len(model.generate(label="ru", n=3, length=5))
    3
""",
)
