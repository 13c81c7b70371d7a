"""TensorFlow: a `while_loop` with a gradient of its own, and the portable loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from rnnkit.backend.tensorflow.feed import dense, feed, tensors
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
    "fixed_shapes",
    "mix_rows",
    "scan",
    "take_rows",
    "tensors",
]


def devices() -> list[str]:
    """Return the devices that TensorFlow sees."""
    return [
        device.name.removeprefix("/physical_device:")
        for device in tf.config.list_physical_devices()
    ]


def fixed_shapes() -> bool:
    """Tell whether the pass that is being traced is compiled for known shapes, by XLA.

    TensorFlow offers no public word for it, but marks the graphs it traces for `jit_compile`.
    """
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def compiled(function: Callable[..., Any], given_up: int = 0) -> Callable[..., Any]:
    """Return the function, compiled by XLA once for each set of shapes; see `backend.jax`."""
    del given_up  # TensorFlow writes results over no argument
    return tf.function(function, jit_compile=True)
