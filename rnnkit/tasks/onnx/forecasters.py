"""Forecasters as ONNX: encoded steps in, scaled forecasts out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from rnnkit.data.series import Series
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.onnx.artefact import Artefact
from rnnkit.tasks.onnx.network import add_network

SHAPES = [(1, 1), (3, 30)]
Example = tuple[np.ndarray, Any, str | None]  # values, times, group
START = np.datetime64("2024-02-28T22:00", "m")


def describe_forecaster(task: Any) -> Artefact:
    """Return the parts of the export of a forecaster."""
    encoder, network = task.encoder, task.network
    written = json.loads(encoder.to_json())
    several, quantiles = "parts" in written, len(task.quantiles or ())
    preprocessing: dict[str, Any] = {
        "context": task.context,
        "quantiles": quantiles,
        "several": several,
        "targets": len(encoder.targets) if several else 1,
        "columns": list(task.column_names),
        "parts": written["parts"] if several else [written],
    }
    random = np.random.default_rng(0)
    inputs, outputs = network.input_shape[-1], network.output_shape[-1]

    # All targets of the first horizon come first.
    columns = [part["target"] for part in preprocessing["parts"][: preprocessing["targets"]]]

    def ask(example: Example) -> np.ndarray:
        values, times, group = example
        series = Series(values, times, name=group, columns=tuple(task.column_names))
        return _standardized(task.predict(series, verbose=0), values[:, columns], quantiles)

    def ask_runner(runner: Any, example: Example) -> np.ndarray:
        return _standardized(runner.predict(*example), example[0][:, columns], quantiles)

    return Artefact(
        ("forecaster", "Forecaster"),
        preprocessing,
        network,
        lambda graph, given: {
            "forecast": (
                add_network(graph, network, given),
                "float32",
                ("batch", "time", outputs),
            )
        },
        lambda given: {"forecast": predict_batch(network, given[0])},
        [[random.normal(size=(*shape, inputs)).astype("float32")] for shape in SHAPES],
        _examples(preprocessing["parts"][0], task.context),
        ask,
        ask_runner,
    )


def _standardized(found: np.ndarray, values: np.ndarray, quantiles: int) -> np.ndarray:
    """Return forecasts as distances from the mean of each target, in units of its spread.

    Compared as they are, those of a meter that reads 1e8 and moves by 1 would always agree.
    """
    mean, spread = np.nanmean(values, 0), np.nanstd(values, 0)
    spread = np.where(spread > 0, spread, 1.0)
    if found.ndim == 1:
        return (found - mean[0]) / spread[0]
    if quantiles:
        mean, spread = mean[:, None], spread[:, None]
    return (found - mean) / spread


def _examples(part: dict[str, Any], context: int) -> list[Example]:
    """Return series like those of the training, with missing values, some too short."""
    random = np.random.default_rng(0)
    found: list[Example] = []
    for steps in (2, max(2, context), context + 40):  # a single step has no distance in time
        groups: list[Any] = sorted(part["groups"]) or [None]
        for group in groups[:3]:
            mean, spread = np.array(part["groups"].get(group, part["columns"])).T
            values = mean + spread * random.normal(size=(steps, len(mean)))
            values[1:][random.random(values[1:].shape) < 0.1] = np.nan
            times = START + np.arange(steps) * part["step"] if part["step"] else None
            found.append((values, times, group))
    return found
