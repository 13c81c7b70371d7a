"""Exported files beside the model: size, and milliseconds for one example and for a batch of 32.

    KERAS_BACKEND=tensorflow python tests/benchmarks/exported.py [--into docs/guide/exporting.md]

Networks of the recipes' own sizes, untrained: weights change no time. "Keras" is the model's
forward pass without the loop of `predict` around it, on the backend of this process; beside it
Keras's own `predict`. Median of 50 calls each, on encoded examples of 100 steps.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tables import table, write_between

from rnnkit import datasets, recipes
from rnnkit.settings.exporting import FORMATS
from rnnkit.tasks.artifacts.formats import held_by
from rnnkit.tasks.inference import predict_batch

TASKS = {"lstm_sentiment": {"embedding": "random"}, "sequence_classifier": {}, "forecaster": {}}
STEPS, ROWS, CALLS = 100, 32, 50
Call = Callable[[list[np.ndarray]], Any]


def milliseconds(call: Call, inputs: list[np.ndarray]) -> str:
    """Return the median time of a call, as text."""
    for _ in range(5):
        call(inputs)
    found = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call(inputs)
        found.append(1000 * (time.perf_counter() - began))
    return f"{statistics.median(found):.2f}"


def opened(path: Path, format: str) -> Call:
    """Return a function that asks an exported file."""
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
        return lambda inputs: session.run(None, dict(zip(names, inputs, strict=True)))
    if format == "saved-model":
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))  # its functions do not keep its variables
        return lambda inputs: loaded.serve(inputs if len(inputs) > 1 else inputs[0])
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner("serve")
    shapes = {tuple(it["shape"]): name for name, it in runner.get_input_details().items()}
    return lambda inputs: runner(**{shapes[one.shape]: one for one in inputs})


def batch(network: keras.Model, rows: int) -> list[np.ndarray]:
    """Return random inputs of a network; all steps are real."""
    draw = np.random.default_rng(0)

    def one(spec: Any) -> np.ndarray:
        shape = [size or (rows, STEPS)[axis] for axis, size in enumerate(spec.shape)]
        kind = keras.backend.standardize_dtype(spec.dtype)
        if kind == "bool":
            return np.ones(shape, bool)
        if kind.startswith("int"):
            return draw.integers(2, 50, shape).astype(kind)
        return draw.normal(size=shape).astype(kind)

    return [one(spec) for spec in network.inputs]


def rows_of(name: str, folder: Path) -> list[list[str]]:
    """Return the rows of a recipe."""
    data = datasets.load(recipes.sample_for(name)).train
    model = recipes.find(name)(epochs=1, **TASKS[name])
    model.fit(
        *((data.x,) if model.self_supervised else (data.x, data.y)), initial_epoch=1, verbose=0
    )
    network = model.serving_network()
    single, several = batch(network, 1), batch(network, ROWS)
    model.save(folder / "model.keras")
    size = f"{(folder / 'model.keras').stat().st_size / 1e6:.2f}"

    def ask(inputs: list[np.ndarray]) -> Any:
        return predict_batch(network, inputs if len(inputs) > 1 else inputs[0])

    def predict(inputs: list[np.ndarray]) -> Any:
        return network.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)

    backend = keras.config.backend()
    found = [
        [name, f"Keras on {backend}", size, milliseconds(ask, single), milliseconds(ask, several)],
        [
            name,
            "its `predict`",
            size,
            milliseconds(predict, single),
            milliseconds(predict, several),
        ],
    ]
    for format, about in FORMATS.items():
        if " " in held_by(model)[format]:
            continue
        length = STEPS if about.fixed_length else None
        done = model.export_to(folder / f"{name}{about.ending}", format, length=length)
        call = opened(done.path, format)
        many = "–" if about.fixed_length else milliseconds(call, several)
        found.append([name, format, f"{done.size / 1e6:.2f}", milliseconds(call, single), many])
    return found


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, help="a page with the markers of the table")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name in asked.tasks:  # each exported model needs a folder of its own
            (place := Path(folder, name)).mkdir()
            rows += rows_of(name, place)
    heading = ["recipe", "runs", "size [MB]", "1 row [ms]", f"{ROWS} rows [ms]"]
    lines = table(heading, rows)
    print(*lines, sep="\n")
    if asked.into:
        write_between(asked.into, "exported", lines)


if __name__ == "__main__":
    main()
