"""SavedModel and LiteRT files of functional models: written, and run to compare."""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from rnnkit.atomic import temporary_folder
from rnnkit.backend.tensorflow.exporting import portable_graphs
from rnnkit.errors import InputError

Arrays = list[np.ndarray]
_OPTIONS = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # it only answers


def write_saved_model(models: Mapping[str, keras.Model], folder: Path) -> None:
    """Write a SavedModel with a signature for each model, of any number of rows and steps.

    Args:
        models: the name of each signature, and its functional model; the first is also
            "serving_default".
        folder: to write; it does not exist.
    """
    archive = keras.export.ExportArchive()
    for name, model in models.items():
        _add(archive, name, model, [one.shape for one in model.inputs])
    archive.write_out(str(folder), options=_OPTIONS, verbose=False)


def run_saved_model(folder: Path, calls: Sequence[tuple[str, Arrays]]) -> list[Arrays]:
    """Return the outputs of a SavedModel for the inputs of several calls.

    Args:
        folder: of the SavedModel.
        calls: signature and inputs of each call.
    """
    loaded = tf.saved_model.load(str(folder))
    found = []
    for name, inputs in calls:
        tensors = [tf.convert_to_tensor(one) for one in inputs]
        outputs = getattr(loaded, name)(tensors if len(tensors) > 1 else tensors[0])
        found.append([one.numpy() for one in tf.nest.flatten(outputs)])
    return found


def write_litert(model: keras.Model, shapes: Sequence[tuple[int, ...]], path: Path) -> None:
    """Write a LiteRT file of the operations that every LiteRT runtime has, for inputs of one shape.

    Args:
        model: functional.
        shapes: of the inputs.
        path: of the file.
    """
    with temporary_folder() as place, portable_graphs():
        archive = keras.export.ExportArchive()
        _add(archive, "serve", _with_plain_sums(model), shapes)
        archive.write_out(str(place / "fixed"), options=_OPTIONS, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(place / "fixed"), ["serve"])
        try:
            found = converter.convert()
        except ConverterError as error:
            reason = str(error).strip().splitlines()[0][-300:]
            raise InputError(
                f"LiteRT's converter refuses this network: {reason} Use format 'saved-model'."
            ) from error
    path.write_bytes(found)


class _Sum(keras.layers.Layer):
    """Sum of tensors of one shape."""

    def call(self, parts: list[tf.Tensor]) -> tf.Tensor:
        return tf.add_n(parts)


def _with_plain_sums(model: keras.Model) -> keras.Model:
    """Return a model of the same layers, but for those that add.

    Of one row and one output, Keras's sum takes the second tensor for a bias, in a form that
    LiteRT's converter fails at.
    """

    def call(layer: Any, *inputs: Any, **options: Any) -> Any:
        return (_Sum() if type(layer) is keras.layers.Add else layer)(*inputs, **options)

    return keras.models.clone_model(model, clone_function=lambda one: one, call_function=call)


def run_litert(path: Path, names: Sequence[str], calls: Sequence[Arrays]) -> list[Arrays]:
    """Return the outputs of a LiteRT file for the inputs of several calls.

    It runs in `ai-edge-litert` where that is installed, else in TensorFlow's own interpreter.

    Args:
        path: of the file.
        names: of the inputs, in the order of the arrays.
        calls: the inputs of each call.
    """
    runner = _interpreter(path).get_signature_runner("serve")
    found = []
    for inputs in calls:
        outputs = runner(**dict(zip(names, inputs, strict=True)))
        found.append([outputs[f"output_{i}"] for i in range(len(outputs))])
    return found


def _interpreter(path: Path) -> Any:
    """Return an interpreter of a LiteRT file."""
    if importlib.util.find_spec("ai_edge_litert") is not None:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model_path=str(path))
    with warnings.catch_warnings():  # TensorFlow's own will move to the other package
        warnings.simplefilter("ignore")
        return tf.lite.Interpreter(model_path=str(path))


def _add(
    archive: keras.export.ExportArchive,
    name: str,
    model: keras.Model,
    shapes: Sequence[Sequence[int | None]],
) -> None:
    """Add a signature; its arguments have the names of the model's inputs."""
    specs = [
        keras.InputSpec(shape=tuple(shape), dtype=one.dtype, name=one.name)
        for one, shape in zip(model.inputs, shapes, strict=True)
    ]
    archive.track(model)
    call = functools.partial(model.__call__, training=False)
    archive.add_endpoint(name, call, specs if len(specs) == 1 else [specs])
