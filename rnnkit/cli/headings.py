"""Headings of the help: the settings of recipes by subject."""

from __future__ import annotations

import functools
import typing
from typing import Any

from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.settings import (
    distillation,
    examples,
    forecasting,
    frames,
    language,
    series,
    stack,
    tagging,
    text_to_text,
    texts,
    training,
    words,
)

DATA, RUN, TRAINING, OTHER = "Data", "Run", "Training", "Settings of the recipe"
ANSWERS, LIMITS = "Answers", "Limits"  # LIMITS: of a server
SEARCH, ENGINE = "Search", "Processes and machines"
DISTILLATION = "Distillation and augmentation"
GROUPS: dict[str, tuple[Any, ...]] = {  # a setting stands under the first heading that has it
    TRAINING: (
        training.TrainingOptions,
        training.AdversarialOption,
        training.VirtualAdversarialOption,
        texts.PresetOption,
    ),
    DISTILLATION: (
        distillation.TeachersOption,
        distillation.DistillationOptions,
        texts.AugmentationOption,
    ),
    "Word vectors": (
        words.WordVectorOptions,
        words.PretrainedOption,
        words.EmbeddingSizeOption,
        words.EmbeddingTrainableOption,
        words.EmbeddingDropoutOption,
    ),
    "Texts and vocabulary": (
        words.VocabularyOptions,
        words.PipelineOptions,
        words.SubwordTokenizerOption,
        language.TokenizerOptions,
        texts.BagTokensOption,
        texts.NGramOptions,
        texts.NGramNetworkOptions,
        tagging.WordLengthOption,
    ),
    "Examples and labels": (
        examples.ClassesOption,
        examples.TruncationOptions,
        tagging.TagSchemeOption,
    ),
    "Hidden Markov model": (series.HMMOptions,),
    "Network": (
        stack.PooledStackOptions,
        texts.TextNetworkOptions,
        texts.BagNetworkOptions,
        tagging.TaggerNetworkOptions,
        language.LanguageNetworkOptions,
        text_to_text.AttentionNetworkOptions,
        forecasting.ForecastModelOptions,
    ),
    "Series": (
        series.InputFeatureOptions,
        frames.FrameNetworkOptions,
        forecasting.SeriesEncoderOptions,
    ),
    "Windows": (
        language.WindowOptions,
        frames.FrameWindowOption,
        forecasting.ForecastWindowOptions,
    ),
    "Sub-words and decoding": (text_to_text.Seq2SeqOptions,),
    "Word2vec": (Word2VecOptions,),
}
ORDER = (
    *("Arguments", DATA, "Network", "Word2vec", "Word vectors", "Texts and vocabulary"),
    *("Sub-words and decoding", "Hidden Markov model", "Series", "Windows"),
    *("Examples and labels", OTHER, TRAINING, DISTILLATION, SEARCH, RUN, ENGINE, ANSWERS, LIMITS),
    "Options",
)


@functools.cache
def _headings() -> dict[str, str]:
    found: dict[str, str] = {}
    for heading, groups in GROUPS.items():
        for group in groups:
            for name in typing.get_type_hints(group):
                found.setdefault(name, heading)
    return found


def heading_of(name: str) -> str:
    """Return the heading of a setting; those of other packages have one of their own.

    Example:
        >>> heading_of("units"), heading_of("learning_rate"), heading_of("of_another_package")
        ('Network', 'Training', 'Settings of the recipe')
    """
    return _headings().get(name, OTHER)


def place_of(heading: str) -> int:
    """Return where a heading stands; one that is not known stands before those of training.

    Example:
        >>> place_of("Data") < place_of("Of a plugin") < place_of("Training")
        True
    """
    return ORDER.index(heading if heading in ORDER else OTHER)
