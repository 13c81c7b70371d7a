"""Sentiment classifier of texts that is distilled from an ensemble."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError
from rnnkit.recipes.recipe import Settings, recipe
from rnnkit.recipes.sentiment import GROUPS, text_classifier
from rnnkit.settings.distillation import TeachersOption

if TYPE_CHECKING:
    from rnnkit.tasks import DistilledTextClassifier

# What the members of the ensemble are, in turn. Edited texts teach what turns an opinion; n-grams
# and document vectors are right about usual reviews. Measured in docs/experiments.md.
USUAL: dict[str, Any] = {"counterfactuals": 0.0, "synthetic_reviews": 0.0}  # texts as they are
EDITED: dict[str, Any] = {"counterfactuals": 0.5, "synthetic_reviews": 1.0}
WITH_NGRAMS: dict[str, Any] = {**USUAL, "ngram_logit_cap": None}
RECURRENT: dict[str, Any] = {
    "ngram_order": 0,
    "ngram_embedding_size": 0,
    "ngram_logit_cap": None,
    "document_vector_size": 0,
    **USUAL,
}
ALONE: dict[str, Any] = {"label_weight": 0.5, "temperature": 1.0, "epochs": 4}  # no teacher


def _members(settings: Settings) -> list[Callable[[], Any]]:
    """Return functions that make the members of the ensemble."""
    more = {name: share for name, share in EDITED.items() if settings[name]}
    edits = {**RECURRENT, **more}  # none of what the network is to learn without
    made: list[Callable[[], Any]] = []
    for number in range(settings["teachers"]):
        kind = edits if number % 2 else RECURRENT if number else WITH_NGRAMS
        own = {**settings, **kind, **ALONE, "seed": settings["seed"] + 1000 * (number + 1)}
        made.append(functools.partial(text_classifier, own))
    return made


def _distilled(settings: Settings) -> DistilledTextClassifier:
    from rnnkit.tasks import DistilledTextClassifier

    if not settings["ngram_order"]:
        raise InputError(
            "ngram_order is 0, and best_sentiment has n-grams beside its network. Give 1 or more, "
            "or use bilstm_sentiment."
        )
    own = {"build_teachers": _members(settings), "passages": settings["passages"]}
    task: Any = text_classifier(settings, DistilledTextClassifier, **own)
    return task


best_sentiment = recipe(
    "best_sentiment",
    "Sentiment classifier of texts: bidirectional LSTM and n-grams, distilled from an ensemble.",
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
        "synthetic_reviews": 0.25,
        "averaged_weights": 0.999,
        "epochs": 3,
        "ngram_order": 3,
        "ngram_min_count": 5,
        "ngram_logit_cap": 1.0,
        "document_vector_size": 200,
    },
    fixed={"cell": "lstm", "bidirectional": True},
    text="""
Two classifiers are trained first: a BiLSTM with linear models of n-grams and of document vectors
beside it, and a BiLSTM that learns edited copies of the reviews, too, in which the opinion is
turned. Their weighted geometric mean labels the training texts and those of
`fit(..., unlabelled=texts)`. The network, a BiLSTM beside the same linear models, learns these
predictions beside the labels. Document vectors need Numba; without it, give
`document_vector_size=0`.

Returns:
    `DistilledTextClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take raw text.

Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Mukherjee and Awadallah 2020,
arXiv:1910.01769; Kaushik, Hovy and Lipton 2020, arXiv:1909.12434.

Example:
    >>> options = {"document_vector_size": 0, "ngram_min_count": 1, "embedding": "random"}
    >>> model = {name}(units=8, teachers=1, **options)
    >>> history = model.fit(["a fine film", "a dull film"] * 8, [1, 0] * 8, verbose=0)
    >>> model.predict("a fine film", verbose=0).shape
    (1, 1)
""",
)
