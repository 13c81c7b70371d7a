"""Export of a trained task as an ONNX model, with its preprocessing and a runner beside it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rnnkit.atomic import replacing, temporary_folder
from rnnkit.disk import writing
from rnnkit.errors import InputError, quote, require_fitted
from rnnkit.onnx_graph import Graph, library, refusal
from rnnkit.tasks.onnx.artefact import Artefact
from rnnkit.tasks.onnx.checking import check_export
from rnnkit.tasks.onnx.forecasters import describe_forecaster
from rnnkit.tasks.onnx.series_classifiers import describe_series_classifier
from rnnkit.tasks.onnx.taggers import describe_tagger
from rnnkit.tasks.onnx.text_classifiers import describe_classifier
from rnnkit.tasks.series.forecaster import Forecaster
from rnnkit.tasks.series.frame_labeller import FrameLabeller
from rnnkit.tasks.series.sequence_classifier import SequenceClassifier
from rnnkit.tasks.tagging.tagger import SequenceTagger
from rnnkit.tasks.texts.text_classifier import TextClassifier
from rnnkit.untrusted import parse_json

PREPROCESSING, RUNNER = "preprocessing.json", "runner.py"
KINDS: dict[type, Callable[[Any], Artefact]] = {
    TextClassifier: describe_classifier,
    SequenceTagger: describe_tagger,
    Forecaster: describe_forecaster,
    SequenceClassifier: describe_series_classifier,
    FrameLabeller: describe_series_classifier,
}


def write_onnx(
    task: Any, path: str | os.PathLike[str], check: Callable[[Path], None] | None = None
) -> None:
    """Write a trained task as an ONNX model; beside it `preprocessing.json` and `runner.py`.

    The graph is written from the layers and their weights, on any backend and without tracing; its
    batch and length are of any size, one step at least. `runner.py` answers raw input as the task
    does, with Python, NumPy and ONNX Runtime alone. Before anything gets its name, model and runner
    are run on inputs of several sizes, and compared with the task.

    Args:
        task: a trained `TextClassifier`, `SequenceTagger`, `Forecaster`, `SequenceClassifier` or
            `FrameLabeller`.
        path: of the model; the name ends in ".onnx".
        check: called with the finished model before it gets its name; raises to refuse it.

    Raises:
        InputError: another task; a layer or a setting that an ONNX file cannot hold; an answer that
            differs from the task's by more than 1e-5; another model's files in the folder; the
            packages onnx and onnxruntime are not installed.
        DiskError: a file cannot be written.

    Example:
        >>> write_onnx(model, "served/reviews.onnx")  # doctest: +SKIP
        >>> # python served/runner.py "A wonderful little production."
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InputError(f"Cannot export to {path}: expected a name that ends in '.onnx'.")
    describe = next((KINDS[kind] for kind in KINDS if isinstance(task, kind)), None)
    if describe is None:
        known = ", ".join(kind.__name__ for kind in KINDS)
        raise refusal(f"A {type(task).__name__}", f"format='onnx' holds {known}")
    require_fitted(task.network, task, "network")
    library("onnx")
    library("onnxruntime")
    _refuse_other_model(path)
    artefact = describe(task)
    preprocessing = {"model": path.name, "task": type(task).__name__, **artefact.preprocessing}
    with temporary_folder() as folder, writing(folder / path.name, "the exported model"):
        (folder / path.name).write_bytes(_graph(artefact, task.name))
        text = json.dumps(preprocessing, ensure_ascii=False)
        (folder / PREPROCESSING).write_text(text, encoding="utf-8")
        source = files("rnnkit.tasks.onnx") / "runners" / f"_{artefact.runner[0]}.py"
        with as_file(source) as file:
            shutil.copyfile(file, folder / RUNNER)
        check_export(folder, path.name, artefact)
        if check is not None:
            check(folder / path.name)
        with contextlib.ExitStack() as stack:  # none gets its name before all are complete
            for name in (path.name, PREPROCESSING, RUNNER):
                made, target = folder / name, path.with_name(name)
                size = made.stat().st_size
                temporary = stack.enter_context(replacing(target, "the exported model", size))
                shutil.copyfile(made, temporary)


def _graph(artefact: Artefact, name: str) -> bytes:
    """Return the model as the bytes of its file."""
    graph = Graph()
    inputs: dict[str, tuple[str, tuple]] = {}
    for i, one in enumerate(artefact.network.inputs):
        own_length = i > 0 and one.dtype != "bool"  # a mask is as long as what it masks
        axes = ("batch", f"{one.name}_time" if own_length else "time")
        shape = [axes[k] if size is None else size for k, size in enumerate(one.shape)]
        inputs[one.name] = (one.dtype, tuple(shape))
    return graph.finish(name, inputs, artefact.add(graph, [*inputs]))


def _refuse_other_model(path: Path) -> None:
    """Refuse to replace the preprocessing of a model of another name, or a file that is none."""
    beside = path.with_name(PREPROCESSING)
    if not beside.exists():
        if path.with_name(RUNNER).exists():
            raise InputError(
                f"{path.with_name(RUNNER)} exists, and is not the runner of an exported model: "
                "choose another folder."
            )
        return
    try:
        model = parse_json(beside.read_text(encoding="utf-8"))["model"]
    except (ValueError, KeyError, TypeError, InputError):
        model = None
    if model != path.name:
        raise InputError(
            f"{beside} belongs to {quote(model)}, not to {quote(path.name)}: each exported model "
            "needs a folder of its own."
        )
