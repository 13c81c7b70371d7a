"""Sentiment classifier of texts that is distilled from an ensemble."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnkit.options import pick
from rnnkit.recipes.recipe import Settings, recipe
from rnnkit.recipes.sentiment import GROUPS, text_classifier
from rnnkit.settings.distillation import TeachersOption
from rnnkit.settings.words import PipelineOptions

if TYPE_CHECKING:
    from rnnkit.tasks import DistilledTextClassifier, DocumentVectorClassifier

EDITED = 0.5  # counterfactuals of the member with edits, where the network has any
# What the members of the ensemble are, in turn. N-grams are right about usual reviews; edited texts
# teach what turns an opinion. Measured in docs/experiments.md.
WITH_NGRAMS: dict[str, Any] = {"ngram_order": 3, "counterfactuals": 0.0}
WITH_EDITS: dict[str, Any] = {"ngram_order": 0, "counterfactuals": EDITED}
ALONE: dict[str, Any] = {"label_weight": 0.5, "temperature": 1.0, "epochs": 4}  # no teacher


def _members(settings: Settings) -> list[Callable[[], Any]]:
    """Return functions that make the members of the ensemble."""
    from rnnkit.backend.numba.available import missing

    made: list[Callable[[], Any]] = []
    for number in range(settings["teachers"]):
        kind, seed = number % 3, settings["seed"] + 1000 * (number + 1)
        if kind == 2:
            if missing() is None:
                made.append(functools.partial(_document_vectors, settings, seed))
            continue
        own = {**settings, **(WITH_EDITS if kind else WITH_NGRAMS), **ALONE, "seed": seed}
        if not settings["counterfactuals"]:
            own["counterfactuals"] = 0.0
        made.append(functools.partial(text_classifier, own))
    return made


def _document_vectors(settings: Settings, seed: int) -> DocumentVectorClassifier:
    from rnnkit.data.text import TextPipeline
    from rnnkit.tasks import DocumentVectorClassifier

    pipeline = TextPipeline(**pick(settings, PipelineOptions))
    return DocumentVectorClassifier(pipeline=pipeline, seed=seed)


def _distilled(settings: Settings) -> DistilledTextClassifier:
    from rnnkit.tasks import DistilledTextClassifier

    task: Any = text_classifier(
        settings, DistilledTextClassifier, build_teachers=_members(settings)
    )
    return task


best_sentiment = recipe(
    "best_sentiment",
    "Sentiment classifier of texts: a bidirectional LSTM that learns from an ensemble.",
    _distilled,
    groups=(TeachersOption, *GROUPS),
    defaults={
        "embedding": "skip-gram",
        "embedding_dropout": 0.5,
        "dropout": 0.3,
        "pooling": "mean+max",
        "learning_rate": 2e-3,
        "max_length": 600,
        "truncate": "both",
        "min_count": 3,
        "vocabulary_size": 30_000,
        "strip_punctuation": False,
        "counterfactuals": 0.25,
        "averaged_weights": 0.999,
        "epochs": 3,
        "label_weight": 0.5,
    },
    fixed={
        "cell": "lstm",
        "bidirectional": True,
        "tokenizer": None,
        "ngram_order": 0,
        "ngram_min_count": 2,
        "ngram_vocabulary_size": 1_000_000,
        "ngram_embedding_size": 0,
    },
    text="""
Three classifiers are trained first: a BiLSTM with a linear model of n-grams beside it; a BiLSTM
that learns edited copies of the reviews, too, in which the opinion is turned; and, with Numba,
logistic regression on document vectors. Their weighted geometric mean labels the training texts and
those of `fit(..., unlabelled=texts)`. The network learns these predictions beside the labels.

Returns:
    `DistilledTextClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take raw text.

Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Mukherjee and Awadallah 2020,
arXiv:1910.01769; Kaushik, Hovy and Lipton 2020, arXiv:1909.12434.

Example:
    >>> model = {name}(units=8, embedding="random", teachers=1)
    >>> history = model.fit(["a fine film", "a dull film"] * 8, [1, 0] * 8, verbose=0)
    >>> model.predict("a fine film", verbose=0).shape
    (1, 1)
""",
)
