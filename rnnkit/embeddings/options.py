"""The settings of word2vec, written once: names, types, defaults, ranges and descriptions."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypedDict, Unpack

from rnnkit.options import Option, takes

Method = Literal["skip-gram", "cbow"]
Loss = Literal["negative-sampling", "hierarchical-softmax"]
TrainerName = Literal["keras", "gensim"]


class _MethodOption(TypedDict, total=False):
    method: Annotated[
        Method,
        Option(
            "skip-gram",
            '"skip-gram": a word predicts each word of its context; "cbow": the mean of the '
            "context predicts the word.",
        ),
    ]


class ModelOptions(TypedDict, total=False):
    """The settings of a `SkipGram` or `CBOW` model."""

    loss: Annotated[
        Loss,
        Option(
            "negative-sampling",
            '"negative-sampling": discriminate the word from noise words; "hierarchical-softmax": '
            "predict the word's path in a Huffman tree.",
        ),
    ]
    trainer: Annotated[
        TrainerName,
        Option("keras", '"keras", on the backend; or "gensim", the same model in C on a CPU.'),
    ]
    vector_size: Annotated[int, Option(100, "D, the dimension of the vectors.", least=1)]
    window: Annotated[
        int,
        Option(
            5,
            "largest distance between a word and a context word; the actual window of each word is "
            "drawn from 1 to this.",
            least=1,
        ),
    ]
    negative: Annotated[
        int,
        Option(5, "noise words drawn for each word (negative sampling only).", least=0),
    ]
    min_count: Annotated[int, Option(5, "drop words that occur less often.", least=1)]
    sample: Annotated[
        float,
        Option(
            1e-3,
            "subsampling threshold: more frequent words are randomly dropped; 0 = no subsampling.",
            least=0,
            below=math.inf,
        ),
    ]
    epochs: Annotated[int, Option(5, "passes over the corpus.", least=1)]
    alpha: Annotated[float, Option(0.025, "initial learning rate.", least=0, below=math.inf)]
    min_alpha: Annotated[
        float,
        Option(
            0.0001,
            "final learning rate; the decay is linear in the words read.",
            least=0,
            below=math.inf,
        ),
    ]
    batch_size: Annotated[
        int,
        Option(
            128,
            "words per step of the Keras trainer; larger is faster on a GPU, but further from "
            "word2vec, which updates after each pair. The gensim trainer ignores it.",
            least=1,
        ),
    ]
    workers: Annotated[
        int | None,
        Option(
            None,
            "threads of gensim; None = one for less than a million words, else one per core.",
            least=1,
        ),
    ]
    seed: Annotated[
        int,
        Option(
            0,
            "random seed. The same seed gives the same vectors, except with several gensim "
            "workers.",
            least=0,
        ),
    ]


class Word2VecOptions(_MethodOption, ModelOptions):
    """All settings of word2vec: the method, and those of the model."""


@takes(Word2VecOptions)
def word2vec_options(**options: Unpack[Word2VecOptions]) -> Word2VecOptions:
    """Return all settings of word2vec, checked and completed with their defaults.

    Raises:
        InputError: an invalid value.

    Example:
        >>> word2vec_options(method="cbow")["window"]
        5
    """
    return options
