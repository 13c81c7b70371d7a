"""Settings of text classifiers: recurrent networks, and bags of words."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option
from rnnkit.settings.stack import PooledStackOptions, rate
from rnnkit.settings.training import SeedOption
from rnnkit.settings.words import (
    EmbeddingDropoutOption,
    EmbeddingSizeOption,
    EmbeddingTrainableOption,
)

Weighting = Literal["binary", "count", "tf-idf", "mean"]


class NGramNetworkOptions(TypedDict, total=False):
    """What the network does with the n-grams of a text."""

    ngram_embedding_size: Annotated[
        int,
        Option(
            0,
            "size of the vectors of n-grams, whose mean is concatenated to the recurrent state; "
            "0 = none.",
            least=0,
        ),
    ]
    ngram_logit_cap: Annotated[
        float | None,
        Option(
            None,
            "with n-grams: the most that their classifiers add to the recurrent network's logit, "
            "c tanh(z / c), so that it decides where it is sure, as about texts that were edited; "
            "None = no cap.",
            above=0,
        ),
    ]


class TextNetworkOptions(
    PooledStackOptions,
    EmbeddingSizeOption,
    EmbeddingTrainableOption,
    EmbeddingDropoutOption,
    NGramNetworkOptions,
    SeedOption,
    total=False,
):
    """The network of a recurrent text classifier."""

    word_dropout: Annotated[float, rate(0.0, "dropout rate of whole word vectors, at each step.")]


class BagNetworkOptions(EmbeddingSizeOption, EmbeddingTrainableOption, SeedOption, total=False):
    """The network of a bag-of-words classifier."""

    weighting: Annotated[
        Weighting,
        Option(
            "tf-idf",
            'weight of a token: "tf-idf", "count" or "binary", each scaled to unit L2 norm in a '
            'text; or "mean", the mean of word vectors.',
        ),
    ]
    layers: Annotated[int, Option(0, "dense layers with ReLU; 0 = logistic regression.", least=0)]
    units: Annotated[int, Option(64, "units of each hidden layer.", least=1)]
    word_dropout: Annotated[float, rate(0.0, "dropout rate of the distinct tokens of a text.")]
    dropout: Annotated[float, rate(0.5, "dropout rate of each hidden layer's output.")]
    l2: Annotated[float, Option(0.0, "L2 regularization of the first layer's weights.", least=0)]


class AugmentationOption(TypedDict, total=False):
    """Training texts that are made of others."""

    counterfactuals: Annotated[
        float,
        Option(
            0.0,
            "share of the training texts that are also learned in an edited copy, in which words "
            "of opinion, negations and ratings are turned and the label is the opposite; for "
            "English reviews.",
            least=0,
            most=1,
        ),
    ]
    synthetic_reviews: Annotated[
        float,
        Option(
            0.0,
            "short English film reviews that are generated and learned, for each training text: "
            "they show what negations, contrasts and comparisons do to words of opinion; for a "
            "negative and a positive class.",
            least=0,
        ),
    ]


class NGramOptions(TypedDict, total=False):
    """The n-grams beside a recurrent network; see `rnnkit.tasks.NGramTextClassifier`."""

    ngram_order: Annotated[
        int,
        Option(
            0,
            "longest n-gram of a linear classifier with naive-Bayes weights, whose logit is added "
            "to that of the recurrent network; 3 suits; 0 = no such classifier.",
            least=0,
        ),
    ]
    ngram_min_count: Annotated[int, Option(2, "drop n-grams that occur less often.", least=1)]
    ngram_vocabulary_size: Annotated[
        int | None,
        Option(
            1_000_000,
            "maximum number of n-grams, padding included; the most frequent are kept. None = no "
            "limit.",
            least=2,
        ),
    ]
    document_vector_size: Annotated[
        int,
        Option(
            0,
            "with n-grams: size of document vectors (DV-ngrams-cosine), which are learned from the "
            "training and the unlabelled texts, and whose logistic regression is the third "
            "classifier; needs Numba; 200 suits 10,000 texts and more; 0 = none.",
            least=0,
        ),
    ]


class BagTokensOption(TypedDict, total=False):
    """Which sequences of words are tokens of a bag of words."""

    ngrams: Annotated[int, Option(2, "longest n-gram that is a token; 1 = words only.", least=1)]


class PresetOption(TypedDict, total=False):
    """A named set of defaults."""

    preset: Annotated[
        Literal["classic", "large"] | None,
        Option(
            None,
            '"classic": the textbook configuration (1 layer, 50 units, embedding size 100, dropout '
            '0.5, last state, batches of 50, Adam at 1e-3, clipping at 5); "large": one for a GPU '
            "(1 layer, 1,024 units, embedding size 256, last state of the last 400 words). What is "
            "given beside it overrides it; None = the recipe's defaults.",
        ),
    ]
