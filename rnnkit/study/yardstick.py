"""What a bag of words does on the same splits: TF-IDF with logistic regression."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnkit.data.datasets import TextDataset

# Row name -> the lengths of word sequence that become features.
YARDSTICKS = {
    "TF-IDF + logistic regression, 1-grams": (1, 1),
    "TF-IDF + logistic regression, 1-2-grams": (1, 2),
}


def measure(dataset: TextDataset, ngrams: tuple[int, int]) -> dict[str, Any]:
    """Fit the linear baseline on the training split and measure it on the test split.

    Words and word pairs that stand in fewer than two training texts are left out, counts are
    dampened to ``1 + log(count)``, and the regression is scikit-learn's own default
    (L2, ``C = 1``), with no tuning; the metrics are those of the networks.

    Args:
        dataset: the splits; validation is not used.
        ngrams: the shortest and longest word sequence that is a feature.

    Returns:
        A dictionary shaped like a run's results.json: ``test``, ``seconds``, ``parameters``.

    Example:
        >>> measure(load_data("sample"), (1, 1))["test"]["accuracy"] < 0.8  # doctest: +SKIP
        True
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

    train, test = dataset.train, dataset.test
    begin = time.perf_counter()
    # min_df=1 for tiny data: with 2, a data set of few texts could be left without a feature.
    features = TfidfVectorizer(
        ngram_range=ngrams, sublinear_tf=True, min_df=2 if len(train.texts) >= 1000 else 1
    )
    model = LogisticRegression(max_iter=1000)
    model.fit(features.fit_transform(train.texts), train.labels)
    seconds = time.perf_counter() - begin
    probabilities = model.predict_proba(features.transform(test.texts))
    guessed = model.classes_[probabilities.argmax(axis=1)]
    precision, recall, f1, _ = precision_recall_fscore_support(
        test.labels,
        guessed,
        average="binary" if len(dataset.classes) == 2 else "macro",
        zero_division=0,
    )
    everything = np.zeros((len(guessed), len(dataset.classes)))
    everything[:, model.classes_] = probabilities
    return {
        "test": {
            "loss": float(log_loss(test.labels, everything, labels=range(len(dataset.classes)))),
            "accuracy": float(accuracy_score(test.labels, guessed)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        },
        "seconds": seconds,
        "parameters": int(model.coef_.size + model.intercept_.size),
    }
