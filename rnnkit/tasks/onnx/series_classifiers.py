"""Classifiers of series, and of each of their steps, as ONNX: values and mask in, classes out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnnkit.data.series import Series
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.onnx.artefact import Artefact
from rnnkit.tasks.onnx.graph import Graph, Tensor
from rnnkit.tasks.onnx.network import add_network
from rnnkit.tasks.onnx.tagging import add_viterbi
from rnnkit.tasks.series.frame_labeller import FrameLabeller

SHAPES = [(1, 1), (3, 20)]


def describe_series_classifier(task: Any) -> Artefact:
    """Return the parts of the export of a classifier of series or of their steps.

    With a CRF the outputs are the potentials and the most likely labels; its posteriors are none.
    """
    steps, crf = isinstance(task, FrameLabeller), getattr(task.parts(), "crf", None)
    network, classes = task.network, len(task.classes)
    if crf is not None:  # without the labels, which only its loss reads
        network = keras.Model(network.inputs[:2], task.parts().potentials.output)
    features, outputs = network.input_shape[0][-1], network.output_shape[-1]
    preprocessing = {
        "classes": list(task.classes),
        "columns": list(task.column_names),
        "features": features,
        "feature_scale": task.feature_scale,
        "steps": steps,
        "crf": crf is not None,
    }
    axes = ("batch", "time")

    def add(graph: Graph, given: list[Tensor]) -> dict[str, tuple[Tensor, str, tuple]]:
        found = add_network(graph, network, given)
        if crf is None:
            shape = (*axes[: 1 + steps], outputs)
            return {"probabilities": (found, "float32", shape)}
        return {
            "potentials": (found, "float32", (*axes, classes)),
            "labels": (add_viterbi(graph, crf, found, given[1]), "int32", axes),
        }

    def run(given: list[np.ndarray]) -> dict[str, np.ndarray]:
        found = predict_batch(network, given)
        if crf is None:
            return {"probabilities": found}
        labels = keras.ops.convert_to_numpy(crf.decode(found, given[1]))
        return {"potentials": found, "labels": labels}

    ask: Any = task.predict_labels
    if crf is None:
        ask = (lambda x: task.predict(x)) if steps else (lambda x: task.predict(x, verbose=0))

    def first(found: Any) -> Any:
        return [*map(str, found[0])] if crf is not None else found[0]

    return Artefact(
        ("series", "SeriesClassifier"),
        preprocessing,
        network,
        add,
        run,
        [list(_padded(shape, features)) for shape in SHAPES],
        _examples(task, features),
        lambda one: first(ask([Series(one, columns=tuple(task.column_names))])),
        lambda runner, one: first(
            runner.predict([one]) if crf is None else runner.predict_labels([one])
        ),
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
