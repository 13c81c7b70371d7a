"""Classifier of raw texts: text pipeline, vocabulary, recurrent network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.data.vocabulary import UNKNOWN
from rnnkit.embeddings import embedding_matrix
from rnnkit.errors import InputError, require_fitted
from rnnkit.explain.question import Question
from rnnkit.options import complete, settings_of
from rnnkit.settings.texts import AugmentationOption
from rnnkit.tasks.answers import Answers, answer_classes, unknown_words
from rnnkit.tasks.classifier import Classifier
from rnnkit.tasks.hub_tokens import HubTokens
from rnnkit.tasks.network import find_parts
from rnnkit.tasks.task import Examples
from rnnkit.tasks.texts.augmentation import (
    DerivedText,
    add_counterfactuals,
    add_synthetic_reviews,
    check_polarity,
)
from rnnkit.tasks.training.distillation import Taught
from rnnkit.tasks.word_task import WordTask


class TextParts(NamedTuple):
    """The named layers of a text classifier: the table of word vectors."""

    embedding: keras.layers.Layer


@keras.saving.register_keras_serializable(package="rnnkit")
class TextClassifier(HubTokens, WordTask, Classifier):
    """Text classifier: a Keras model from raw texts to the probability of each class.

    Two classes: one sigmoid unit, the probability of the second. More: a softmax over all.
    Vocabulary, classes and network are learned in the first `fit`, which takes texts and one label
    (a name or a number) for each.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model` from token ids `(B, T)`,
            with a layer "embedding"; outputs are 1 or the number of classes.
        pipeline: text -> tokens.
        tokenizer: of KerasHub, or a preset with one, in place of the pipeline; it gets the texts as
            they are. See `rnnkit.data.hub_tokenizer.HubTokenizer`.
        max_length: truncate longer texts to this many tokens.
        counterfactuals: share of the training texts that are also learned in an edited copy, with
            the opposite opinion and label; English reviews of two classes only. See
            `rnnkit.data.counterfactuals`.
        synthetic_reviews: short English film reviews that are generated, by the grammar of the data
            set `sample`, and learned, for each training text; for a negative and a positive class.

    Raises:
        InputError: fewer than two classes, an unknown `embedding` or trainer, or a tokenizer that
            cannot be used.

    Example:
        >>> from rnnkit.recipes import lstm_sentiment
        >>> model = lstm_sentiment(units=8)
        >>> history = model.fit(["good", "bad"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(["good"], verbose=0).shape
        (1, 1)
    """

    noun = ("text", "texts")
    config_keys: ClassVar[tuple[str, ...]] = (
        "pipeline",
        "counterfactuals",
        "synthetic_reviews",
    )
    config_types: ClassVar = {"pipeline": TextPipeline.from_config}
    assets: ClassVar = {**WordTask.assets, **HubTokens.assets}
    network_parts: ClassVar[type] = TextParts

    def __init__(
        self,
        build_network: Any = None,
        *,
        pipeline: TextPipeline | None = None,
        tokenizer: Any = None,
        max_length: int | None = 400,
        counterfactuals: float = 0.0,
        synthetic_reviews: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(build_network, max_length=max_length, **options)
        given = {"counterfactuals": counterfactuals, "synthetic_reviews": synthetic_reviews}
        complete(settings_of(AugmentationOption), given, type(self).__name__)
        self.counterfactuals, self.synthetic_reviews = counterfactuals, synthetic_reviews
        self.pipeline = pipeline or TextPipeline()
        self.tokenizer = HubTokenizer.of(tokenizer)

    def split_texts(self, texts: Any) -> list[list[str]]:
        """Return the tokens of each text, as the vocabulary counts them."""
        return (self.hub_tokenizer or self.pipeline).tokens(texts)

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the token ids of each text, not truncated; unknown tokens are 1."""
        return self.encode_tokens(self.split_texts(x))

    def encode_tokens(self, tokens: list[list[str]]) -> list[Any]:
        """Return one array for each list of tokens."""
        return self._known_vocabulary().encode_many(tokens)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return label, probability and text of each input, and what words are unknown."""
        rows = self.encode(self.read(inputs, name="x", targets=False).x)
        outputs = self.predict_encoded(rows, verbose=0)
        notes = unknown_words(self, inputs, where=self._with_unknown(rows))
        return answer_classes(self, inputs, names, outputs=outputs, notes=notes)

    def split_words(self, texts: list[str]) -> list[list[str]]:
        """Return the words of each text, without what is made of several of them."""
        return self.split_texts(texts)

    def encode_words(self, words: list[list[str]]) -> list[Any]:
        """Return one array for each text that is split into words."""
        return self.encode_tokens(words)

    def class_question(self, x: Any, target: Any) -> Question:
        """Return what is explained of the class of one text; see `rnnkit.tasks.explaining`."""
        from rnnkit.tasks.explaining.texts import question_of_text

        return question_of_text(self, x, target)

    def _with_unknown(self, rows: list[np.ndarray]) -> list[int] | None:
        """Return the indices of the encoded texts with unknown words, if the ids tell them."""
        return [i for i, row in enumerate(rows) if (row == UNKNOWN).any()]

    def check_examples(self, x: Any) -> list[str]:
        """Return the texts as a list, or refuse what is none."""
        return check_texts(x)

    def tokenize_unlabelled(self, unlabelled: Sequence[str]) -> list[list[str]]:
        """Return the tokens of each unlabelled text."""
        return self.split_texts(list(unlabelled))

    def fit_network(
        self, examples: list[str], outputs: int, unlabelled: Sequence[str] = ()
    ) -> list[np.ndarray]:
        """Learn the vocabulary, build the network, return the encoded texts: tokenised once."""
        tokens = self.split_texts(examples)
        self._check_tokenizer(examples, tokens)
        if self.hub_tokenizer is None and self.pipeline.unit == "words":
            self._notice_language(examples)
        vocabulary, model = self._learn_vocabulary(tokens), self._language_model()
        trained = vocabulary
        if model is not None:  # words that only the language model has keep their vectors
            words = require_fitted(model.vocabulary, model, "vocabulary").tokens[2:]
            vocabulary = self._add_words(vocabulary, words)
        network = self._new_network(
            len(vocabulary), outputs, **self.learn_features(tokens, unlabelled)
        )
        table: Any = find_parts(network, self.network_parts).embedding
        pairs = zip(examples, tokens, strict=True)
        originals = [row for text, row in pairs if not isinstance(text, DerivedText)]
        vectors = self._word_vectors(originals, unlabelled, table.output_dim, model)
        if vectors is not None:
            start = embedding_matrix(vectors, vocabulary)
            table.set_weights([start.matrix])
            self._keep_shares(embedding_matrix(vectors, trained), len(trained) - 2)
        self._start_recurrent_layers(network, model)
        self.vocabulary = vocabulary
        self._set_network(network)
        return self.encode_tokens(tokens)

    def augment(
        self, train: Examples, targets: Any, weights: Any, spec: Any
    ) -> tuple[Examples, Any, Any]:
        """Return the training texts with edited copies and generated reviews."""
        made = Taught(train, targets, weights)
        if self.counterfactuals:
            if len(spec) != 2:
                raise InputError(
                    f"counterfactuals is {self.counterfactuals}, and there are {len(spec)} "
                    "classes: an edited text has the opposite label only where there are two. "
                    "Leave it out."
                )
            made = add_counterfactuals(*made, self.counterfactuals, self.seed)
            self._startup_messages.append(
                f"{len(made.train.x) - len(train.x):,} edited copies beside {len(train.x):,} "
                f"training texts (counterfactuals={self.counterfactuals:g})"
            )
        if self.synthetic_reviews:
            check_polarity(f"synthetic_reviews={self.synthetic_reviews:g}", spec)
            count = round(self.synthetic_reviews * len(train.x))
            made = add_synthetic_reviews(*made, count, self.seed)
            self._startup_messages.append(
                f"{count:,} generated reviews beside {len(train.x):,} training texts "
                f"(synthetic_reviews={self.synthetic_reviews:g})"
            )
        return made

    def learn_features(self, tokens: list[list[str]], unlabelled: Sequence[str]) -> dict[str, Any]:
        """Learn what the network reads beside the tokens; return more arguments to build it."""
        del tokens, unlabelled
        return {}
