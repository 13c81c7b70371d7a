"""Explanation of the class of a series, or of one of its steps: the values of each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.series_files import step_label
from rnnkit.errors import InputError
from rnnkit.explain.integration import ROWS, values_at
from rnnkit.explain.question import Outputs, Question, check_length
from rnnkit.tasks.explaining.scores import (
    ClassScores,
    best_class,
    find_class,
    log_odds,
    probability_of,
)
from rnnkit.tasks.explaining.steps import StepLabel
from rnnkit.tasks.series.series_inputs import check_series

MEAN = "the mean of the training series at every step"
WITHOUT = "the mean of the training series in the place of the step"


class _SeriesInput:
    """A series as a network reads it, and the mean of the training series.

    Args:
        task: a trained `SequenceClassifier` or `FrameLabeller`.
        x: one series.

    Raises:
        InputError: several series, or more steps than can be explained.
    """

    def __init__(self, task: Any, x: Any) -> None:
        found = check_series(x)
        if len(found) != 1:
            raise InputError(
                f"explain takes one series, and {len(found)} were given. Call it for each."
            )
        self.task, (self.series,), (row,) = task, found, task.encode(found)
        self.count = len(row)
        check_length(self.count, "steps", "Give a part of the series.")
        batches = BucketedBatches(
            [row], batch_size=1, max_length=task.max_length, truncate=task.truncate
        )
        (values, mask), *_ = batches[0]
        self.read, self.mask = values[0], mask[0]
        self.names = [step_label(self.series, step) for step in range(self.count)]
        if self.mask.sum() != self.count:
            raise InputError(
                f"The series has {self.count} steps, and the model reads {int(self.mask.sum())} of "
                "them (max_length). Give those."
            )
        layers = {one.name: one for one in task.network.layers}
        scaling = layers.get("standardisation")
        mean = np.zeros(self.read.shape[1])
        if isinstance(scaling, keras.layers.Normalization):
            mean = np.ravel(ops.convert_to_numpy(scaling.mean))
        if mean.shape != self.read.shape[1:]:  # it scales features that a layer computes
            mean = np.zeros(self.read.shape[1])
        self.mean = np.where(self.mask[:, None], mean, 0.0).astype("float32")

    def inputs(self, points: Any, *more: np.ndarray) -> list[Any]:
        """Return the inputs of a network for values `(N, W, D)`."""
        rows = [np.repeat(one[None], ROWS, axis=0) for one in (self.mask, *more)]
        return [points, *map(ops.convert_to_tensor, rows)]

    def without(self, function: Any) -> np.ndarray:
        """Return a function with the mean in the place of each step, `(T,)`."""

        def changed() -> Iterator[list[np.ndarray]]:
            for step in range(self.count):
                values = self.read.copy()
                values[step] = self.mean[step]
                yield [values]

        return values_at(function, changed())

    def by_column(self, part: np.ndarray) -> dict[str, np.ndarray]:
        """Return the attributions of each column."""
        names = self.task.column_names or [f"column {i}" for i in range(part.shape[1])]
        return dict(zip(names, part[: self.count].T, strict=True))

    def question(self, function: Any, about: dict[str, Any], outputs: Outputs) -> Question:
        """Return what is asked about the value of a function of the series."""
        return Question(
            about=about,
            words=self.names,
            function=function,
            inputs=[self.read],
            baselines=[self.mean],
            share=lambda parts: self.by_column(parts[0]),
            occluded=lambda: self.without(function),
            outputs=outputs,
        )


def question_of_series(task: Any, x: Any, target: Any) -> Question:
    """Return what is asked about the class of a series.

    Args:
        task: a trained `SequenceClassifier`.
        x: one series.
        target: the name of the class; None = the most probable one.

    Raises:
        InputError: a model of sound, several series, more steps than can be explained, or an
            unknown class.
    """
    if task.parts().log_mel is not None:
        raise InputError(
            "The model classifies waveforms, whose samples say nothing one by one: there is no "
            "explanation of sound. Explain a model of features of sound, such as log-mel frames."
        )
    given = _SeriesInput(task, x)
    scores = ClassScores(task.network)

    def of(points: Any) -> Any:
        return scores(given.inputs(points))

    own = ops.convert_to_numpy(of(ops.convert_to_tensor(np.stack([given.read] * ROWS))))[0]
    best = best_class(own)
    place = find_class(target, task.classes, best)
    several = len(task.classes) > 2
    places = list(range(len(task.classes))) if several else [place]

    def function(points: Any) -> Any:
        return log_odds(of(points), place)

    def chosen_odds(points: Any, chosen: Any) -> Any:
        found = of(points)
        every = ops.stack([log_odds(found, one) for one in places], axis=-1)
        return ops.sum(every * chosen, axis=-1)

    odds = float(ops.convert_to_numpy(log_odds(own[None], place))[0])
    name, answered = task.classes[place], task.classes[best]
    probability = f"probability {probability_of(odds):.4f}"
    answer = f"{answered}; {name} has the {probability}"
    return given.question(
        function,
        about={
            "question": f"log-odds of the class {name!r}",
            "target": name,
            "answer": answer if best != place else f"{name}, with the {probability}",
            "unit": "log-odds",
            "baseline": MEAN,
            "without": WITHOUT,
        },
        outputs=Outputs(chosen_odds, [task.classes[i] for i in places], np.arange(given.count)),
    )


def question_of_frame(task: Any, x: Any, target: Any, at: int | None) -> Question:
    """Return what is asked about the class of a step of a series.

    Args:
        task: a trained `FrameLabeller`.
        x: one series.
        target: the class; None = the predicted one.
        at: the number of the step; None = the last one.

    Raises:
        InputError: several series, more steps than can be explained, or an unknown class or place.
    """
    given = _SeriesInput(task, x)
    crf, potentials = task.parts()
    more = [] if crf is None else [np.full(len(given.mask), -1, "int32")]
    scores = ClassScores(task.network) if crf is None else None
    model = None if crf is None else keras.Model(task.network.inputs, potentials.output)

    def of(points: Any) -> Any:
        inputs = given.inputs(points, *more)
        return scores(inputs) if scores else native.run_network(model, inputs)

    label = StepLabel(
        given.names,
        task.classes,
        task.predict_labels([given.series])[0],
        at,
        given.count - 1,
        target,
        crf,
        given.mask,
        ("step", "class"),
    )

    def function(points: Any) -> Any:
        return label.odds(of(points))

    (odds,) = values_at(function, [[given.read]])
    return given.question(
        function,
        about=label.about(float(odds), baseline=MEAN, without=WITHOUT),
        outputs=label.outputs(of),
    )
