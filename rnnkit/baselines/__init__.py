"""Baselines: simple models on the same splits, that a network has to beat.

Each function takes the splits, ``dataset``, and where needed the ``settings`` of the run that it is
compared with. It returns a dictionary shaped like a run's results.json: ``test``,
``seconds``, ``parameters``. Neither Keras nor scikit-learn is imported before one is called.
"""

from rnnkit.baselines.classifiers import (
    frame_logistic_regression,
    naive_bayes_ngrams,
    summary_logistic_regression,
    tfidf_classifier,
    tfidf_logistic_regression,
)
from rnnkit.baselines.forecasts import (
    exponential_smoothing,
    linear_autoregression,
    persistence,
    seasonal_naive,
)
from rnnkit.baselines.language import kneser_ney
from rnnkit.baselines.taggers import most_frequent_tag
from rnnkit.baselines.texts import copy_source
from rnnkit.baselines.word_vectors import gensim_word2vec

__all__ = [
    "copy_source",
    "exponential_smoothing",
    "frame_logistic_regression",
    "gensim_word2vec",
    "kneser_ney",
    "linear_autoregression",
    "most_frequent_tag",
    "naive_bayes_ngrams",
    "persistence",
    "seasonal_naive",
    "summary_logistic_regression",
    "tfidf_classifier",
    "tfidf_logistic_regression",
]
