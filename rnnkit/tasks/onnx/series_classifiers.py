"""Classifiers of series and of their steps as ONNX: values and mask in, probabilities out."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.data.series import Series
from rnnkit.onnx_graph import refusal
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.onnx.artefact import Artefact
from rnnkit.tasks.onnx.network import add_network
from rnnkit.tasks.series.frame_labeller import FrameLabeller

SHAPES = [(1, 1), (3, 20)]


def describe_series_classifier(task: Any) -> Artefact:
    """Return the parts of the export of a classifier of series or of their steps.

    Raises:
        InputError: a conditional random field, whose posteriors have no form here.
    """
    steps, network = isinstance(task, FrameLabeller), task.network
    if getattr(task.parts(), "crf", None) is not None:
        raise refusal(f"This {type(task).__name__}", "its answers are the posteriors of a CRF")
    features, outputs = network.input_shape[0][-1], network.output_shape[-1]
    shape = ("batch", "time", outputs) if steps else ("batch", outputs)
    more = {} if steps else {"verbose": 0}
    return Artefact(
        ("series", "SeriesClassifier"),
        {
            "classes": list(task.classes),
            "columns": list(task.column_names),
            "features": features,
            "feature_scale": task.feature_scale,
            "steps": steps,
            "max_length": task.max_length,
            "truncate": task.truncate,
        },
        network,
        lambda graph, given: {
            "probabilities": (add_network(graph, network, given), "float32", shape)
        },
        lambda given: {"probabilities": predict_batch(network, given)},
        [list(_padded(one, features)) for one in SHAPES],
        _examples(task, features),
        lambda one: task.predict([Series(one, columns=tuple(task.column_names))], **more)[0],
        lambda runner, one: runner.predict([one])[0],
    )


def _padded(shape: tuple[int, int], features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return values and a mask whose rows end in padding."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, shape[1] + 1, shape[0])
    mask = np.arange(shape[1]) < lengths[:, None]
    return random.normal(size=(*shape, features)).astype("float32"), mask


def _examples(task: Any, features: int) -> list[np.ndarray]:
    """Return series near the scale of those of the training."""
    random = np.random.default_rng(1)
    mean, spread = np.array(task.feature_scale or [(0.0, 1.0)] * features).T
    return [mean + spread * random.normal(size=(steps, features)) for steps in (1, 7, 60)]
