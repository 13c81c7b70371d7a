"""Baselines of classification: logistic regression on features that ignore the order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit.data.splits import Dataset, Split

# Inverse strengths of the L2 penalty to choose from (scikit-learn's C).
PENALTIES = (1, 5, 25)


def tfidf_logistic_regression(dataset: Dataset, ngrams: tuple[int, int] = (1, 1)) -> dict[str, Any]:
    """Logistic regression on TF-IDF features of texts.

    N-grams that occur in fewer than two training texts are left out; term counts are sublinear,
    ``1 + log(count)``. The L2 penalty is the one with the lowest validation loss. The metrics are
    those of the networks.

    Args:
        dataset: the splits, of texts with labels.
        ngrams: the shortest and the longest n-gram of words that is a feature.

    Example:
        >>> data = load_data("sample")  # doctest: +SKIP
        >>> tfidf_logistic_regression(data)["test"]["accuracy"] < 0.8  # doctest: +SKIP
        True
    """
    begin = time.perf_counter()
    features, train_features = _tfidf(dataset, ngrams)
    return _logistic_regression(dataset, train_features, features.transform, begin)


def tfidf_classifier(
    dataset: Dataset, ngrams: tuple[int, int] = (1, 1)
) -> Callable[[list[str]], np.ndarray]:
    """Fit the model of `tfidf_logistic_regression` and return its answers to texts as a function.

    Args:
        dataset: the splits, of texts with labels; test is not read.
        ngrams: the shortest and the longest n-gram of words that is a feature.

    Returns:
        A function from texts to class indices.

    Example:
        >>> train = Split(["good", "bad"] * 20, np.array([1, 0] * 20))
        >>> tfidf_classifier(Dataset("mine", train, train, train, ("neg", "pos")))(["so good"])
        array([1])
    """
    features, train_features = _tfidf(dataset, ngrams)
    model = _fit(dataset, train_features, features.transform(dataset.valid.x))
    return lambda texts: np.asarray(model.predict(features.transform(texts)))


def _tfidf(dataset: Dataset, ngrams: tuple[int, int]) -> tuple[Any, Any]:
    """Return the features of texts, fitted, and those of train."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    # min_df=1 for tiny data: with 2, a data set of few texts could be left without a feature.
    features = TfidfVectorizer(
        ngram_range=ngrams, sublinear_tf=True, min_df=2 if len(dataset.train) >= 1000 else 1
    )
    return features, features.fit_transform(dataset.train.x)


def naive_bayes_ngrams(dataset: Dataset, order: int = 3) -> dict[str, Any]:
    """Logistic regression on n-grams with naive-Bayes weights (NB-SVM).

    The features are the n-grams of a text, present or not, scaled by their log-count ratios; those
    that occur once in the training texts are left out. The L2 penalty is the one with the lowest
    validation loss. The metrics are those of the networks.

    Args:
        dataset: the splits, of texts with labels.
        order: the longest n-gram of words that is a feature.

    Source: Wang and Manning 2012, Baselines and bigrams, ACL; Mesnil et al. 2015, arXiv:1412.5335.

    Example:
        >>> data = load_data("sample")  # doctest: +SKIP
        >>> naive_bayes_ngrams(data)["test"]["accuracy"] < 0.8  # doctest: +SKIP
        True
    """
    from rnnkit.data.ngrams import NGramVocabulary
    from rnnkit.data.text import TextPipeline
    from rnnkit.tasks.texts.naive_bayes import choose_linear_model

    begin = time.perf_counter()
    split = TextPipeline().tokens
    tokens = split(dataset.train.x)
    # min_count=1 for tiny data, as above.
    ngrams = NGramVocabulary.learn(tokens, order, 2 if len(tokens) >= 1000 else 1)
    outputs = 1 if len(dataset.classes) == 2 else len(dataset.classes)
    train = (ngrams.encode_many(tokens), np.asarray(dataset.train.y), None)
    valid = (ngrams.encode_many(split(dataset.valid.x)), np.asarray(dataset.valid.y), None)
    model = choose_linear_model(train, valid, len(ngrams), outputs)
    seconds = time.perf_counter() - begin
    logits = model.logits(ngrams.encode_many(split(dataset.test.x))).astype("float64")
    if outputs == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    probabilities = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    parameters = int(model.kernel.size + model.bias.size)
    return {"test": _scores(dataset, probabilities), "seconds": seconds, "parameters": parameters}


