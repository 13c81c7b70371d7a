"""TensorFlow: a `while_loop` with a gradient of its own, and the portable loop."""

from __future__ import annotations

import tensorflow as tf

from rnnkit.backend.tensorflow.feed import dense, feed
from rnnkit.backend.tensorflow.recurrent import KERNELS
from rnnkit.backend.tensorflow.scan import HOIST_INPUT_PROJECTION, scan

__all__ = ["HOIST_INPUT_PROJECTION", "KERNELS", "dense", "devices", "feed", "scan"]


def devices() -> list[str]:
    """Return the devices that TensorFlow sees."""
    return [
        device.name.removeprefix("/physical_device:")
        for device in tf.config.list_physical_devices()
    ]
