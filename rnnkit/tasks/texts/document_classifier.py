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
from rnnkit.errors import require_fitted
from rnnkit.tasks.labels import Label, learn_classes, one_for_each, to_numbers
from rnnkit.tasks.texts.document_regression import (
    Labelled,
    fit_document_vectors,
    mean_rows,
)
from rnnkit.untrusted import check_arrays, parse_json


class DocumentVectorClassifier:
    """Logistic regression on document vectors: weighted means of the vectors of n-grams.

    The vectors are learned from all texts, those without a label, too; see
    `rnnkit.tasks.texts.document_regression`. The
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
        epochs: int = 30,
        pipeline: TextPipeline | None = None,
        seed: int = 0,
    ) -> None:
        self.ngrams, self.min_count = ngrams, min_count
        self.vector_size, self.epochs, self.seed = vector_size, epochs, seed
        self.pipeline = pipeline or TextPipeline(strip_punctuation=False)
        self.classes: tuple[str, ...] = ()
        self._vocabulary: NGramVocabulary | None = None
        self._weights = np.zeros((0, 1))

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
        held_out = None
        if validation_data is not None:
            more, truth = validation_data
            truth = one_for_each(truth, len(more), "The validation set", "texts")
            encoded = found.encode_many(self.pipeline.tokens(check_texts(more)))
            held_out = Labelled(encoded, to_numbers(truth, classes, "validation"))
        self._weights = fit_document_vectors(
            Labelled(rows[: len(texts)], numbers),
            held_out,
            len(found),
            1 if len(classes) == 2 else len(classes),
            unlabelled=rows[len(texts) :],
            vector_size=self.vector_size,
            epochs=self.epochs,
            seed=self.seed,
        )
        self._vocabulary = found
        self.classes = tuple(map(str, classes))
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each class for each text, `(N, C)`."""
        found = require_fitted(self._vocabulary, self, "vocabulary")
        rows = found.encode_many(self.pipeline.tokens(check_texts(x)))
        logits = mean_rows(rows, self._weights)
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
            np.savez(out, about=numbers, weights=self._weights)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DocumentVectorClassifier:
        """Return the classifier that `save` wrote."""
        check_arrays(Path(path))
        with np.load(path, allow_pickle=False) as file:
            about = parse_json(file["about"].tobytes().decode())
            model = cls(pipeline=TextPipeline.from_config(about["pipeline"]))
            model._vocabulary = NGramVocabulary.from_json(about["ngrams"])
            model.classes = tuple(about["classes"])
            model._weights = file["weights"]
        return model
