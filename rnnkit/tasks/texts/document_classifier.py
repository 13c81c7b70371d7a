"""Classifier of texts by the mean of the vectors of their n-grams."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.data.ngrams import NGramVocabulary
from rnnkit.data.splits import ClassLabels
from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.embeddings.document_vectors import train_ngram_vectors
from rnnkit.errors import require_fitted
from rnnkit.tasks.labels import Label, learn_classes, one_for_each, to_numbers
from rnnkit.tasks.texts.naive_bayes import feature_matrix, log_count_ratio
from rnnkit.untrusted import check_arrays, parse_json

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)  # scikit-learn's C
DEFAULT_STRENGTH = 1.0  # where there is nothing to choose it on
RARE = 0.3  # how often an n-gram that tells nothing of the class is learned in a document


class DocumentVectorClassifier:
    """Logistic regression on document vectors: weighted means of the vectors of n-grams.

    The vectors are learned from all texts, those without a label, too, to predict the documents
    that an n-gram stands in (`rnnkit.embeddings.document_vectors`). N-grams with a large
    naive-Bayes log-count ratio r are learned, and weigh, more: `min(1, 0.3 exp(|r| / 2))`. The
    vector of a new text is a mean: nothing is trained for it. As a member of an
    `rnnkit.tasks.Ensemble` it errs otherwise than a recurrent network.

    Args:
        ngrams: the longest n-gram.
        min_count: drop n-grams that occur less often, of a thousand texts or more.
        vector_size: of the vectors.
        epochs: passes over the texts that the vectors are learned from.
        pipeline: text -> tokens.
        seed: of the vectors.

    Attributes:
        classes: names of the classes, in the order of the probabilities.

    Source: Thongtan and Phienthrakul 2019, doi:10.18653/v1/P19-2057; Bingyu and Arefyev 2022,
    arXiv:2205.13357.

    Example:
        >>> model = DocumentVectorClassifier(ngrams=1, min_count=1, vector_size=8)
        >>> model.fit(["good fun", "good", "bad", "bad bore"] * 20, [1, 1, 0, 0] * 20).predict(
        ...     ["good"]
        ... ).shape
        (1, 1)
    """

    def __init__(
        self,
        *,
        ngrams: int = 3,
        min_count: int = 5,
        vector_size: int = 200,
        epochs: int = 14,
        pipeline: TextPipeline | None = None,
        seed: int = 0,
    ) -> None:
        self.ngrams, self.min_count = ngrams, min_count
        self.vector_size, self.epochs, self.seed = vector_size, epochs, seed
        self.pipeline = pipeline or TextPipeline(strip_punctuation=False)
        self.classes: tuple[str, ...] = ()
        self._vocabulary: NGramVocabulary | None = None
        self._weights = self._bias = np.zeros(0)

    def fit(
        self, x: Any, y: Any, *, unlabelled: Sequence[str] = (), validation_data: Any = None
    ) -> DocumentVectorClassifier:
        """Learn n-grams, vectors and the logistic regression; return the classifier.

        Args:
            x: the texts.
            y: one label for each.
            unlabelled: more texts, to learn n-grams and vectors from.
            validation_data: `(x, y)` to choose the L2 penalty on; none = C is 1.
        """
        texts = check_texts(x)
        labels = one_for_each(y, len(texts), "The training set", "texts")
        own = isinstance(y, ClassLabels)
        classes: list[Label] = list(y.classes) if own else learn_classes(labels)
        numbers = to_numbers(labels, classes, "training")
        tokens = self.pipeline.tokens([*texts, *unlabelled])
        found = NGramVocabulary.learn(
            # All n-grams of tiny data, as the baselines do.
            tokens,
            self.ngrams,
            self.min_count if len(tokens) >= 1000 else 1,
        )
        rows = found.encode_many(tokens)
        features = feature_matrix(rows[: len(texts)], len(found))
        ratios = [log_count_ratio(features, numbers == one) for one in range(len(classes))]
        keep = np.minimum(1, RARE * np.exp(np.max(np.abs(ratios), axis=0) / 2))
        vectors = train_ngram_vectors(
            rows,
            len(found),
            keep=keep,
            vector_size=self.vector_size,
            epochs=self.epochs,
            seed=self.seed,
        )
        means = _means(rows, vectors * keep[:, None])
        # Without the mean of all documents the vectors would be nearly the same.
        center, spread = means.mean(0), max(float(means.std()), 1e-12)
        held_out = None
        if validation_data is not None:
            more, truth = validation_data
            truth = one_for_each(truth, len(more), "The validation set", "texts")
            encoded = found.encode_many(self.pipeline.tokens(check_texts(more)))
            known = (_means(encoded, vectors * keep[:, None]) - center) / spread
            held_out = known, to_numbers(truth, classes, "validation")
        model = _regression((means[: len(texts)] - center) / spread, numbers, held_out)
        # The logits are linear in the mean vector: one number for each n-gram is all that is kept.
        kernel = model.coef_.T / spread
        self._vocabulary = found
        self._weights = (vectors * keep[:, None]) @ kernel
        self._bias = model.intercept_ - center @ kernel
        self.classes = tuple(map(str, classes))
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each class for each text, `(N, C)`."""
        found = require_fitted(self._vocabulary, self, "vocabulary")
        rows = found.encode_many(self.pipeline.tokens(check_texts(x)))
        logits = _means(rows, self._weights) + self._bias
        if logits.shape[1] == 1:  # of the second of two classes
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))

    def predict(self, x: Any) -> np.ndarray:
        """Return probabilities as a task does: `(N, 1)` of two classes, or `(N, C)`."""
        rows = self.predict_proba(x)
        return rows[:, 1:] if rows.shape[1] == 2 else rows

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained classifier to a file, with which `load` answers as this one.

        Args:
            path: of the file; its suffix is ".npz".
        """
        found = require_fitted(self._vocabulary, self, "vocabulary")
        about = {"pipeline": self.pipeline.get_config(), "classes": list(self.classes)}
        text = json.dumps(about | {"ngrams": found.to_json()})
        numbers = np.frombuffer(text.encode(), np.uint8)
        with replacing(Path(path), "the classifier", len(numbers)) as file, file.open("wb") as out:
            np.savez(out, about=numbers, weights=self._weights, bias=self._bias)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DocumentVectorClassifier:
        """Return the classifier that `save` wrote."""
        check_arrays(Path(path))
        with np.load(path, allow_pickle=False) as file:
            about = parse_json(file["about"].tobytes().decode())
            model = cls(pipeline=TextPipeline.from_config(about["pipeline"]))
            model._vocabulary = NGramVocabulary.from_json(about["ngrams"])
            model.classes = tuple(about["classes"])
            model._weights, model._bias = file["weights"], file["bias"]
        return model


def _means(rows: Sequence[np.ndarray], table: np.ndarray) -> np.ndarray:
    """Return the mean of the rows of a table that each text's n-grams have, `(N, D)`."""
    counts = np.maximum([len(row) for row in rows], 1)
    return np.asarray(feature_matrix(rows, len(table)) @ table) / counts[:, None]


def _regression(
    features: np.ndarray, numbers: np.ndarray, held_out: tuple[np.ndarray, np.ndarray] | None
) -> Any:
    """Return logistic regression; its penalty has the lowest loss on texts that were held out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    def fitted(strength: float) -> Any:
        return LogisticRegression(C=strength, max_iter=2000).fit(features, numbers)

    if held_out is None:
        return fitted(DEFAULT_STRENGTH)
    vectors, truth = held_out

    def loss(model: Any) -> float:
        return log_loss(truth, model.predict_proba(vectors), labels=model.classes_)

    return min(map(fitted, STRENGTHS), key=loss)
