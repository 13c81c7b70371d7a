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

# Inverse strengths of the penalty to choose from (scikit-learn's C).
PENALTIES = (1, 5, 25)


def measure(dataset: TextDataset, ngrams: tuple[int, int]) -> dict[str, Any]:
    """Fit the linear baseline on the training split and measure it on the test split.

    Words and word pairs that stand in fewer than two training texts are left out, counts are
    dampened to ``1 + log(count)``. The strength of the L2 penalty is the one with the best
    validation loss, as the networks' epoch is; the metrics are those of the networks, too.

    Args:
        dataset: the splits.
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

    train, valid, test = dataset.train, dataset.valid, dataset.test
    classes = range(len(dataset.classes))

    def predict(model: LogisticRegression, found: Any) -> np.ndarray:
        """Return `(N, classes)` probabilities: 0 for a class that train does not have."""
        probabilities = np.zeros((found.shape[0], len(classes)))
        probabilities[:, model.classes_] = model.predict_proba(found)
        return probabilities

    begin = time.perf_counter()
    # min_df=1 for tiny data: with 2, a data set of few texts could be left without a feature.
    features = TfidfVectorizer(
        ngram_range=ngrams, sublinear_tf=True, min_df=2 if len(train.texts) >= 1000 else 1
    )
    learned = features.fit_transform(train.texts)
    held_out = features.transform(valid.texts)
    models = [LogisticRegression(C=c, max_iter=1000).fit(learned, train.labels) for c in PENALTIES]
    model = min(models, key=lambda m: log_loss(valid.labels, predict(m, held_out), labels=classes))
    seconds = time.perf_counter() - begin
    probabilities = predict(model, features.transform(test.texts))
    guessed = probabilities.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        test.labels,
        guessed,
        average="binary" if len(dataset.classes) == 2 else "macro",
        zero_division=0,
    )
    return {
        "test": {
            "loss": float(log_loss(test.labels, probabilities, labels=classes)),
            "accuracy": float(accuracy_score(test.labels, guessed)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        },
        "seconds": seconds,
        "parameters": int(model.coef_.size + model.intercept_.size),
    }
