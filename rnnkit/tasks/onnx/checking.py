"""Comparison of an exported model, and of its runner, with the task that it was written from."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.errors import InputError
from rnnkit.onnx_graph import TOLERANCE, library
from rnnkit.tasks.onnx.artefact import Artefact


def check_export(folder: Path, model: str, artefact: Artefact) -> None:
    """Run a model and its runner on several inputs, and compare both with the task.

    Args:
        folder: with the model, `preprocessing.json` and `runner.py`.
        model: the name of its file.
        artefact: what was written, and the task's answers.

    Raises:
        InputError: an answer differs by more than `TOLERANCE`.
    """
    runtime = library("onnxruntime")
    session = runtime.InferenceSession(str(folder / model), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    for given in artefact.inputs:
        inputs = {one.name: x for one, x in zip(session.get_inputs(), given, strict=True)}
        found, wanted = session.run(names, inputs), artefact.run(given)
        shapes = ", ".join(str(x.shape) for x in given)
        for name, got in zip(names, found, strict=True):
            _compare(f"The output {name!r} for inputs of the shape {shapes}", got, wanted[name])
    runner = _load(folder / "runner.py", artefact.runner[1])(folder)
    for example in artefact.examples:
        _compare(
            f"The answer of runner.py to {str(example)[:80]}",
            artefact.ask_runner(runner, example),
            artefact.ask(example),
        )


def _compare(what: str, found: Any, wanted: Any) -> None:
    """Refuse an answer that differs from the task's."""
    if isinstance(wanted, list):
        if found != wanted:
            raise _different(what, f"it is {str(found)[:80]}, the model says {str(wanted)[:80]}")
        return
    found, wanted = np.asarray(found), np.asarray(wanted)
    if found.shape != wanted.shape:
        raise _different(what, f"its shape is {found.shape}, the model's {wanted.shape}")
    difference = np.abs(found.astype("float64") - wanted) / np.maximum(1, np.abs(wanted))
    worst = float(np.max(difference, initial=0.0))
    if not worst <= TOLERANCE:  # NaN included
        raise _different(what, f"it differs by {worst:.2g}, at most {TOLERANCE:g} was expected")


def _different(what: str, how: str) -> InputError:
    return InputError(
        f"{what} is not that of the model: {how}. Nothing was written. Export with "
        "format='saved-model', and report this as an error of rnnkit."
    )


def _load(path: Path, name: str) -> Any:
    """Return a class of a Python file, imported under no name that another could have."""
    spec = importlib.util.spec_from_file_location("_rnnkit_runner", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)
