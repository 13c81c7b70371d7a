"""One training on several devices of JAX: batches are split by rows, and XLA does the rest.

The step is the program of one device, of the whole batch. `keras.distribution.DataParallel` puts
the rows of its arrays on different devices and all variables on each; XLA derives from that what
each device computes, and where sums over rows need the others. So losses, metrics, clipping and
carried states are those of the whole batch by their definition.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import keras

from rnnkit.backend.distribution import (
    CPU_DEVICES,
    OneProcess,
    alone,
    check_available,
    cpu_devices,
)


def show_cpu_devices() -> None:
    """Show the processor as several devices, where `RNNKIT_CPU_DEVICES` says so."""
    if (count := cpu_devices()) is not None:
        jax.config.update("jax_num_cpu_devices", count)


def join_devices(devices: int) -> Group:
    """Return the replicas of a training on the first devices.

    Raises:
        InputError: there are fewer devices.
    """
    alone("JAX")
    found = jax.local_devices()
    advice = f"For a try on the processor, start Python with {CPU_DEVICES}={devices}."
    check_available(devices, found, "cpu" if found[0].platform == "cpu" else "gpu", advice)
    return Group(devices)


class Group(OneProcess):
    """The devices of a training.

    Args:
        size: their number.
    """

    @contextlib.contextmanager
    def training(self, task: Any) -> Iterator[None]:
        """Train a task within the block: its variables are on all devices there."""
        names = keras.distribution.list_devices()[: self.size]
        parallel = keras.distribution.DataParallel(devices=names)
        home = jax.local_devices()[0]
        try:
            with parallel.scope():
                self.place(task)
                yield
        finally:
            for one in _variables(task):
                one._layout = None
                if one._value is not None:
                    one._value = jax.device_put(one._value, home)

    def place(self, task: Any) -> None:
        """Put the variables of a task on all devices, those of metrics that were just made, too."""
        parallel = keras.distribution.distribution()
        for one in _variables(task):
            one._layout = None  # of an earlier training
            one._layout = parallel.get_variable_layout(one)
            one._value = jax.device_put(one.value, one._layout.backend_layout)


def _variables(task: Any) -> list[Any]:
    """Return all variables that a training step reads."""
    optimizer = [] if task.optimizer is None else task.optimizer.variables
    every = [*task.variables, *optimizer, *task.metrics_variables]
    return list({id(one): one for one in every}.values())
