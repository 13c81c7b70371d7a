"""TensorFlow adapter: a `while_loop` with a custom gradient, scan, embedding tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from rnnkit.backend.tensorflow.feed import dense, feed, tensors
from rnnkit.backend.tensorflow.gradient import gradient
from rnnkit.backend.tensorflow.linear import linear_scan
from rnnkit.backend.tensorflow.memory import remat
from rnnkit.backend.tensorflow.recurrent import KERNELS
from rnnkit.backend.tensorflow.scan import HOIST_INPUT_PROJECTION, scan
from rnnkit.backend.tensorflow.table import add_rows, mix_rows, take_rows

__all__ = [
    "HOIST_INPUT_PROJECTION",
    "KERNELS",
    "add_rows",
    "compiled",
    "dense",
    "devices",
    "feed",
    "gradient",
    "linear_scan",
    "mix_rows",
    "remat",
    "scan",
    "static_shapes",
    "take_rows",
    "tensors",
]


def devices() -> list[str]:
    """Return the devices of TensorFlow."""
    return [
        device.name.removeprefix("/physical_device:")
        for device in tf.config.list_physical_devices()
    ]


def static_shapes() -> bool:
    """Return whether the current trace is compiled for static shapes, by XLA.

    TensorFlow has no public function for it, but marks the graphs that it traces for `jit_compile`.
    """
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def compiled(function: Callable[..., Any], donate: int = 0) -> Callable[..., Any]:
    """Compile a function by XLA, once for each set of shapes; see `backend.jax`."""
    del donate  # TensorFlow donates no buffers
    return tf.function(function, jit_compile=True)
