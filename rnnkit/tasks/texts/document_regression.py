"""Logistic regression on document vectors: weighted means of the vectors of a text's n-grams.

The logits are linear in the mean, so that one number for each n-gram and output is all that the
trained model needs. Source: Thongtan and Phienthrakul 2019, doi:10.18653/v1/P19-2057, for the
vectors; Bingyu and Arefyev 2022, arXiv:2205.13357, for the weights of the n-grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.embeddings.document_vectors import train_ngram_vectors
from rnnkit.tasks.texts.naive_bayes import cross_entropy, feature_matrix, log_count_ratio

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)  # scikit-learn's C
DEFAULT_STRENGTH = 1.0  # where there is nothing to choose it on
RARE = 0.3  # how often an n-gram that tells nothing of the class is learned in a document
ABSENT = -10.0  # logit of a class without a text


class Labelled(NamedTuple):
    """Texts with a class.

    Attributes:
        rows: the numbers of the n-grams of each text; 0 is padding.
        classes: the number of the class of each.
        weights: of the texts; None = all 1.
    """

    rows: Sequence[np.ndarray]
    classes: np.ndarray
    weights: np.ndarray | None = None


def fit_document_vectors(
    train: Labelled,
    valid: Labelled | None,
    count: int,
    outputs: int,
    *,
    unlabelled: Sequence[np.ndarray] = (),
    **options: Any,
) -> np.ndarray:
    """Return the table `(count, outputs)` whose mean over the n-grams of a text is its logits.

    The vectors are learned from all texts, to predict the documents that an n-gram stands in.
    N-grams with a large naive-Bayes log-count ratio r are learned, and weigh, more:
    `min(1, 0.3 exp(|r| / 2))`. The mean vectors are centred, and logistic regression with an L2
    penalty is fitted on those of the labelled texts.

    Args:
        train: the labelled texts.
        valid: held-out texts, to choose the penalty on; None = C is 1.
        count: the numbers of n-grams, padding included.
        outputs: 1 for two classes, else the number of classes.
        unlabelled: the n-grams of more texts.
        **options: of `rnnkit.embeddings.document_vectors.train_ngram_vectors`.

    Raises:
        InputError: Numba cannot be used, or there is no n-gram.
    """
    numbers = np.asarray(train.classes)
    features = feature_matrix(train.rows, count)
    sides = [1] if outputs == 1 else range(outputs)
    ratios = [log_count_ratio(features, numbers == one, train.weights) for one in sides]
    keep = np.minimum(1, RARE * np.exp(np.max(np.abs(ratios), axis=0) / 2))
    rows = [*train.rows, *unlabelled]
    vectors = train_ngram_vectors(rows, count, keep=keep, **options)
    vectors *= keep[:, None].astype("float32")  # a million of them would be 1.6 GB in float64
    means = mean_rows(rows, vectors)
    # Without the mean of all documents the vectors would be nearly the same.
    center, spread = means.mean(0), max(float(means.std()), 1e-12)
    held_out = None
    if valid is not None:
        held_out = valid._replace(rows=(mean_rows(valid.rows, vectors) - center) / spread)
    known = train._replace(rows=(means[: len(numbers)] - center) / spread)
    kernel, bias = _choose_regression(known, held_out, outputs)
    kernel = kernel / spread
    # The mean of numbers that all hold the bias holds it, too.
    table = vectors @ kernel.astype("float32") + (bias - center @ kernel)
    table[0] = 0
    return table.astype("float32")


def mean_rows(rows: Sequence[np.ndarray], table: np.ndarray) -> np.ndarray:
    """Return the mean of the rows of a table that each text's n-grams have, `(N, D)`.

    Example:
        >>> mean_rows([np.array([1, 2]), np.array([], int)], np.array([[0.0], [1.0], [3.0]]))
        array([[2.],
               [0.]])
    """
    counts = np.maximum([len(row) for row in rows], 1)
    sums = np.asarray(feature_matrix(rows, len(table)) @ table)
    return sums.astype("float64") / counts[:, None]


def _choose_regression(
    train: Labelled, valid: Labelled | None, outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and bias of the regression with the lowest loss on held-out texts."""
    if valid is None:
        return _fit_regression(train, DEFAULT_STRENGTH, outputs)
    fits = [_fit_regression(train, strength, outputs) for strength in STRENGTHS]
    known, classes, weights = valid
    losses = [
        cross_entropy(np.asarray(known) @ kernel + bias, classes, weights) for kernel, bias in fits
    ]
    return fits[int(np.argmin(losses))]


def _fit_regression(
    train: Labelled, strength: float, outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights `(D, outputs)` and bias `(outputs,)` of logistic regression."""
    from sklearn.linear_model import LogisticRegression

    vectors = np.asarray(train.rows)
    kernel = np.zeros((vectors.shape[1], outputs))
    present = np.unique(train.classes)
    if len(present) == 1:  # nothing to tell apart
        bias = np.full(outputs, ABSENT)
        bias[present if outputs > 1 else 0] = -ABSENT if outputs > 1 or present[0] else ABSENT
        return kernel, bias
    solver = LogisticRegression(C=strength, max_iter=2000)
    model = solver.fit(vectors, train.classes, sample_weight=train.weights)
    if outputs == 1:
        return model.coef_.T, model.intercept_
    bias = np.full(outputs, ABSENT)
    if len(present) == 2:  # one logit, of the second of both
        kernel[:, present[1]], bias[present] = model.coef_[0], (0.0, model.intercept_[0])
    else:
        kernel[:, present], bias[present] = model.coef_.T, model.intercept_
    return kernel, bias
