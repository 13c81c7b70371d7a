"""Classifier of whole series of numbers, or of waveforms."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.options import pick
from rnnkit.recipes.recipe import Settings, recipe, split_names, training_arguments
from rnnkit.settings.distillation import DistillationOptions
from rnnkit.settings.examples import ClassesOption, TruncationOptions
from rnnkit.settings.series import InputFeatureOptions, SeriesNetworkOptions
from rnnkit.settings.training import TrainingOptions

if TYPE_CHECKING:
    from rnnkit.tasks import SequenceClassifier


def _sequence_classifier(settings: Settings) -> SequenceClassifier:
    from rnnkit.tasks import SequenceClassifier, recurrent_series_classifier
    from rnnkit.tasks.series.input_features import feature_layer

    training = training_arguments(settings)
    feature_layer(**pick(settings, InputFeatureOptions))  # refuses invalid settings at once
    return SequenceClassifier(
        functools.partial(recurrent_series_classifier, **pick(settings, SeriesNetworkOptions)),
        classes=split_names(settings["classes"]),
        **pick(settings, TruncationOptions, DistillationOptions),
        **training,
    )


sequence_classifier = recipe(
    "sequence_classifier",
    "Classifier of whole series of numbers, or of waveforms, with a recurrent network.",
    _sequence_classifier,
    groups=(
        SeriesNetworkOptions,
        TruncationOptions,
        ClassesOption,
        DistillationOptions,
        TrainingOptions,
    ),
    defaults={"pooling": "mean+max", "learning_rate": 5e-3, "epochs": 40},
    renamed={"rate": "sample_rate", "mels": "mel_bins", "centred": "subtract_mean"},
    text="""
Returns:
    `SequenceClassifier`: a Keras model whose `fit`, `evaluate` and `predict` take lists of arrays
    `(T, D)`.

Example:
    >>> import numpy as np
    >>> rising, falling = np.linspace(0, 1, 9)[:, None], np.linspace(1, 0, 7)[:, None]
    >>> model = sequence_classifier(units=4, epochs=2)
    >>> history = model.fit([rising, falling] * 8, [1, 0] * 8, verbose=0)
    >>> model.predict(rising, verbose=0).shape
    (1, 1)
""",
)