def summary_logistic_regression(dataset: Dataset) -> dict[str, Any]:
    """Logistic regression of series on mean, standard deviation, first and last value of features.

    Example:
        >>> data = load_data("sequences_sample")  # doctest: +SKIP
        >>> summary_logistic_regression(data)["test"]["accuracy"]  # doctest: +SKIP
        0.41
    """
    from sklearn.preprocessing import StandardScaler

    def summaries(series: list[np.ndarray]) -> np.ndarray:
        rows = [np.asarray(x, "float64") for x in series]
        return np.array([np.concatenate([x.mean(0), x.std(0), x[0], x[-1]]) for x in rows])

    begin = time.perf_counter()
    scale = StandardScaler()
    train_features = scale.fit_transform(summaries(dataset.train.x))
    return _logistic_regression(
        dataset, train_features, lambda x: scale.transform(summaries(x)), begin
    )


def frame_logistic_regression(dataset: Dataset) -> dict[str, Any]:
    """Logistic regression of each step of a series on its values, without those around it.

    Example:
        >>> data = load_data("frames_sample")  # doctest: +SKIP
        >>> frame_logistic_regression(data)["test"]["accuracy"] < 1  # doctest: +SKIP
        True
    """
    from sklearn.preprocessing import StandardScaler

    def steps(split: Split) -> Split:
        return Split(np.concatenate(split.x).astype("float64"), np.concatenate(split.y))

    begin = time.perf_counter()
    train, valid, test = (steps(split) for split in (dataset.train, dataset.valid, dataset.test))
    flat = Dataset(dataset.name, train, valid, test, dataset.classes)
    scale = StandardScaler()
    return _logistic_regression(flat, scale.fit_transform(train.x), scale.transform, begin)


def _logistic_regression(
    dataset: Dataset, train_features: Any, transform: Callable[[Any], Any], begin: float
) -> dict[str, Any]:
    """Fit on features of train, choose the penalty on valid, evaluate on test."""
    test, classes = dataset.test, range(len(dataset.classes))
    model = _fit(dataset, train_features, transform(dataset.valid.x))
    seconds = time.perf_counter() - begin
    probabilities = _probabilities(model, transform(test.x), len(classes))
    parameters = int(model.coef_.size + model.intercept_.size)
    return {"test": _scores(dataset, probabilities), "seconds": seconds, "parameters": parameters}


def _scores(dataset: Dataset, probabilities: np.ndarray) -> dict[str, float]:
    """Return the metrics of the networks, of the probabilities of the test set `(N, classes)`."""
    from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

    truth, classes = dataset.test.y, range(len(dataset.classes))
    predicted = probabilities.argmax(axis=1)
    average = "binary" if len(classes) == 2 else "macro"
    scores = (
        log_loss(truth, probabilities, labels=classes),
        accuracy_score(truth, predicted),
        *precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)[:3],
    )
    names = ("loss", "accuracy", "precision", "recall", "f1")
    return {name: float(score) for name, score in zip(names, scores, strict=True)}


def _fit(dataset: Dataset, train_features: Any, valid_features: Any) -> Any:
    """Fit on features of train; the penalty is the one with the lowest loss on valid."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    train, valid, classes = dataset.train, dataset.valid, range(len(dataset.classes))
    models = [
        LogisticRegression(C=c, max_iter=1000).fit(train_features, train.y) for c in PENALTIES
    ]
    losses = [
        log_loss(valid.y, _probabilities(one, valid_features, len(classes)), labels=classes)
        for one in models
    ]
    return models[int(np.argmin(losses))]


def _probabilities(model: Any, features: Any, classes: int) -> np.ndarray:
    """Return `(N, classes)` probabilities: 0 for a class that train does not have."""
    probabilities = np.zeros((features.shape[0], classes))
    probabilities[:, model.classes_] = model.predict_proba(features)
    return probabilities
