"""Explanation of a forecast: the deviations of the series from what is usual at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.batching import bucket_length
from rnnkit.data.forecast_outputs import MultiSeriesEncoder
from rnnkit.data.series_files import step_label
from rnnkit.errors import InputError, quote
from rnnkit.explain.integration import ROWS, values_at
from rnnkit.explain.question import Outputs, Question, check_length
from rnnkit.tasks.answers import rounded
from rnnkit.tasks.explaining.scores import find_class
from rnnkit.tasks.explaining.steps import check_place
from rnnkit.tasks.series.forecaster import as_series

_KEPT = ("measured", "usual", "change", "sin ", "cos ", *MultiSeriesEncoder().parts[0].DAYS)


def question_of_forecast(task: Any, x: Any, target: Any, at: int | None) -> Question:
    """Return what is asked about a forecast.

    Args:
        task: a trained `Forecaster`.
        x: one series.
        target: the label of an output, where there are several; None = the first one. Of quantiles
            the median is explained.
        at: the number of the step that the forecast is made from; None = the last one.

    Raises:
        InputError: several series, fewer steps than the context or more than can be explained, an
            unknown output or place.
    """
    found = as_series(x, "What to explain")
    if len(found) != 1:
        raise InputError(
            f"explain takes one series, and {len(found)} were given. Call it for each."
        )
    (series,), (encoded,) = found, task.encode(found)
    last = check_place(at, len(series) - 1, len(series), "step")
    if last < task.context - 1:
        raise InputError(
            f"The forecast from step {last} has {last + 1} steps before it; the model reads "
            f"{task.context} (context) before its first. Give a longer series, or a later step."
        )
    count = last + 1
    check_length(count, "steps", "Give the last part of the series.")
    output = _Output(task, target)
    scale = float(np.ravel(encoded.scale)[output.place])
    base = float(np.reshape(encoded.base, (len(series), -1))[last, output.place])
    names = task.encoder.names
    moved = [i for i, name in enumerate(names) if not name.startswith(_KEPT)]
    rows = np.zeros((bucket_length(count), len(names)), "float32")
    rows[:count] = encoded.x[:count]
    read = rows[:, moved].copy()
    rows[:, moved] = 0.0
    place = np.zeros((len(moved), len(names)), "float32")
    place[range(len(moved)), moved] = 1

    def forecasts(points: Any) -> Any:
        """Return the scaled forecasts from all steps, `(N, T)`."""
        known = np.repeat(rows[None], ROWS, axis=0)
        inputs = ops.convert_to_tensor(known) + ops.matmul(points, ops.convert_to_tensor(place))
        return ops.cast(native.run_network(task.network, inputs), "float32")[..., output.column]

    def function(points: Any) -> Any:
        return scale * forecasts(points)[:, last]

    def occluded() -> np.ndarray:
        def without() -> Any:
            for step in range(count):
                changed = read.copy()
                changed[step] = 0.0
                yield [changed]

        return values_at(function, without())

    first = task.context - 1
    steps = [step_label(series, step) for step in range(count)]

    def chosen_forecast(points: Any, chosen: Any) -> Any:
        return scale * ops.sum(forecasts(points)[:, first:count] * chosen, axis=-1)

    (value,) = values_at(function, [[read]])
    when = step_label(series, last + output.horizon)
    return Question(
        about={
            "question": f"forecast{output.called} of {when} from {steps[-1]}",
            "target": output.label or "forecast",
            "answer": rounded(base + value, output.encoder.unit_of(series)),
            "unit": "units of the series",
            "baseline": "the usual value at every step: the mean, or that of its time",
            "without": "the usual value in the place of the step's",
            "place": last,
        },
        words=steps,
        function=function,
        inputs=[read],
        baselines=[np.zeros_like(read)],
        share=lambda parts: _by_column(task, names, moved, parts[0][:count]),
        occluded=occluded,
        outputs=Outputs(chosen_forecast, [f"from {s}" for s in steps[first:]], np.arange(count)),
        offset=base,
    )


class _Output:
    """The output of a forecaster that is asked about.

    Attributes:
        place: its number among pairs of a horizon and a target.
        column: of the network's outputs; of quantiles, that of the median.
        label: empty where there is one output.
        horizon: of the output.
        encoder: of the output.
    """

    def __init__(self, task: Any, target: Any) -> None:
        several = isinstance(task.encoder, MultiSeriesEncoder)
        labels = task.encoder.labels if several else [""]
        if target is not None and labels == [""]:
            raise InputError(
                f"target is {quote(target)}, and the model has a single output: leave it out."
            )
        self.place = find_class(target, labels, 0, "label of an output")
        self.label = labels[self.place]
        quantiles = task.quantiles or ()
        self.column = self.place * max(len(quantiles), 1)
        self.column += quantiles.index(0.5) if quantiles else 0
        self.encoder = task.encoder.parts[self.place] if several else task.encoder
        self.horizon = self.encoder.horizon
        self.called = f" {self.label}" if self.label else ""


def _by_column(
    task: Any, names: Sequence[str], moved: Sequence[int], part: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the attributions of each column of the series."""
    found: dict[str, np.ndarray] = {}
    for place, amounts in zip(moved, part.T, strict=True):
        name = _column_of(task, names[place])
        found[name] = found.get(name, 0) + amounts
    return found


def _column_of(task: Any, name: str) -> str:
    """Return the name of the column that an input is made of."""
    encoder = task.encoder.parts[0] if hasattr(task.encoder, "parts") else task.encoder
    number = encoder.target if name == "deviation" else int(name.rpartition(" ")[2])
    columns = task.column_names
    return columns[number] if columns else f"column {number}"
