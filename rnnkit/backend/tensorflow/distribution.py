"""One training on several devices of TensorFlow: each computes some rows of every batch.

In the graph of a step there is a part for each device, with the forward pass, the loss and the
gradient of its rows. The parts run side by side; the first device has the variables, of which the
others read copies in each step, adds the gradients and takes the step.

`tf.distribute.MirroredStrategy` is not used: a model would have to be made inside its scope, so
that none could be trained further that was loaded or trained before, and Keras weights the replicas
alike, whatever the numbers of their real steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from rnnkit.backend.distribution import (
    CPU_DEVICES,
    OneProcess,
    Rows,
    alone,
    check_available,
    cpu_devices,
)


def show_cpu_devices() -> None:
    """Show the processor as several devices, where `RNNKIT_CPU_DEVICES` says so."""
    if (count := cpu_devices()) is not None:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * count
        )


def join_devices(devices: int) -> Group:
    """Return the replicas of a training on the first devices.

    Raises:
        InputError: there are fewer devices.
    """
    alone("TensorFlow")
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    found = tf.config.list_logical_devices(kind)
    advice = f"For a try on the processor, start Python with {CPU_DEVICES}={devices}."
    check_available(devices, found, kind.lower(), advice)
    return Group([device.name for device in found[:devices]])


class Group(OneProcess):
    """The devices of a training.

    Args:
        names: of the devices; the first has the variables.
    """

    splits_steps = True

    def __init__(self, names: list[str]) -> None:
        super().__init__(len(names))
        self._names = names
        self._rows: Rows | None = None  # while a part of the step is traced

    @contextlib.contextmanager
    def training(self, task: Any) -> Iterator[None]:
        """Train a task within the block, without XLA, which knows one device."""
        compiled, task.jit_compile = task.jit_compile, False
        try:
            yield
        finally:
            task.jit_compile = compiled

    def own_rows(self, tensor: Any) -> Any:
        """Return the rows of a state that the part of the step under way computes."""
        tensor = tf.convert_to_tensor(tensor)
        return tensor if self._rows is None else tensor[self._rows.start : self._rows.end]

    def assign_rows(self, variable: Any, rows: Any) -> None:
        """Set the rows of a variable of states that the part of the step under way computes."""
        if self._rows is None:
            variable.assign(rows)
        else:
            variable.value[self._rows.start : self._rows.end].assign(rows)

    def train_step(self, task: Any, data: Any) -> dict[str, Any]:
        """Train on a batch: each device on its rows, with the gradient of the whole batch."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        x, weights = task.row_inputs(x), task.trainable_weights
        rows = tf.shape(tf.nest.flatten(x)[0])[0]
        losses, counts, gradients = [], [], []
        for replica, name in enumerate(self._names):
            part = slice(replica * rows // self.size, (replica + 1) * rows // self.size)
            own_x, own_y, own_weight = tf.nest.map_structure(
                lambda one, part=part: None if one is None else one[part], (x, y, weight)
            )
            with tf.device(name), tf.GradientTape() as tape:
                self._rows = Rows(part.start, part.stop, rows)
                try:
                    y_pred = task(own_x, training=True)
                    loss = task._compute_loss(
                        x=own_x, y=own_y, y_pred=y_pred, sample_weight=own_weight, training=True
                    )
                finally:
                    self._rows = None
                count = tf.cast(task.loss_divisor(own_y, y_pred, own_weight), loss.dtype)
                own = tf.where(count > 0, loss, tf.zeros_like(loss)) * count
                scaled = task.optimizer.scale_loss(own)
            with tf.device(name):
                found = tape.gradient(scaled, weights)
                found = [None if one is None else tf.convert_to_tensor(one) for one in found]
            gradients.append(found)
            losses.append(own)
            counts.append(count)
            task.compute_metrics(own_x, own_y, y_pred, own_weight)
        total = tf.maximum(tf.add_n(counts), 1e-12)
        added = [
            None if one[0] is None else tf.add_n(list(one)) / tf.cast(total, one[0].dtype)
            for one in zip(*gradients, strict=True)
        ]
        task.optimizer.apply_gradients(zip(added, weights, strict=True))
        mean = tf.add_n(losses) / total
        task.count_loss(mean, rows, weight)
        return task.get_metrics_result()
