"""Classifier of texts by the mean of the vectors of their n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.data.ngrams import NGramVocabulary
from rnnkit.data.splits import ClassLabels
from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.embeddings.document_vectors import train_ngram_vectors
from rnnkit.errors import require_fitted
from rnnkit.tasks.labels import learn_classes, one_for_each, to_numbers
from rnnkit.tasks.texts.naive_bayes import feature_matrix, log_count_ratio

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)  # scikit-learn's C
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
        min_count: drop n-grams that occur in fewer texts.
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

    def fit(
        self, x: Any, y: Any, *, unlabelled: Sequence[str] = (), validation_data: Any = None
    ) -> DocumentVectorClassifier:
        """Learn n-grams, vectors and the logistic regression; return the classifier.

        Args:
            x: the texts.
            y: one label for each.
            unlabelled: more texts, to learn n-grams and vectors from.
            validation_data: `(x, y)` to choose the L2 penalty on; none = C is 0.1.
        """
        texts = check_texts(x)
        labels = one_for_each(y, len(texts), "The training set", "texts")
        classes = list(y.classes) if isinstance(y, ClassLabels) else learn_classes(labels)
        numbers = to_numbers(labels, classes, "training")
        tokens = self.pipeline.tokens([*texts, *unlabelled])
        found = NGramVocabulary.learn(tokens, self.ngrams, self.min_count)
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
        self._vocabulary, self._weighted = found, vectors * keep[:, None]
        means = self._means(rows)
        # Without the mean of all documents the vectors would be nearly the same.
        self._center, self._spread = means.mean(0), max(float(means.std()), 1e-12)
        self._model = self._regression(rows[: len(texts)], numbers, classes, validation_data)
        self.classes = tuple(map(str, classes))
        return self

    def vectors(self, x: Any) -> np.ndarray:
        """Return the document vector of each text, `(N, vector_size)`."""
        found = require_fitted(self._vocabulary, self, "vocabulary")
        return self._scaled(found.encode_many(self.pipeline.tokens(check_texts(x))))

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each class for each text, `(N, C)`."""
        return self._model.predict_proba(self.vectors(x))

    def predict(self, x: Any) -> np.ndarray:
        """Return probabilities as a task does: `(N, 1)` of two classes, or `(N, C)`."""
        rows = self.predict_proba(x)
        return rows[:, 1:] if rows.shape[1] == 2 else rows

    def _means(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean of the weighted vectors of each text's n-grams."""
        matrix = feature_matrix(rows, len(self._weighted))
        counts = np.maximum([len(row) for row in rows], 1)
        return np.asarray(matrix @ self._weighted) / counts[:, None]

    def _scaled(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        return (self._means(rows) - self._center) / self._spread

    def _regression(
        self, rows: Sequence[np.ndarray], numbers: np.ndarray, classes: Any, validation: Any
    ) -> Any:
        """Return logistic regression, of the penalty with the lowest loss on validation data."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import log_loss

        features = self._scaled(rows)
        if validation is None:
            return LogisticRegression(C=0.1, max_iter=2000).fit(features, numbers)
        models = [LogisticRegression(C=c, max_iter=2000).fit(features, numbers) for c in STRENGTHS]
        held_out = self.vectors(validation[0])
        truth = to_numbers(
            one_for_each(validation[1], len(held_out), "The validation set", "texts"),
            classes,
            "validation",
        )
        losses = [
            log_loss(truth, model.predict_proba(held_out), labels=range(len(classes)))
            for model in models
        ]
        return models[int(np.argmin(losses))]
