"""Keras's own `model.export` with our layers: it works wherever it does with those of Keras.

One network holds every layer, so that each format is written once. What does not work with
`keras.layers` need not with ours; what works has to answer as the model does.
"""

import contextlib
import importlib.util
import logging
import warnings

import keras
import numpy as np
import pytest
from deep import mostly_deep

import rnnkit.backend
from rnnkit import layers as kit
from rnnkit.backend import explain_kernels

PLAIN = ("SimpleRNN", "LSTM", "GRU")
OURS = (*PLAIN, "MinGRU", "MinLSTM", "RGLRU", "JordanRNN")
SHAPES = [(2, 5), (3, 4), (1, 7)]  # the first one is that of a fixed signature
# Backend -> format, and whether the sizes are left open.
FORMATS = {
    "torch": [("onnx", False), ("torch", False), ("onnx", True)],
    "jax": [("tf_saved_model", True), ("tf_saved_model", False)],
    "tensorflow": [("tf_saved_model", True), ("litert", False)],
}[rnnkit.backend.name]
# One each time; on TensorFlow, where one takes more than a minute, none.
FORMATS = mostly_deep(
    FORMATS, *FORMATS[: {"torch": 1, "jax": 1, "tensorflow": 0}[rnnkit.backend.name]]
)
NEEDED = {"tf_saved_model": "tensorflow", "litert": "tensorflow", "onnx": "onnxruntime"}


def network(package, names):
    """One network with a layer of each kind, whole sequences and the last output in turns."""
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 3), name="x")
    outputs = [
        getattr(package, name)(4, return_sequences=i % 2 == 0)(x) for i, name in enumerate(names)
    ]
    outputs.append(package.Bidirectional(package.LSTM(2))(x))
    model = keras.Model(x, outputs)
    model.predict_on_batch(np.zeros((1, 2, 3), "float32"))
    return model


def batch(rows, steps):
    return np.random.default_rng(rows).normal(size=(rows, steps, 3)).astype("float32")


def ask(path, format):
    """A function that asks an exported file."""
    if format == "torch":
        import torch

        program = torch.export.load(path).module()
        return lambda x: keras.tree.flatten(program(torch.from_numpy(x)))
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return lambda x: session.run(None, {session.get_inputs()[0].name: x})
    import tensorflow as tf

    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(model_path=str(path)).get_signature_runner()
        (name,) = runner.get_input_details()
        return lambda x: [one for _, one in sorted(runner(**{name: x}).items())]
    loaded = tf.saved_model.load(path)  # its functions do not keep its variables
    return lambda x: loaded.serve(x)


def difference(model, path, format, open_sizes):
    """The largest difference of an exported network from the model; infinite where it raises."""
    signature = None if open_sizes else [keras.InputSpec(shape=(*SHAPES[0], 3), dtype="float32")]
    try:
        model.export(path, format=format, verbose=False, input_signature=signature)
        call = ask(path, format)
        found = 0.0
        for shape in SHAPES if open_sizes else SHAPES[:1]:
            x = batch(*shape)
            for one, wanted in zip(call(x), model.predict_on_batch(x), strict=True):
                one = one.detach() if hasattr(one, "detach") else one
                found = max(found, np.abs(np.asarray(one) - wanted).max())
    except Exception as error:  # noqa: BLE001  (each framework has errors of its own)
        print(f"{format}: {type(error).__name__}: {str(error)[:300]}")
        return np.inf
    return found


@contextlib.contextmanager
def quiet():
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("format", "open_sizes"), FORMATS)
def test_our_layers_export_where_those_of_keras_do(format, open_sizes, tmp_path):
    needed = NEEDED.get(format)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{format} needs {needed}")
    end = {"torch": ".pt2", "onnx": ".onnx", "litert": ".tflite"}.get(format, "")
    with quiet():
        plain = difference(
            network(keras.layers, PLAIN), str(tmp_path / f"plain{end}"), format, open_sizes
        )
        names = [name for name in OURS if (format, name) != ("onnx", "RGLRU")]  # it has no expm1
        ours = difference(network(kit, names), str(tmp_path / f"ours{end}"), format, open_sizes)
    assert ours < 1e-5 or plain > 1e-5, (plain, ours)
    if format != "onnx" or not open_sizes:  # else the test would say nothing
        assert plain < 1e-5


@pytest.mark.parametrize("name", OURS)
def test_the_rule_can_be_asked(name):
    layer = getattr(kit, name)(4)
    layer.build((None, None, 3))
    (found,) = explain_kernels(layer, exported=True)
    assert found.kernel == "portable"
    assert found.request.exported
    for _, reason in found.passed_over:
        assert "export" in reason or "cell type" in reason
