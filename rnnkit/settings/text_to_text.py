"""Settings of encoder-decoders: attention, sub-words, beam search."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import LayerOptions, rate
from rnnkit.settings.training import SeedOption
from rnnkit.settings.words import EmbeddingDropoutOption


class AttentionCellOption(TypedDict, total=False):
    """The kind of recurrent layer."""

    cell: Annotated[Literal["lstm", "gru"], Option("gru", "recurrent layer of both parts.")]


class AttentionNetworkOptions(
    AttentionCellOption, LayerOptions, EmbeddingDropoutOption, SeedOption, total=False
):
    """The network of an encoder-decoder with attention."""

    decoder_units: Annotated[int, Option(512, "units of the decoder.", least=1)]
    embedding_size: Annotated[int, Option(256, "size of a sub-word's vector.", least=1)]
    attention: Annotated[
        Literal["dot", "additive"],
        Option("dot", '"dot" (Luong et al. 2015) or "additive" (Bahdanau et al. 2015).'),
    ]
    copy: Annotated[
        bool, Option(False, "copy words of the source: a pointer-generator (See et al. 2017).")
    ]
    scheduled_sampling: Annotated[
        float,
        Option(
            0.0,
            "fraction of the decoder's inputs replaced by its own predictions in training, "
            "rising from 0 over the first 2,000 steps.",
            least=0,
            most=1,
        ),
    ]


class Seq2SeqOptions(TypedDict, total=False):
    """The settings of `rnnkit.tasks.Seq2Seq` beyond its network and training."""

    shared_vocabulary: Annotated[
        bool, Option(True, "one sub-word vocabulary for source and target; False = one for each.")
    ]
    vocabulary_size: Annotated[
        int, Option(6000, "sub-words of a vocabulary, 256 bytes included.", least=1)
    ]
    subwords: Annotated[
        Literal["bpe", "unigram"], Option("bpe", '"bpe" (byte-pair encoding) or "unigram".')
    ]
    label_smoothing: Annotated[
        float, rate(0.1, "probability spread evenly over all sub-words in the loss.")
    ]
    max_length: Annotated[
        int | None, Option(100, "truncate sources to this many sub-words; None = never.", least=1)
    ]
    max_target_length: Annotated[
        int, Option(100, "truncate targets and generated texts to this many sub-words.", least=1)
    ]
    beam_size: Annotated[int, Option(5, "beams of `predict`; 1 = greedy decoding.", least=1)]
    length_penalty: Annotated[
        float, Option(1.0, "exponent of the length normalization; higher = longer texts.", least=0)
    ]
