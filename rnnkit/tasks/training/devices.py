"""One training over several devices: what can be trained so, and how its replicas stay together.

Each replica computes some rows of every batch, and all take the same step with the gradient of the
whole batch; see `rnnkit.backend.distribution`. On PyTorch replicas are processes: the first one
measures, shows and writes, and the others do what it says.
"""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.errors import InputError, check_count
from rnnkit.monitor.callbacks import sync_state
from rnnkit.tasks.training import full_batches
from rnnkit.tasks.training.model_state import variables
from rnnkit.training.checkpoints import Checkpoint
from rnnkit.training.interrupts import Interrupt

GROUP = "_replicas"  # the attribute of a task, during `fit`
ALONE = "averaged_weights", "adversarial", "virtual_adversarial"  # settings for one device


def join_devices(task: Any, devices: int | None, batch_size: int | None, teacher: Any) -> Any:
    """Return the group of replicas of a training; None = it is on one device.

    Args:
        task: to be trained.
        devices: their number; None or 1 = one device.
        batch_size: what `fit` was given, like the next one.
        teacher: see above.

    Raises:
        InputError: no such number of devices, or a training that is for one device.
    """
    if devices is None or check_count("devices", devices) == 1:
        return None
    refused = f"devices is {devices}, and"
    rows = task.batch_size if batch_size is None else check_count("batch_size", batch_size)
    if rows < devices:
        raise InputError(
            f"{refused} batch_size is {rows}: each device computes at least one row of a batch. "
            f"Give batch_size={devices} or more."
        )
    if not task.splits_batches:
        raise InputError(
            f"{refused} {type(task).__name__} is trained on one device. On several are trained: "
            "TextClassifier, SequenceClassifier, SequenceTagger and LanguageModel. Leave devices "
            "out."
        )
    for name in ALONE:
        if value := getattr(task, name):
            raise InputError(
                f"{refused} {name} is {value}, which is for one device. Leave one of them out."
            )
    if teacher is not None:
        raise InputError(
            f"{refused} a teacher was given: a model is distilled on one device. Leave one of them "
            "out."
        )
    if task.compiled and task._compile_loss is not task.__dict__.get("_own_loss"):
        raise InputError(
            f"{refused} the model was compiled, or loaded from a file: its loss and metrics may be "
            "others than the task's own, of which alone it is known by what they divide a batch. "
            "Train a new model without compile, or on one device."
        )
    group = native.join_devices(devices)
    task.__dict__[GROUP] = group  # past Keras, which would track it
    return group


