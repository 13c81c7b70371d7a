"""Files of TensorFlow, written and run in this process or in one that runs Keras on TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit import backend
from rnnkit.errors import BackendError, InputError
from rnnkit.tasks.artifacts.comparing import Arrays, Call

SHOWN = 800  # characters of what a process said before it failed


def write_and_run(
    task: Any,
    models: Mapping[str, keras.Model],
    format: str,
    target: Path,
    calls: Sequence[Call],
) -> list[Arrays]:
    """Write a "saved-model" or "litert" file of a task, run it, and return its answers.

    On another backend than TensorFlow a second Python does it: a saved task loads on any.

    Args:
        task: trained.
        models: its signatures.
        format: of the file.
        target: the file or folder, in a folder for temporary files.
        calls: the inputs to run it on; those of a LiteRT file have one shape.

    Raises:
        InputError: TensorFlow is not installed, or cannot write or run the file.
    """
    if backend.name == "tensorflow":
        return _here(models, format, target, calls)
    if "tensorflow" not in backend.installed():
        raise InputError(
            f"TensorFlow writes {format} files, and it is not installed. Install it with "
            'pip install "rnnkit[tensorflow]"; the model stays on its backend.'
        )
    place = target.parent
    task.save(place / "task.keras")
    _write(place / "inputs.npz", [call.inputs for call in calls])
    names = [call.name for call in calls]
    request = {"format": format, "target": target.name, "calls": names}
    (place / "request.json").write_text(json.dumps(request), encoding="utf-8")
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    ended = subprocess.run(
        [sys.executable, "-m", __name__, str(place)],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode:
        _refuse(format, place, ended.stderr)
    return _read(place / "outputs.npz", len(calls))


def _here(
    models: Mapping[str, keras.Model], format: str, target: Path, calls: Sequence[Call]
) -> list[Arrays]:
    """Write and run a file in this process, which runs Keras on TensorFlow."""
    from rnnkit.backend.tensorflow import artifacts

    if format == "saved-model":
        artifacts.write_saved_model(models, target)
        return artifacts.run_saved_model(target, [call[:2] for call in calls])
    (model,) = models.values()
    artifacts.write_litert(model, [one.shape for one in calls[0].inputs], target)
    names = [one.name for one in model.inputs]
    return artifacts.run_litert(target, names, [call.inputs for call in calls])


def _refuse(format: str, place: Path, said: str) -> None:
    """Raise the error of the other process."""
    path = place / "error.txt"
    if path.is_file():
        raise InputError(path.read_text(encoding="utf-8"))
    raise BackendError(
        f"The process that writes the {format} file on TensorFlow ended with an error. The last "
        f"that it said: {said.strip()[-SHOWN:]}"
    )


def _write(path: Path, calls: Sequence[Arrays]) -> None:
    """Write the arrays of several calls."""
    arrays: dict[str, Any] = {
        f"{i} {j}": one for i, row in enumerate(calls) for j, one in enumerate(row)
    }
    np.savez(path, **arrays)


def _read(path: Path, count: int) -> list[Arrays]:
    """Return arrays by call."""
    found: list[Arrays] = [[] for _ in range(count)]
    with np.load(path) as arrays:
        for key in sorted(arrays.files, key=lambda name: [int(part) for part in name.split()]):
            found[int(key.split()[0])].append(arrays[key])
    return found


def main(place: Path) -> None:
    """Do in this process what `write_and_run` asked for in another one."""
    from rnnkit.tasks.loading import load

    request = json.loads((place / "request.json").read_text(encoding="utf-8"))
    names = request["calls"]
    calls = [Call(*pair, []) for pair in zip(names, _read(place / "inputs.npz", len(names)))]  # noqa: B905
    try:
        task = load(place / "task.keras")
        models = task.serving_models()
        outputs = _here(models, request["format"], place / request["target"], calls)
    except InputError as error:
        (place / "error.txt").write_text(str(error), encoding="utf-8")
        sys.exit(2)
    _write(place / "outputs.npz", outputs)


if __name__ == "__main__":
    import rnnkit.tasks  # noqa: F401  (registers every class that a file may name)

    main(Path(sys.argv[1]))
