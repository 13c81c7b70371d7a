"""Export of a task's network for serving, in the formats of `keras.Model.export`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from rnnkit.disk import variables_size, write_error_number, writing
from rnnkit.errors import InputError, check_choice

# Format -> what its file names end in; a SavedModel is a folder.
FORMATS = {"tf_saved_model": "", "onnx": ".onnx", "openvino": ".xml", "litert": ".tflite"}
FORMATS |= {"torch": ".pt2"}
EXTRA = "assets.extra"  # where TensorFlow leaves room for the files of others


def export_network(
    task: Any, network: keras.Model, filepath: str | os.PathLike[str], format: str, **options: Any
) -> None:
    """Export the network of a task; what the task learned beside it goes into a SavedModel, too.

    Args:
        task: a trained task.
        network: the functional model to export.
        filepath: the folder or file to write.
        format: one of `FORMATS`.
        **options: as `keras.Model.export` takes them.

    Raises:
        InputError: an unknown format, a missing library, a network that Keras cannot export to this
            format on this backend.
        DiskError: the file or folder cannot be written; where there was none, none is left.
    """
    check_choice("format", format, FORMATS)
    path, end, backend = Path(filepath), FORMATS[format], keras.config.backend()
    if path.suffix != end and end:
        raise InputError(f"Cannot export to {path}: expected a name that ends in {end!r}.")
    kind = type(task).__name__
    elsewhere = (
        "Start Python with KERAS_BACKEND=tensorflow, open the saved .keras file with "
        "rnnkit.tasks.load, and export there; export_to does so by itself."
    )
    if backend == "torch" and format not in ("torch", "tf_saved_model"):
        # It would record the steps of one example, and answer other lengths wrongly.
        raise InputError(f"PyTorch cannot export a {kind} as {format!r}. {elsewhere}")
    if backend == "torch" and options.get("input_signature") is None:
        # Keras would take 1 for every unknown size.
        raise InputError(
            "On PyTorch the exported program answers batches of one shape only: give it as "
            f"input_signature, such as {_signature(network)}. For any shape: {elsewhere}"
        )
    with writing(path, "the exported network", variables_size(network)), _removing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _export(task, network, path, format, elsewhere, **options)
        if format == "tf_saved_model":
            _add_assets(task, path / EXTRA)


@contextlib.contextmanager
def _removing(path: Path) -> Iterator[None]:
    """Remove what a failed export left, where nothing was before."""
    new = not path.exists()
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if new and path.is_dir():
                shutil.rmtree(path)
            elif new:
                path.unlink()
        raise


def _export(
    task: Any, network: keras.Model, path: Path, format: str, elsewhere: str, **options: Any
) -> None:
    """Call Keras's export; tell its errors as those of this task, format and backend."""
    kind, backend = type(task).__name__, keras.config.backend()
    try:
        network.export(path, format=format, **options)
    except ImportError as error:
        raise InputError(
            f"format is {format!r}, which needs a library that cannot be imported: {error}. "
            "Install it, or choose another format."
        ) from error
    except (OSError, MemoryError):  # of the disk or the machine, not of the network
        raise
    except Exception as error:  # each framework has errors of its own
        if write_error_number(error) is not None:
            raise
        lines = [line for line in str(error).splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("Exception encountered when")]
        reason = lines[0] if lines else type(error).__name__
        other = "Choose another format." if backend == "tensorflow" else elsewhere
        if backend == "jax" and options.get("input_signature") is None:
            other += f" Or give fixed sizes here: input_signature={_signature(network)}."
        raise InputError(
            f"Keras cannot export this {kind} as {format!r} on {backend}: {reason} {other}"
        ) from error


def _signature(network: keras.Model) -> str:
    """Return an example of a signature of fixed sizes, as code."""
    specs = [
        f"keras.InputSpec(shape={(8, 20, *one.shape[2:])[: len(one.shape)]}, dtype={one.dtype!r})"
        for one in network.inputs
    ]
    inside = ", ".join(specs)
    return f"[{inside}]" if len(specs) == 1 else f"[[{inside}]]"


def _add_assets(task: Any, folder: Path) -> None:
    """Write vocabulary, scales, ... and the names of the classes or tags into a folder."""
    folder.mkdir(exist_ok=True)
    task.save_assets(str(folder))
    if getattr(task, "feature_scale", None) is not None:
        scale = {"feature_names": task.feature_names, "mean_and_spread": task.feature_scale}
        (folder / "feature_scale.json").write_text(json.dumps(scale), encoding="utf-8")
    names = getattr(task, "classes", ()) or getattr(task, "tags", ())
    if names:
        text = json.dumps(list(map(str, names)), ensure_ascii=False)
        (folder / "classes.json").write_text(text, encoding="utf-8")