def leaving_devices(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate `fit`: afterwards the task is one on one device again."""

    @functools.wraps(fit)
    def leave(task: Any, *args: Any, **options: Any) -> Any:
        try:
            return fit(task, *args, **options)
        finally:
            task.__dict__.pop(GROUP, None)

    return leave


def follow(group: Any, found: Checkpoint | None) -> Checkpoint | None:
    """Return the first process's checkpoint; for the others without the state of its callbacks."""
    if not group.apart:
        return found
    shared: Checkpoint | None = group.shared(found)
    if shared is None or group.first:
        return shared
    return shared._replace(values={**shared.values, "callbacks": []}, path=None)


def check_replicas(group: Any, task: Any, batches: Batches, epochs: int) -> None:
    """Refuse batches that cannot be split over the replicas, and processes that differ.

    Raises:
        InputError: a layer reads several rows at once, or a process has other data or settings
            than the first.
    """
    devices = group.size
    for layer in task.network._flatten_layers():
        if not full_batches.takes_filling(layer):
            raise InputError(
                f"devices is {devices}, and the layer {layer.name!r} ({type(layer).__name__}) may "
                "read several rows of a batch at once, which are on different devices. Leave "
                "devices out."
            )
    if getattr(batches, "extra_inputs", None) is not None:
        raise InputError(
            f"devices is {devices}, and the softmax is an adaptive or sampled one, which reads all "
            "rows of a batch at once. Give softmax='full', or leave devices out."
        )
    if group.apart:
        _check_same(group, task, batches, epochs)


def _check_same(group: Any, task: Any, batches: Batches, epochs: int) -> None:
    """Refuse processes that read other data or have other settings than the first."""
    every = group.every(
        {
            "number of batches": len(batches),
            "number of steps": int(batches.tokens),
            "number of epochs": epochs,
            "network": [list(one.shape) for one in task.network.variables],
            "version of Keras": keras.__version__,
            "learning rate": float(keras.ops.convert_to_numpy(task.optimizer.learning_rate))
            if task.compiled
            else None,
        }
    )
    for rank, found in enumerate(every):
        changed = [name for name, value in found.items() if value != every[0][name]]
        if changed:
            raise InputError(
                f"Process {rank} of {len(every)} has another {' and another '.join(changed)} than "
                "the first: start all with the same data, settings and versions."
            )


class Together(keras.callbacks.Callback):
    """Callback that keeps processes together: it comes after all but the writer of checkpoints.

    At the start of an epoch all get the first one's variables, which its callbacks may have changed
    between two epochs. Before each step they learn its learning rate, after it whether it stops.

    Args:
        group: the processes.
        task: that is trained.
        interrupt: says in the first whether a signal arrived.
        steps: batches of an epoch.
    """

    def __init__(self, group: Any, task: Any, interrupt: Interrupt, steps: int) -> None:
        super().__init__()
        self._group, self._of, self._interrupt = group, task, interrupt
        self._steps = steps
        self._due = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember that an epoch begins: callbacks may change variables after this one."""
        self._due = True

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Take the learning rate of the first process and, where an epoch begins, its variables."""
        if self._due:
            self._group.same_variables(variables(self._of))
            self._due = False
        optimizer = self._of.optimizer
        if isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return  # it depends on the number of the step alone
        (rate,) = self._group.decision(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
        if not self._group.first:
            optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop where the first process stops; after an epoch's last step it validates before."""
        last = batch + 1 >= self._steps or bool(self._of.stop_training)
        self._follow(0 if last else self._interrupt.signal or 0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop where the first process stops."""
        self._follow(self._interrupt.signal or 0)

    def _follow(self, received: int) -> None:
        stop, number = self._group.decision(bool(self._of.stop_training), received)
        if self._group.first:
            return
        self._of.stop_training = bool(stop)
        if number:
            raise SystemExit(128 + int(number))


def own_callbacks(
    group: Any, own: Sequence[Any], order: type[keras.callbacks.Callback]
) -> list[keras.callbacks.Callback]:
    """Return those of a task's callbacks that a process needs: all in the first, else the order."""
    return [one for one in own if group is None or group.first or isinstance(one, order)]


@contextmanager
def replicated(task: Any, group: Any) -> Iterator[None]:
    """Train a task on the devices of a group within the block; None = as usual.

    Afterwards every process has the variables of the first one.
    """
    if group is None:
        yield
        return
    _forget_steps(task)  # which Keras compiled for one device
    try:
        with group.training(task):
            try:
                yield
            finally:
                sync_state(task)  # while its arrays lie on all devices
        group.same_variables(variables(task))
    finally:
        _forget_steps(task)
        if not group.apart:
            task._set_network(task.network)  # so are those of models that share its layers


def _forget_steps(task: Any) -> None:
    """Let Keras compile the steps of a task anew."""
    for model in (task, task.network):
        model.train_function = model.test_function = model.predict_function = None


@contextmanager
def undisturbed(group: Any) -> Iterator[None]:
    """Ignore signals in all processes but the first, which tells the others to stop."""
    if group is None or group.first or threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGUSR1")
    old = {
        n: signal.signal(getattr(signal, n), signal.SIG_IGN) for n in names if hasattr(signal, n)
    }
    try:
        yield
    finally:
        for name, handler in old.items():
            signal.signal(getattr(signal, name), handler)
