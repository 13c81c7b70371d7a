"""Training loop of tasks: callbacks, checkpoints, progress, the schedule of the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from rnnkit.backend import native
from rnnkit.data.batches import Batches
from rnnkit.monitor.callbacks import sync_state
from rnnkit.progress import showing
from rnnkit.tasks.training import adversarial, averaging, gradient_norm
from rnnkit.tasks.training.datasets import EpochOrder, KerasDataset
from rnnkit.tasks.training.devices import Together, own_callbacks, replicated, undisturbed
from rnnkit.tasks.training.model_state import read_variables
from rnnkit.tasks.training.resuming import resume_fit
from rnnkit.tasks.training.schedule import ScheduledLearningRate
from rnnkit.training.budget_clock import BudgetClock
from rnnkit.training.checkpoints import Checkpoint, Checkpoints
from rnnkit.training.interrupts import deferred_signals
from rnnkit.training.reporting import TrainingReport
from rnnkit.training.writer import CheckpointWriter


class Resuming(NamedTuple):
    """Where checkpoints are written, and the one where the training goes on.

    Attributes:
        checkpoints: the folder; None = none are written.
        found: the newest of the same training; None = it begins.
        record: what each checkpoint says of the training.
    """

    checkpoints: Checkpoints | None
    found: Checkpoint | None
    record: dict[str, Any]


def train_network(
    task: Any,
    batches: Batches,
    own: Sequence[keras.callbacks.Callback],
    callbacks: Sequence[keras.callbacks.Callback],
    resuming: Resuming,
    *,
    epochs: int,
    initial_epoch: int,
    verbose: str | int,
    clock: BudgetClock | None = None,
    **options: Any,
) -> keras.callbacks.History:
    """Train the network of a task on batches, the learning rate on its schedule.

    Args:
        task: its network is built.
        batches: of an epoch.
        own: the task's callbacks, called before the user's.
        callbacks: the user's.
        resuming: checkpoints to write, and where to go on.
        epochs: the number of the last one.
        initial_epoch: the number of the first one.
        verbose: as in Keras.
        clock: of a budget, one of `own`; None = no budget.
        **options: of Keras's `fit`.
    """
    (checkpoints, found, record), group = resuming, task._group
    first_process = group is None or group.first
    with native.initial_values():
        if not task.compiled:
            task._compile_own()
        if not task.optimizer.built:
            task.optimizer.build(task.trainable_variables)
        gradient_norm.watch(task.optimizer)
        averages = averaging.watch(task)
        native.accelerate(task.optimizer)
    adversarial.prepare(task)
    rows = task._full_size(batches)
    task.tokens_per_epoch = batches.tokens
    if checkpoints is not None and found is None:
        checkpoints.begin(task)
    first: list[keras.callbacks.Callback] = []
    if averages is not None:  # before all others: what they measure and keep are the averages
        first = [averaging.AveragedWeights(task, averages)]
    if (kind := task.learning_rate_schedule) != "constant" and first_process:
        task._schedule = ScheduledLearningRate(task, kind, epochs, len(batches), callbacks, clock)
        first += [task._schedule]
    # The history comes before the writer: an epoch's checkpoint holds its row.
    own = own_callbacks(group, own, EpochOrder)
    callbacks = callbacks if first_process else []
    every = [*first, *own, *callbacks, keras.callbacks.History()]
    report = TrainingReport(verbose, _count_shapes(task, batches, options))
    try:
        # Of the progress within an epoch the report tells.
        with (
            undisturbed(group),
            deferred_signals() as interrupt,
            report,
            showing(False, again=True),
            replicated(task, group),
        ):
            last: list[keras.callbacks.Callback] = [report]
            if group is not None and group.apart:
                last.append(Together(group, task, interrupt, len(batches)))
            writer = CheckpointWriter(
                *(task, lambda: ({}, read_variables(task)), every, len(batches)),
                *(interrupt, checkpoints, record, found is not None),
            )
            options |= {"epochs": epochs, "verbose": verbose}
            if found is not None:
                every += [*last, writer]
                return resume_fit(task, batches, found, every, rows=rows, **options)
            return keras.Model.fit(
                task,
                native.feed(KerasDataset(batches, rows=rows)),
                callbacks=[*every, *last, writer],
                initial_epoch=initial_epoch,
                shuffle=False,  # the batches draw their own order
                **options,
            )
    finally:
        sync_state(task)  # an exception leaves the latest weights apart on JAX
        # ... and the validation data: Keras would measure on them in the next fit.
        task._eval_epoch_iterator = None
        averaging.finish(task)
        task._restore_learning_rate()
        task._schedule = None


def early_stopping(
    task: Any, epochs: int, patience: int | None, keep_best: bool
) -> list[keras.callbacks.Callback]:
    """Return the callback that stops early and keeps the best epoch, where it is asked for."""
    if not keep_best and patience is None:
        return []
    stop = keras.callbacks.EarlyStopping(
        monitor=task.monitored_metric,
        mode=task.monitor_mode,
        patience=epochs if patience is None else patience,
        restore_best_weights=keep_best,
    )
    return [stop]


def _count_shapes(
    task: Any, batches: Batches, options: dict[str, Any]
) -> Callable[[bool], int | None]:
    """Return a function that counts the shapes of the batches, of training or validation."""
    valid = getattr(options.get("validation_data"), "batches", None)

    def count(training: bool) -> int | None:
        counted = batches if training else valid
        if counted is None or not hasattr(counted, "shapes"):
            return None
        return len(counted.shapes(task._full_size(counted)))

    return count
