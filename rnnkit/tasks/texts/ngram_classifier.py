"""Classifier of raw texts by a recurrent network and a linear model of n-grams: wide and deep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.backend.numba.available import missing
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.ngram_batches import NGramBatches, TextRow
from rnnkit.data.ngrams import NGramVocabulary
from rnnkit.errors import InputError, check_count, require_fitted
from rnnkit.tasks.inference import predict_batches
from rnnkit.tasks.task import json_asset
from rnnkit.tasks.texts.document_regression import Labelled, fit_document_vectors
from rnnkit.tasks.texts.naive_bayes import choose_linear_model, pool_weights
from rnnkit.tasks.texts.text_classifier import TextClassifier
from rnnkit.tasks.training.examples import EncodedExamples


class NGramParts(NamedTuple):
    """Named layers: table of word vectors; logits of both classifiers, and how they are added."""

    embedding: keras.layers.Layer
    recurrent_logits: keras.layers.Layer
    ngram_logits: keras.layers.Layer
    pool: keras.layers.Layer


@keras.saving.register_keras_serializable(package="rnnkit")
class NGramTextClassifier(TextClassifier):
    """Text classifier by a recurrent network and by linear models of the text's n-grams.

    One linear model has naive-Bayes weights (NB-SVM). Another is logistic regression on document
    vectors, see `rnnkit.tasks.texts.document_regression`; its vectors and n-grams are learned from
    `unlabelled` texts, too. Both are fitted when the first `fit` starts; their penalties are chosen
    on the validation data, if there are any. Then the recurrent network is trained as if it were
    alone: the loss and the metrics of the training set are its own, those of the validation set are
    of all. At the end the weights with which their logits are added are chosen on the validation
    data; without any, they are equal, and with a cap the network has as much as all others.

    Args:
        build_network: `(vocabulary size, outputs, ngram_count=..., document_vectors=...) ->
            functional model` from token ids `(B, T)` and n-grams `(B, M)`, with the layers
            "embedding", "recurrent_logits", "ngram_logits" and "pool", and "document_logits" where
            there are document vectors; see `recurrent_classifier`.
        ngram_order: the longest n-gram that is a feature.
        ngram_min_count: drop n-grams that occur less often.
        ngram_vocabulary_size: keep at most this many n-grams, padding included.
        document_vector_size: of the document vectors; 0 = there are none.
        pipeline: text -> tokens.
        tokenizer: as `TextClassifier` takes it.
        max_length: truncate longer texts to this many tokens; the n-grams are those of the whole
            text.

    Source: Wang and Manning 2012, Baselines and bigrams, ACL; Cheng et al. 2016, arXiv:1606.07792.

    Example:
        >>> from rnnkit.recipes import lstm_sentiment
        >>> model = lstm_sentiment(units=8, ngram_order=2, ngram_min_count=1)
        >>> history = model.fit(["good", "bad"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(["good"], verbose=0).shape
        (1, 1)
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "ngram_order",
        "ngram_min_count",
        "ngram_vocabulary_size",
        "document_vector_size",
    )
    assets: ClassVar = {
        **TextClassifier.assets,
        "ngrams.json": json_asset("ngram_vocabulary", NGramVocabulary),
    }
    network_parts: ClassVar[type] = NGramParts
    splits_batches = False

    def __init__(
        self,
        build_network: Any = None,
        *,
        ngram_order: int = 3,
        ngram_min_count: int = 2,
        ngram_vocabulary_size: int | None = 1_000_000,
        document_vector_size: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        self.ngram_order = check_count("ngram_order", ngram_order)
        self.ngram_min_count = check_count("ngram_min_count", ngram_min_count)
        if ngram_vocabulary_size is not None:
            check_count("ngram_vocabulary_size", ngram_vocabulary_size, 2)
        self.ngram_vocabulary_size = ngram_vocabulary_size
        self.document_vector_size = check_count("document_vector_size", document_vector_size, 0)
        self.ngram_vocabulary: NGramVocabulary | None = None

    @property
    def linear_models(self) -> list[keras.layers.Layer]:
        """The layers that are fitted before the first epoch, and then constant."""
        names = ["ngram_logits", *(["document_logits"] if self.document_vector_size else [])]
        network = require_fitted(self.network, self, "network")
        return [network.get_layer(name) for name in names]

    def encode_tokens(self, tokens: list[list[str]]) -> list[TextRow]:
        """Return token ids and n-grams of each list of tokens."""
        found = require_fitted(self.ngram_vocabulary, self, "ngram_vocabulary")
        ids = super().encode_tokens(tokens)
        return [TextRow(*pair) for pair in zip(ids, found.encode_many(tokens), strict=True)]

    def length_of(self, row: TextRow) -> int:
        """Return the tokens of a text."""
        return len(row.ids)

    def learn_features(self, tokens: list[list[str]], unlabelled: Sequence[str]) -> dict[str, Any]:
        """Learn the n-grams of the training texts; for document vectors of the unlabelled, too."""
        limits = (self.ngram_order, self.ngram_min_count, self.ngram_vocabulary_size)
        if self.document_vector_size:
            if (reason := missing()) is not None:
                raise InputError(
                    f"document_vector_size is {self.document_vector_size}, and document vectors "
                    f"are trained by Numba: {reason}. Set document_vector_size=0, or install it."
                )
            tokens = [*tokens, *self.tokenize_unlabelled(unlabelled)]
        found = NGramVocabulary.learn(tokens, *limits)
        if len(found) < 2:
            raise InputError(
                f"No n-gram of the {len(tokens)} training texts occurs {self.ngram_min_count} "
                "times or more. Lower ngram_min_count, or give more texts."
            )
        self.ngram_vocabulary = found
        return self.network_arguments()

    def network_arguments(self) -> dict[str, Any]:
        """Return the arguments of `build_network` that describe the n-grams."""
        count = len(require_fitted(self.ngram_vocabulary, self, "ngram_vocabulary"))
        more = {"document_vectors": True} if self.document_vector_size else {}
        return {"ngram_count": count, **more}

    def batch_options(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the options of all batches, and the order of the n-grams."""
        return {**super().batch_options(*args, **options), "order": self.ngram_order}

    def batch_type(self) -> type[BucketedBatches]:
        """Return the class of batches with two inputs."""
        return NGramBatches

    def notice_unknown(self, rows: list[Any]) -> None:
        """Warn once of texts that have words, and none that the model knows."""
        super().notice_unknown([row.ids for row in rows])

    def _with_unknown(self, rows: list[Any]) -> list[int] | None:
        return super()._with_unknown([row.ids for row in rows])

    def fit_constants(
        self, train: EncodedExamples, valid: EncodedExamples | None, unlabelled: Sequence[str]
    ) -> None:
        """Fit the linear models of the n-grams, unless an earlier `fit` did."""
        layer = self.parts().ngram_logits
        if np.any(keras.ops.convert_to_numpy(layer.ratio)):
            return
        known, held_out = _labelled(train), None if valid is None else _labelled(valid)
        if self.document_vector_size:
            found = require_fitted(self.ngram_vocabulary, self, "ngram_vocabulary")
            more = found.encode_many(self.tokenize_unlabelled(unlabelled))
            table = fit_document_vectors(
                *(known, held_out, layer.input_dim, layer.units),
                unlabelled=more,
                vector_size=self.document_vector_size,
                seed=self.seed,
            )
            self.linear_models[1].embeddings.assign(table)
        model = choose_linear_model(known, held_out, layer.input_dim, layer.units)
        for name in ("ratio", "kernel", "bias"):
            getattr(layer, name).assign(getattr(model, name))

    def calibrate(self, valid: EncodedExamples) -> None:
        """Choose the weights of the classifiers on the validation set."""
        network: Any = self.network
        pool = self.parts().pool
        outputs = keras.tree.flatten(pool.input)
        members = keras.Model(network.inputs, keras.ops.concatenate(outputs, axis=-1))
        batches = self.make_batches(valid.rows)
        found = predict_batches(members, batches, verbose=0)
        logits = np.split(found, len(outputs), axis=1)
        classes = _classes(valid.targets)
        weights = pool_weights(logits, classes, valid.weights, pool.logit_cap)
        pool.pool_weights.assign(weights)


def _labelled(examples: EncodedExamples) -> Labelled:
    """Return the n-grams, classes and weights of encoded texts."""
    rows = [row.ngrams for row in examples.rows]
    return Labelled(rows, _classes(examples.targets), examples.weights)


def _classes(targets: Any) -> np.ndarray:
    """Return the number of each text's class; of probabilities, that of the most probable one."""
    targets = np.asarray(targets)
    if targets.ndim == 2:
        return targets.argmax(1) if targets.shape[1] > 1 else (targets[:, 0] > 0.5).astype(int)
    return targets
