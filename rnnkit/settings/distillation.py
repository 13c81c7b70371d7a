"""Settings of distillation: how a teacher's predictions are learned."""

from __future__ import annotations

from typing import Annotated, TypedDict

from rnnkit.options import Option


class TeachersOption(TypedDict, total=False):
    """How the ensemble that is trained first teaches; see `DistilledTextClassifier`."""

    teachers: Annotated[
        int,
        Option(
            2,
            "classifiers of the ensemble that is trained first, and whose predictions are learned "
            "where `fit` is given no teacher: one with n-grams beside its network, one that learns "
            "more edited texts, and, of more, every second one of each without n-grams; 0 = none.",
            least=0,
        ),
    ]
    passages: Annotated[
        float,
        Option(
            0.25,
            "share of the texts, labelled or not, of which one to three sentences are learned, "
            "too, as the teacher labels them.",
            least=0,
            most=1,
        ),
    ]


class DistillationOptions(TypedDict, total=False):
    """How a classifier learns from a teacher; see `rnnkit.tasks.training.distillation`."""

    temperature: Annotated[
        float,
        Option(
            1.0,
            "with a teacher: T, at which its predictions and the model's are compared, p^(1/T) "
            "scaled to the sum 1.",
            above=0,
        ),
    ]
    label_weight: Annotated[
        float,
        Option(
            0.5,
            "with a teacher: weight of the labels; the rest is the weight of its predictions, "
            "which have all of it where there is no label.",
            least=0,
            most=1,
        ),
    ]
