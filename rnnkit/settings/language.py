"""Settings of language models: softmax, variational dropout, tokens, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import StackOptions
from rnnkit.settings.training import SeedOption


class SoftmaxOptions(TypedDict, total=False):
    """The output layer of a language model; see `rnnkit.tasks.language.softmax_layers`."""

    tie_weights: Annotated[
        bool, Option(True, "share one table of vectors between input and output.")
    ]
    softmax: Annotated[
        Literal["full", "adaptive", "sampled"],
        Option(
            "full",
            '"full"; "adaptive", by clusters of word frequency; or "sampled", estimated in '
            "training. The last two train faster on a large vocabulary; perplexity is exact in any "
            "case.",
        ),
    ]
    cutoffs: Annotated[
        Sequence[int] | str,
        Option(
            (2000, 10_000),
            "adaptive softmax: first word of each tail cluster, by falling frequency; sampled "
            "softmax: the words below the first cutoff are always computed. A text holds "
            "them separated by commas.",
        ),
    ]
    div_value: Annotated[
        int,
        Option(
            4,
            "adaptive softmax: the vectors of cluster i have embedding_size / div_value^i "
            "components.",
            least=1,
        ),
    ]
    num_sampled: Annotated[
        int, Option(4000, "sampled softmax: rare words sampled per window.", least=0)
    ]


class LanguageNetworkOptions(StackOptions, SoftmaxOptions, SeedOption, total=False):
    """The network of a language model; all dropout is variational: one mask per window."""

    embedding_size: Annotated[
        int,
        Option(
            128,
            "size of a token's vector; where units differ, the output is projected to it.",
            least=1,
        ),
    ]
    word_dropout: Annotated[
        float,
        Option(
            0.0,
            "dropout rate of word types: all occurrences in a window are dropped.",
            least=0,
            below=1,
        ),
    ]
    input_dropout: Annotated[
        float, Option(0.0, "dropout rate of the first layer's inputs.", least=0, below=1)
    ]
    output_dropout: Annotated[
        float, Option(0.0, "dropout rate of the last layer's outputs.", least=0, below=1)
    ]
    weight_dropout: Annotated[
        float,
        Option(0.0, "dropout rate of the recurrent weights (DropConnect).", least=0, below=1),
    ]


class TokenizerOptions(TypedDict, total=False):
    """How texts are split into tokens; see `rnnkit.data.tokenizer`."""

    split: Annotated[
        Literal["space", "punctuation"],
        Option(
            "space",
            '"space": words end at white space; "punctuation": punctuation marks are words, too.',
        ),
    ]
    lowercase: Annotated[bool, Option(False, "lower-case the text.")]


class WindowOptions(TypedDict, total=False):
    """Truncated back-propagation through time, and the ends of texts."""

    window: Annotated[
        int,
        Option(64, "steps of truncated back-propagation through time.", least=1),
    ]
    learn_eos: Annotated[
        bool | None,
        Option(
            None,
            "predict the end of each text; None = if the training set has more than one text.",
        ),
    ]
