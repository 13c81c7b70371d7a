"""The families of recipes that rnnkit brings. New recipes are added here."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from rnnkit.data.builtin_kinds import KINDS
from rnnkit.deferred import deferred
from rnnkit.recipes.bag_of_words import bag_of_words_sentiment
from rnnkit.recipes.corpora import word_vectors
from rnnkit.recipes.distillation import best_sentiment
from rnnkit.recipes.families import Family, IntrinsicEvaluation
from rnnkit.recipes.forecasting import forecaster
from rnnkit.recipes.frames import frame_labeller
from rnnkit.recipes.language import next_word, text_generator
from rnnkit.recipes.questions import first_words, frequent_word, short_text
from rnnkit.recipes.sentiment import (
    bilstm_sentiment,
    gru_sentiment,
    lstm_sentiment,
    mingru_sentiment,
    minlstm_sentiment,
    rglru_sentiment,
    rnn_sentiment,
)
from rnnkit.recipes.series import sequence_classifier
from rnnkit.recipes.tagging import name_tagger, pos_tagger
from rnnkit.recipes.text_to_text import summarizer, translator

CLASSIFICATION = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}


def _word_vector_scores(model: Any) -> Any:
    from rnnkit.embeddings.measures import evaluation

    return evaluation.evaluate(model.keyed_vectors())


def _word_vector_events(folder: Path, examples: Any) -> Any:
    del examples
    from rnnkit.monitor.word_vectors import WordVectorEvents

    return WordVectorEvents(folder)


def _baseline(name: str) -> Any:
    """Return a function of `rnnkit.baselines`, which is imported when one is called first."""
    return deferred(f"rnnkit.baselines:{name}")


KIND = {kind.name: kind for kind in KINDS}
FAMILIES = (
    Family(
        KIND["texts"],
        (
            rnn_sentiment,
            lstm_sentiment,
            gru_sentiment,
            bilstm_sentiment,
            mingru_sentiment,
            minlstm_sentiment,
            rglru_sentiment,
            best_sentiment,
            bag_of_words_sentiment,
        ),
        baselines={
            "TF-IDF + logistic regression, 1-grams": lambda data, settings: _baseline(
                "tfidf_logistic_regression"
            )(data, (1, 1)),
            "TF-IDF + logistic regression, 1-2-grams": lambda data, settings: _baseline(
                "tfidf_logistic_regression"
            )(data, (1, 2)),
            "naive Bayes n-grams, 1-3-grams": lambda data, settings: _baseline(
                "naive_bayes_ngrams"
            )(data),
        },
        headings=CLASSIFICATION,
        example="predict {} {question}",
        question=short_text,
        dataset_settings=("classes",),
    ),
    Family(
        KIND["tagged sentences"],
        (name_tagger, pos_tagger),
        baselines={
            "most frequent tag": lambda data, settings: _baseline("most_frequent_tag")(data)
        },
        headings=CLASSIFICATION,
        example="predict {} {question}",
        question=short_text,
        samples={"pos_tagger": "pos_sample"},
        dataset_settings=("classes",),
    ),
    Family(
        KIND["running text"],
        (next_word, text_generator),
        baselines={"n-grams, Kneser-Ney": _baseline("kneser_ney")},
        headings={"perplexity": "perplexity", "bits_per_character": "bits per character"},
        example="generate {} {question}",
        question=first_words,
        dataset_settings=("classes",),
        baseline_settings=(
            "recipe",
            "split",
            "lowercase",
            "tokenizer",
            "min_count",
            "vocabulary_size",
        ),
    ),
    Family(
        KIND["pairs"],
        (translator, summarizer),
        baselines={"copy the source": _baseline("copy_source")},
        headings={
            "bleu": "BLEU",
            "bleu_lowercase": "BLEU, lower-cased",
            "rouge1": "ROUGE-1",
            "rouge2": "ROUGE-2",
            "rougeL": "ROUGE-L",
        },
        example="predict {} {question}",
        question=short_text,
        samples={"summarizer": "mails_sample"},
        baseline_settings=("recipe",),
    ),
    Family(
        KIND["labelled series"],
        (sequence_classifier,),
        baselines={
            "summary statistics + logistic regression": lambda data, settings: _baseline(
                "summary_logistic_regression"
            )(data)
        },
        headings=CLASSIFICATION,
        example="predict {} FILE.csv",
        dataset_settings=("classes",),
    ),
    Family(
        KIND["labelled frames"],
        (frame_labeller,),
        baselines={
            "logistic regression of each step": lambda data, settings: _baseline(
                "frame_logistic_regression"
            )(data)
        },
        headings=CLASSIFICATION,
        example="predict {} FILE.csv",
        dataset_settings=("classes",),
    ),
    Family(
        KIND["series"],
        (forecaster,),
        baselines={
            "persistence": _baseline("persistence"),
            "seasonal naive": _baseline("seasonal_naive"),
            "linear autoregression": _baseline("linear_autoregression"),
            "exponential smoothing": _baseline("exponential_smoothing"),
        },
        headings={
            "mae": "MAE",
            "rmse": "RMSE",
            "scaled_rmse": "RMSE, scaled",
            "coverage": "coverage",
        },
        example="predict {} FILE.csv",
        dataset_settings=("target",),
        baseline_settings=("target", "horizon", "context", "profile", "smoothing", "harmonics"),
    ),
    Family(
        KIND["corpus"],
        (word_vectors,),
        baselines={"gensim": _baseline("gensim_word2vec")},
        headings={
            "analogies": "analogies",
            "wordsim353": "WordSim-353",
            "simlex999": "SimLex-999",
            "words_per_second": "words/s",
        },
        example="neighbours {} {question}",
        question=frequent_word,
        baseline_settings=tuple(
            name for name in inspect.signature(word_vectors).parameters if name != "trainer"
        ),
        intrinsic=IntrinsicEvaluation(
            "analogies and pairs of words",
            "Analogies: the share answered correctly. Pairs of words: Spearman's correlation "
            "with human judgements of similarity.",
            _word_vector_scores,
        ),
        tensorboard=_word_vector_events,
    ),
)
__all__ = sorted(recipe.__name__ for family in FAMILIES for recipe in family.recipes)
