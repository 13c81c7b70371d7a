"""`export_to`: a trained task as a file that other programs run, checked against the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from rnnkit.atomic import replacing, sync, temporary_folder
from rnnkit.disk import variables_size, writing
from rnnkit.errors import InputError
from rnnkit.settings.exporting import FORMATS, check_export
from rnnkit.tasks.artifacts.comparing import Arrays, Call, check_answers
from rnnkit.tasks.artifacts.examples import made_up_examples
from rnnkit.tasks.artifacts.formats import check_held
from rnnkit.tasks.artifacts.on_tensorflow import write_and_run
from rnnkit.tasks.artifacts.preprocessing import preprocessing
from rnnkit.tasks.inference import predict_batch

EXAMPLES = 16  # that a file is run on
EXTRA = "assets.extra"  # where TensorFlow leaves room for the files of others
PREPROCESSING = "preprocessing.json"


class Exported(NamedTuple):
    """An exported file, which answered as the model does.

    Attributes:
        path: the file, or the folder of a SavedModel.
        beside: the JSON file with the preprocessing.
        signatures: what it can be asked.
        examples: the number of raw examples that it was run on.
        difference: the largest difference from the model's answers; see
            `rnnkit.tasks.artifacts.comparing.largest_difference`.
        size: of the file or folder, in bytes.
    """

    path: Path
    beside: Path
    signatures: tuple[str, ...]
    examples: int
    difference: float
    size: int


def export_task(
    task: Any,
    path: str | os.PathLike[str],
    format: str = "saved-model",
    *,
    length: int | None = None,
    examples: Any = None,
) -> Exported:
    """Export a trained task; see `rnnkit.tasks.Task.export_to`."""
    target = Path(path)
    check_export(target, format, length)
    check_held(task, format)
    models = task.serving_models()
    given = made_up_examples(task, EXAMPLES) if examples is None else examples
    x = list(task.read(given, name="examples", targets=False).x)[:EXAMPLES]
    if not x:
        raise InputError("examples holds none. Give at least one: the file is run on it.")
    inputs = task.serving_calls(models, x)
    if length is not None:
        inputs = [(name, row) for name, one in inputs for row in _rows(models[name], one, length)]
    calls = [Call(name, one, run_flat(models[name], one)) for name, one in inputs]
    if format == "onnx":
        apart = _export_onnx(task, target, calls)
        beside = target.with_name(PREPROCESSING)
        return Exported(target, beside, tuple(models), len(x), apart, _size(target))
    size = variables_size(task.network)
    with writing(target, "the exported model", size), temporary_folder(target.parent) as place:
        made = place / f"model{FORMATS[format].ending}"
        found = write_and_run(task, models, format, made, calls)
        apart = check_answers(found, calls, format)
        text = preprocessing(task, models, length)
        beside = _move(made, target, text, place)
    return Exported(target, beside, tuple(models), len(x), apart, _size(target))


def run_flat(model: keras.Model, inputs: Arrays) -> Arrays:
    """Return the outputs of a model as a flat list of arrays."""
    outputs = predict_batch(model, inputs if len(inputs) > 1 else inputs[0])
    return [np.asarray(one) for one in keras.tree.flatten(outputs)]


def _rows(model: keras.Model, inputs: Arrays, length: int) -> list[Arrays]:
    """Return the rows of a batch one by one, cut or padded with 0 to a number of steps."""

    def fixed(row: np.ndarray, timed: bool) -> np.ndarray:
        if not timed:
            return row
        row = row[:, :length]
        more = [(0, length - size if axis == 1 else 0) for axis, size in enumerate(row.shape)]
        return np.pad(row, more)

    timed = [len(one.shape) > 1 and one.shape[1] is None for one in model.inputs]
    return [
        [fixed(part[i : i + 1], flag) for part, flag in zip(inputs, timed, strict=True)]
        for i in range(len(inputs[0]))
    ]


def _export_onnx(task: Any, target: Path, calls: Sequence[Call]) -> float:
    """Write an ONNX file with all that lies beside it; return the difference from the model."""
    from rnnkit.onnx_graph import library
    from rnnkit.tasks.onnx import write_onnx

    apart: list[float] = []

    def check(made: Path) -> None:
        runtime = library("onnxruntime")
        session = runtime.InferenceSession(str(made), providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
        inputs = [dict(zip(names, call.inputs, strict=True)) for call in calls]
        apart.append(check_answers([session.run(None, one) for one in inputs], calls, "onnx"))

    write_onnx(task, target, check)
    return apart[0]


def _move(made: Path, target: Path, text: str, place: Path) -> Path:
    """Give a finished file or folder its name; return the path of the preprocessing with it.

    In a SavedModel it lies in `assets.extra`, where TensorFlow leaves room for files of others.
    """
    if not made.is_dir():
        beside = target.with_name(f"{target.name}.json")
        with replacing(beside, "the preprocessing") as temporary:
            temporary.write_text(text, encoding="utf-8")
        sync(made)
        made.replace(target)
        return beside
    (made / EXTRA).mkdir(exist_ok=True)
    (made / EXTRA / PREPROCESSING).write_text(text, encoding="utf-8")
    for path in made.rglob("*"):
        sync(path)
    if target.exists():
        target.rename(place / "before")
    made.rename(target)
    return target / EXTRA / PREPROCESSING


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in files if one.is_file())
