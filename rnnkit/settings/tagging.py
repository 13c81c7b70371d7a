"""Settings of taggers: character encoder, output layer."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import RecurrentDropoutOption, StackOptions
from rnnkit.settings.training import SeedOption
from rnnkit.settings.words import EmbeddingDropoutOption, EmbeddingTrainableOption

CharacterEncoder = Literal["cnn", "lstm"]


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
        CharacterEncoder | None,
        Option(
            "cnn",
            'encoder of the characters of a word: "cnn" (width 3, max pooling), "lstm" '
            "(bidirectional, last states) or None.",
        ),
    ]
    character_units: Annotated[
        int, Option(50, 'size of a word\'s character encoding; even for "lstm".', least=1)
    ]
    word_dropout: Annotated[
        float,
        Option(
            0.1,
            "fraction of words replaced by the unknown word in training.",
            least=0,
            below=1,
        ),
    ]
    output: Annotated[
        Literal["crf", "softmax"],
        Option(
            "crf", '"crf", a conditional random field over the tags; or "softmax", word by word.'
        ),
    ]


class WordLengthOption(TypedDict, total=False):
    """How much of a word the character encoder reads."""

    word_length: Annotated[
        int,
        Option(
            16,
            "characters read of a word; of longer words, the first and last ones.",
            least=0,
        ),
    ]


class LowercaseOption(TypedDict, total=False):
    """Whether case matters to word vectors."""

    lowercase: Annotated[
        bool,
        Option(True, "lower-case words for the vocabulary; their characters keep their case."),
    ]
