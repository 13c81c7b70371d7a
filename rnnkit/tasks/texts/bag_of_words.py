"""Bag-of-words classifier: texts as counts of words and n-grams, without their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.data.text import TextPipeline
from rnnkit.errors import check_count
from rnnkit.explain.question import Question
from rnnkit.tasks.texts.text_classifier import TextClassifier


class NGrams(TextPipeline):
    """A `TextPipeline` that gives, beside the words, the sequences of up to n words.

    Example:
        >>> NGrams(2)("Not so good!")
        ['not', 'so', 'good', 'not so', 'so good']
    """

    def __init__(self, n: int, **steps: Any) -> None:
        super().__init__(**steps)
        self.n = check_count("ngrams", n)

    def tokens(self, texts: Any) -> list[list[str]]:
        """Return the words and the sequences of each text."""
        return with_ngrams(super().tokens(texts), self.n)


def with_ngrams(rows: list[list[str]], n: int) -> list[list[str]]:
    """Add to the tokens of each text the sequences of 2 to n of them.

    Example:
        >>> with_ngrams([["not", "so", "good"]], 2)
        [['not', 'so', 'good', 'not so', 'so good']]
    """
    for row in rows:
        tokens = list(row)
        for length in range(2, n + 1):
            row += map(" ".join, zip(*(tokens[i:] for i in range(length)), strict=False))
    return rows


class BagParts(NamedTuple):
    """Named layers: weights of tokens; table of word vectors, or of the first layer's weights."""

    weights: keras.layers.Layer
    embedding: keras.layers.Layer


@keras.saving.register_keras_serializable(package="rnnkit")
class BagOfWords(TextClassifier):
    """Bag-of-words classifier: a `TextClassifier` that counts tokens and ignores their order.

    A text becomes its distinct tokens with their counts. The network is the one of
    `bag_of_words_classifier`, or takes the same inputs.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model` from tokens and counts,
            `(B, T, 2)`, with the layers "weights" and "embedding".
        ngrams: tokens are the sequences of 1 to this many words.
        pipeline: text -> words.
        max_length: truncate longer texts to this many different tokens; None = never.

    Example:
        >>> from rnnkit.recipes.bag_of_words import bag_of_words_sentiment
        >>> model = bag_of_words_sentiment(epochs=1)
        >>> history = model.fit(["good", "bad"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(["good"], verbose=0).shape
        (1, 1)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("ngrams",)
    network_parts: ClassVar[type] = BagParts
    splits_batches = False
    embeds: ClassVar[bool] = False  # the rows of its table are weights of a sparse vector

    def __init__(
        self,
        build_network: Any = None,
        *,
        ngrams: int = 1,
        pipeline: TextPipeline | None = None,
        max_length: int | None = None,
        **options: Any,
    ) -> None:
        words = NGrams(ngrams, **(pipeline or TextPipeline()).get_config())
        super().__init__(build_network, pipeline=words, max_length=max_length, **options)
        self.ngrams = ngrams

    def unknown_words(self, x: Any) -> list[list[str]]:
        """Return the words of each text that are not in the vocabulary, without sequences."""
        return [[word for word in row if " " not in word] for row in super().unknown_words(x)]

    def _with_unknown(self, rows: list[np.ndarray]) -> list[int] | None:
        """Return nothing: an unknown sequence may consist of known words, a count may be 1."""
        return None

    def split_texts(self, texts: Any) -> list[list[str]]:
        """Return the tokens of each text, and their sequences."""
        rows = super().split_texts(texts)
        return rows if self.hub_tokenizer is None else with_ngrams(rows, self.ngrams)

    def split_words(self, texts: list[str]) -> list[list[str]]:
        """Return the words of each text, without their sequences."""
        if self.hub_tokenizer is not None:
            return self.hub_tokenizer.tokens(texts)
        return TextPipeline.tokens(self.pipeline, texts)

    def encode_words(self, words: list[list[str]]) -> list[np.ndarray]:
        """Return the different tokens and their counts of texts that are split into words."""
        rows = with_ngrams([list(row) for row in words], self.ngrams)
        return [bag_of(ids) for ids in self.encode_tokens(rows)]

    def class_question(self, x: Any, target: Any) -> Question:
        """Return what is explained of the class of one text; see `rnnkit.tasks.explaining`."""
        from rnnkit.tasks.explaining.bags import question_of_bag

        return question_of_bag(self, x, target)

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the different tokens of each text and their counts, int32 `(T, 2)`."""
        return [bag_of(row) for row in super().encode(x)]

    def length_of(self, row: np.ndarray) -> int:
        """Return the tokens of a bag."""
        return int(row[:, 1].sum())

    def fit_network(
        self, examples: list[str], outputs: int, unlabelled: Sequence[str] = ()
    ) -> list[np.ndarray]:
        """Learn the vocabulary and inverse document frequencies, build the network, count."""
        bags = [bag_of(row) for row in super().fit_network(examples, outputs, unlabelled)]
        weights = self.parts().weights
        if weights.weighting == "tf-idf":
            weights.idf.assign(rarity(bags, len(self._known_vocabulary())))
        return bags


def bag_of(ids: np.ndarray) -> np.ndarray:
    """Return the different ids of `(T,)`, in order, and their counts: int32 `(distinct, 2)`.

    Example:
        >>> bag_of(np.array([7, 3, 7])).tolist()
        [[3, 1], [7, 2]]
    """
    return np.stack(np.unique(ids, return_counts=True), axis=1).astype("int32").reshape(-1, 2)


def rarity(bags: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Return `ln((1 + N) / (1 + n_v)) + 1` of N texts, n_v of them with token v: `(size,)`.

    Source: Sparck Jones 1972, doi:10.1108/eb026526; smoothed as scikit-learn's `TfidfVectorizer`.

    Example:
        >>> rarity([np.array([[0, 5]]), np.array([[0, 1], [1, 1]])], 2).round(3)
        array([1.   , 1.405], dtype=float32)
    """
    texts = np.bincount(np.concatenate([bag[:, 0] for bag in bags]), minlength=size)
    return (np.log((1 + len(bags)) / (1 + texts)) + 1).astype("float32")
