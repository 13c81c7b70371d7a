"""What simple models do on the same splits: what a network has to beat."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from rnnkit import recipes
from rnnkit.data.splits import Dataset, Split
from rnnkit.study.yardstick_series import measure_autoregression, measure_persistence
from rnnkit.study.yardstick_tags import measure_memory
from rnnkit.study.yardstick_texts import measure_ngrams, measure_source

# Inverse strengths of the penalty to choose from (scikit-learn's C).
PENALTIES = (1, 5, 25)


def measure(dataset: Dataset, ngrams: tuple[int, int]) -> dict[str, Any]:
    """Fit TF-IDF with logistic regression on the training split and measure it on the test split.

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
    from sklearn.feature_extraction.text import TfidfVectorizer

    begin = time.perf_counter()
    # min_df=1 for tiny data: with 2, a data set of few texts could be left without a feature.
    features = TfidfVectorizer(
        ngram_range=ngrams, sublinear_tf=True, min_df=2 if len(dataset.train) >= 1000 else 1
    )
    learned = features.fit_transform(dataset.train.x)
    return _logistic_regression(dataset, learned, features.transform, begin)


def measure_summaries(dataset: Dataset) -> dict[str, Any]:
    """Fit logistic regression on each series' summary, blind to the order of what lies between.

    The summary is the mean, the standard deviation, the first and the last value of each feature.

    Args:
        dataset: the splits, of series with labels.

    Returns:
        As `measure`.

    Example:
        >>> measure_summaries(load_data("sequences_sample"))["test"]["accuracy"]  # doctest: +SKIP
        0.41
    """
    from sklearn.preprocessing import StandardScaler

    def summaries(series: list[np.ndarray]) -> np.ndarray:
        rows = [np.asarray(x, "float64") for x in series]
        return np.array([np.concatenate([x.mean(0), x.std(0), x[0], x[-1]]) for x in rows])

    begin = time.perf_counter()
    scale = StandardScaler()
    learned = scale.fit_transform(summaries(dataset.train.x))
    return _logistic_regression(dataset, learned, lambda x: scale.transform(summaries(x)), begin)


def measure_frames(dataset: Dataset) -> dict[str, Any]:
    """Fit logistic regression on the values of each step, blind to those beside it.

    Args:
        dataset: the splits, of series with a label for each step.

    Returns:
        As `measure`.

    Example:
        >>> measure_frames(load_data("frames_sample"))["test"]["accuracy"] < 1  # doctest: +SKIP
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
    dataset: Dataset, learned: Any, transform: Callable[[Any], Any], begin: float
) -> dict[str, Any]:
    """Fit on features of train, choose the penalty on valid, measure on test."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

    train, valid, test = dataset.train, dataset.valid, dataset.test
    classes = range(len(dataset.classes))

    def predict(model: LogisticRegression, found: Any) -> np.ndarray:
        """Return `(N, classes)` probabilities: 0 for a class that train does not have."""
        probabilities = np.zeros((found.shape[0], len(classes)))
        probabilities[:, model.classes_] = model.predict_proba(found)
        return probabilities

    held_out = transform(valid.x)
    models = [LogisticRegression(C=c, max_iter=1000).fit(learned, train.y) for c in PENALTIES]
    model = min(models, key=lambda m: log_loss(valid.y, predict(m, held_out), labels=classes))
    seconds = time.perf_counter() - begin
    probabilities = predict(model, transform(test.x))
    guessed = probabilities.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        test.y,
        guessed,
        average="binary" if len(dataset.classes) == 2 else "macro",
        zero_division=0,
    )
    return {
        "test": {
            "loss": float(log_loss(test.y, probabilities, labels=classes)),
            "accuracy": float(accuracy_score(test.y, guessed)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        },
        "seconds": seconds,
        "parameters": int(model.coef_.size + model.intercept_.size),
    }


def measure_gensim(dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Train the word vectors of the run beside it once more, by gensim.

    Args:
        dataset: its train is a corpus.
        settings: those of the run: method, loss, sizes, rates, seed.

    Returns:
        As `measure`, with "tokens_per_second".

    Example:
        >>> measure_gensim(dataset, {"method": "cbow"})["test"]["analogies"]  # doctest: +SKIP
        0.43
    """
    given = {name: settings[name] for name in DEPENDS["corpus"] if name in settings}
    model = recipes.word_vectors(**given, trainer="gensim")
    begin = time.perf_counter()
    model.fit(dataset.train.x, verbose=0)
    seconds = time.perf_counter() - begin
    return {
        "test": dict(model.evaluate(return_dict=True, verbose=0)),
        "seconds": seconds,
        "tokens_per_second": model.tokens_per_epoch * model.settings["epochs"] / seconds,
        "parameters": int(model.count_params()),
    }


# What the data hold -> the settings of the run beside it that a yardstick goes by.
DEPENDS: dict[str, tuple[str, ...]] = {
    "running text": ("unit", "split", "lowercase", "min_count", "vocabulary_size"),
    "pairs": ("recipe",),
    "series": ("horizon", "context"),
    "corpus": tuple(
        name for name in signature(recipes.word_vectors).parameters if name != "trainer"
    ),
}
# What the data hold -> the name of a row -> what measures it, of the data and the settings of the
# first run beside it.
YARDSTICKS: dict[str, dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]]] = {
    "texts": {
        "TF-IDF + logistic regression, 1-grams": lambda data, settings: measure(data, (1, 1)),
        "TF-IDF + logistic regression, 1-2-grams": lambda data, settings: measure(data, (1, 2)),
    },
    "tagged sentences": {"learned by heart": lambda data, settings: measure_memory(data)},
    "running text": {"n-grams, Kneser-Ney": measure_ngrams},
    "pairs": {"the source as it is": measure_source},
    "labelled frames": {
        "logistic regression on a step": lambda data, settings: measure_frames(data)
    },
    "labelled series": {
        "summary statistics + logistic regression": lambda data, settings: measure_summaries(data),
    },
    "series": {
        "persistence": measure_persistence,
        "linear autoregression": measure_autoregression,
    },
    "corpus": {"gensim": measure_gensim},
}
