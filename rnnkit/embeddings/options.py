"""The settings of word2vec, written once: names, types, defaults, ranges and descriptions."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypedDict, Unpack

from rnnkit.options import Option, takes

Method = Literal["skip-gram", "cbow"]
Loss = Literal["negative-sampling", "hierarchical-softmax"]
TrainerName = Literal["keras", "gensim"]
_FINITE = {"least": 0, "below": math.inf}


class _MethodOption(TypedDict, total=False):
    method: Annotated[Method, Option("skip-gram", '"cbow" predicts words, "skip-gram" contexts.')]


class ModelOptions(TypedDict, total=False):
    """The settings of a `SkipGram` or `CBOW` model."""

    loss: Annotated[Loss, Option("negative-sampling", "noise words, or paths in a Huffman tree.")]
    trainer: Annotated[TrainerName, Option("keras", '"keras", by Numba or the backend; "gensim".')]
    vector_size: Annotated[int, Option(100, "D, the dimension of the vectors.", least=1)]
    window: Annotated[int, Option(5, "largest distance of a context word, drawn from 1.", least=1)]
    negative: Annotated[int, Option(5, "noise words per word (negative sampling only).", least=0)]
    min_count: Annotated[int, Option(5, "drop words that occur less often.", least=1)]
    sample: Annotated[float, Option(1e-3, "subsampling threshold for words; 0 = none.", **_FINITE)]
    epochs: Annotated[int, Option(5, "passes over the corpus.", least=1)]
    alpha: Annotated[float, Option(0.025, "initial learning rate.", **_FINITE)]
    min_alpha: Annotated[float, Option(1e-4, "final learning rate, by linear decay.", **_FINITE)]
    batch_size: Annotated[
        int,
        Option(
            128, "words per step (keras); larger: faster on a GPU, less like word2vec.", least=1
        ),
    ]
    workers: Annotated[
        int | None,
        Option(
            None,
            "threads (gensim, Numba); None = 1, or for gensim from a million words on all cores.",
            least=1,
        ),
    ]
    seed: Annotated[int, Option(0, "random seed; several workers are not reproducible.", least=0)]


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
