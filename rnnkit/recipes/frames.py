"""Labeller of each step of a series, such as the frames of a video or sensor."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.options import pick
from rnnkit.recipes.recipe import Settings, recipe, split_names, training_arguments
from rnnkit.settings.examples import ClassesOption
from rnnkit.settings.frames import FrameNetworkOptions, FrameWindowOption
from rnnkit.settings.training import TrainingOptions

if TYPE_CHECKING:
    from rnnkit.tasks import FrameLabeller


def _frame_labeller(settings: Settings) -> FrameLabeller:
    from rnnkit.features import check_kinds
    from rnnkit.tasks import FrameLabeller
    from rnnkit.tasks.series.frame_networks import frame_network

    training = training_arguments(settings)
    check_kinds(settings["features"] or "values")  # refuses unknown features at once
    return FrameLabeller(
        functools.partial(frame_network, **pick(settings, FrameNetworkOptions)),
        classes=split_names(settings["classes"]),
        **pick(settings, FrameWindowOption),
        **training,
    )


frame_labeller = recipe(
    "frame_labeller",
    "Labeller of each step of series of numbers, such as the frames of a video or sensor.",
    _frame_labeller,
    groups=(FrameNetworkOptions, FrameWindowOption, ClassesOption, TrainingOptions),
    defaults={"bidirectional": True, "learning_rate": 5e-3, "batch_size": 8, "epochs": 40},
    text="""
With `bidirectional=False` a stream can be labelled while it arrives.

Returns:
    `FrameLabeller`: a Keras model whose `fit`, `evaluate` and `predict` take one array `(T, D)`, or
    a list of arrays.

Example:
    >>> import numpy as np
    >>> model = frame_labeller(cell="gru", units=4, epochs=2)
    >>> walk = np.sin(np.arange(40.0))[:, None]
    >>> history = model.fit(walk, walk[:, 0] > 0, verbose=0)
    >>> model.predict(walk, verbose=0).shape, len(model.predict_labels([walk, walk]))
    ((40, 2), 2)
""",
)
