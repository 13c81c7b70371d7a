"""Every recurrent layer and wrapper, small, for tests of what holds for all of them."""

from __future__ import annotations

import os

import keras
import numpy as np
from keras import ops

from rnnkit import layers

B, T, D, U = 3, 4, 3, 3  # D = U: a residual block reads as many features as it shows
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], bool)

# With a recurrent kernel: they take `kernel` and `memory`.
RECURRENT = {
    "SimpleRNN": lambda **o: layers.SimpleRNN(U, **o),
    "SimpleRNN relu": lambda **o: layers.SimpleRNN(U, "relu", **o),
    "LSTM": lambda **o: layers.LSTM(U, **o),
    "GRU": lambda **o: layers.GRU(U, **o),
    "GRU before": lambda **o: layers.GRU(U, reset_after=False, **o),
    "JordanRNN": lambda **o: layers.JordanRNN(U, output_units=2, **o),
    "PeepholeLSTM": lambda **o: layers.PeepholeLSTM(U, **o),
    "CoupledLSTM": lambda **o: layers.CoupledLSTM(U, **o),
    "ProjectedLSTM": lambda **o: layers.ProjectedLSTM(U, 2, **o),
    "LayerNormLSTM": lambda **o: layers.LayerNormLSTM(U, **o),
}
FUSED = ("SimpleRNN", "SimpleRNN relu", "LSTM", "GRU", "GRU before")  # with kernels of their own
LINEAR = {
    "MinGRU": lambda **o: layers.MinGRU(U, **o),
    "MinLSTM": lambda **o: layers.MinLSTM(U, **o),
    "RGLRU": lambda **o: layers.RGLRU(U, **o),
    "RGLRUBlock": lambda **o: layers.RGLRUBlock(U, reach=2, expansion=1, **o),
}
WRAPPERS = {
    "Bidirectional": lambda **o: layers.Bidirectional(layers.GRU(U, **o)),
    "Bidirectional of Keras": lambda **o: layers.Bidirectional(keras.layers.GRU(U, **o)),
    "Stack": lambda **o: layers.Stack([layers.MinGRU(U, **o), layers.LSTM(U, **o)], residual=True),
}
ALL = RECURRENT | LINEAR | WRAPPERS

# JAX compiles a program for each layer and shape, and TensorFlow's eager loops are slow: there a
# few stand for all, unless RNNKIT_DEEP is set.
DEEP = "RNNKIT_DEEP" in os.environ or keras.config.backend() == "torch"
ON_ALL: tuple = ("LSTM", "RGLRUBlock", "Bidirectional of Keras")
if keras.config.backend() == "tensorflow":
    ON_ALL += ("JordanRNN", "MinGRU", "Stack")
SOME = tuple(ALL) if DEEP else ON_ALL


def numpy(value):
    return ops.convert_to_numpy(ops.stop_gradient(value))


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(make, **options):
    """A built layer, its weights drawn with NumPy."""
    layer = make(**options)
    layer.build((B, T, D))
    redraw(layer)
    return layer


def redraw(layer):
    """Draw the weights with NumPy, those that must be positive around one."""
    for place, weight in enumerate(layer.trainable_variables):
        values = 0.5 * draw(*weight.shape, seed=place + 1)
        weight.assign(1 + 0.1 * values if "norm" in weight.path else values)


def total(found, seed=5):
    """A number that depends on all outputs and states."""
    parts = keras.tree.flatten(found)
    weights = [draw(*part.shape, seed=seed + i) for i, part in enumerate(parts)]
    pairs = zip(parts, weights, strict=True)
    return sum(ops.sum(ops.multiply(ops.sin(part), weight)) for part, weight in pairs)
