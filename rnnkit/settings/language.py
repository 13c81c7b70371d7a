"""Settings of language models: softmax, variational dropout, tokens, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import StackOptions, rate
from rnnkit.settings.training import SeedOption


class SoftmaxOptions(TypedDict, total=False):
    """The output layer of a language model; see `rnnkit.tasks.language.softmax_layers`."""

    tie_weights: Annotated[bool, Option(True, "one table of vectors for input and output.")]
    softmax: Annotated[
        Literal["full", "adaptive", "sampled"],
        Option(
            "full",
            '"full"; "adaptive", by clusters of word frequency; "sampled", estimated in training. '
            "The last two train faster on a large vocabulary; perplexity is always exact.",
        ),
    ]
    cutoffs: Annotated[
        Sequence[int] | str,
        Option(
            (2000, 10_000),
            "adaptive: first word of each tail cluster, by falling frequency; sampled: words below "
            "the first cutoff are always computed. Text holds them separated by commas.",
        ),
    ]
    div_value: Annotated[
        int, Option(4, "adaptive: cluster i has vectors of embedding_size / div_value^i.", least=1)
    ]
    num_sampled: Annotated[int, Option(4000, "sampled: rare words sampled per window.", least=0)]


class LanguageNetworkOptions(StackOptions, SoftmaxOptions, SeedOption, total=False):
    """The network of a language model; all dropout is variational: one mask per window."""

    embedding_size: Annotated[
        int, Option(128, "size of a token's vector; other outputs are projected to it.", least=1)
    ]
    word_dropout: Annotated[float, rate(0.0, "dropout rate of words, wherever they occur.")]
    input_dropout: Annotated[float, rate(0.0, "dropout rate of the first layer's inputs.")]
    output_dropout: Annotated[float, rate(0.0, "dropout rate of the last layer's outputs.")]
    weight_dropout: Annotated[
        float, rate(0.0, "DropConnect rate of the recurrent kernel, where there is one.")
    ]


class TokenizerOptions(TypedDict, total=False):
    """How texts are split into tokens; see `rnnkit.data.tokenizer`."""

    split: Annotated[
        Literal["space", "punctuation"],
        Option("space", 'split words at white "space"; "punctuation" makes its marks words, too.'),
    ]
    lowercase: Annotated[bool, Option(False, "lower-case the text.")]


class WindowOptions(TypedDict, total=False):
    """Truncated back-propagation through time, and the ends of texts."""

    window: Annotated[int, Option(64, "steps of truncated back-propagation.", least=1)]
    learn_eos: Annotated[
        bool | None, Option(None, "predict the end of texts; None = if there is more than one.")
    ]
