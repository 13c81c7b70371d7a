"""Settings of taggers: character encoder, output layer."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import RecurrentDropoutOption, StackOptions, rate
from rnnkit.settings.training import SeedOption
from rnnkit.settings.words import EmbeddingDropoutOption, EmbeddingTrainableOption

TagScheme = Literal["iob1", "iob2", "bioes", "bilou", "bmes", "ioe", "plain"]


class TaggerNetworkOptions(
    StackOptions,
    RecurrentDropoutOption,
    EmbeddingTrainableOption,
    EmbeddingDropoutOption,
    SeedOption,
    total=False,
):
    """The network of a tagger."""

    characters: Annotated[
        Literal["cnn", "lstm"] | None,
        Option("cnn", 'character encoder: "cnn" (width 3, max pooling), "lstm" (both ways).'),
    ]
    character_units: Annotated[
        int, Option(50, 'size of a word\'s character encoding; even for "lstm".', least=1)
    ]
    word_dropout: Annotated[float, rate(0.1, "fraction of words made unknown in training.")]
    output: Annotated[
        Literal["crf", "softmax"],
        Option("crf", '"crf", a conditional random field; "softmax", word by word.'),
    ]


class WordLengthOption(TypedDict, total=False):
    """How much of a word the character encoder reads."""

    word_length: Annotated[
        int, Option(16, "characters read of a word: of longer ones, first and last.", least=0)
    ]


class LowercaseOption(TypedDict, total=False):
    """Whether case matters to word vectors."""

    lowercase: Annotated[
        bool, Option(True, "lower-case words for the vocabulary, not for their characters.")
    ]


class TagSchemeOption(TypedDict, total=False):
    """How tags mark spans."""

    tag_scheme: Annotated[
        TagScheme | None,
        Option(
            None,
            'scheme of the tags, which become IOB2; None = found from them; "plain" = no spans.',
        ),
    ]
