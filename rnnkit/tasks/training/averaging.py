"""Exponential moving average of the weights: trained are the weights, measured and kept is it.

`a_n = μ_n a_{n-1} + (1 - μ_n) w_n` after step n, from `a_0 = w_0`, with the momentum
`μ_n = min(momentum, n / (9 + n))`: of a short training the average forgets where it began.
Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging; the growing
momentum is that of TensorFlow's `ExponentialMovingAverage`.

The average is part of the compiled step, and its numbers are variables of the optimizer, so that
checkpoints and files hold them. Keras's `use_ema` keeps the momentum constant; and beside its
`SwapEMAWeights`, `EarlyStopping` keeps the weights, or the last ones stay where it stops.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.monitor.callbacks import sync_state

STEPS = "averaged_steps"  # the name of the variable that counts them
_KEPT = "_rnnkit_averages"  # the attribute of an optimizer
_CALLBACK = "_averaging"  # the attribute of a task, during `fit`


@dataclass
class Averages:
    """The averages that an optimizer keeps.

    Attributes:
        momentum: of the average.
        weights: the trainable weights.
        averages: a variable for each.
        steps: number of steps in them.
    """

    momentum: float
    weights: list[keras.Variable]
    averages: list[keras.Variable]
    steps: keras.Variable


def watch(task: Any) -> Averages | None:
    """Make the built optimizer of a task keep averages, where `averaged_weights` asks for them.

    Raises:
        InputError: the weights are in half precision, or the optimizer has an average of its own.
    """
    optimizer = getattr(task.optimizer, "inner_optimizer", task.optimizer)
    if not task.averaged_weights:
        return None
    kept = vars(optimizer).get(_KEPT)
    if kept is None or kept.momentum != task.averaged_weights:
        task.train_function = None  # the step that Keras compiled in an earlier `fit`
    if kept is not None:
        kept.momentum = task.averaged_weights
        return kept
    weights = list(optimizer._trainable_variables)
    _refuse(task, optimizer, weights)
    averages = [optimizer.add_variable_from_reference(one, name="average") for one in weights]
    steps = optimizer.add_variable(shape=(), dtype="int32", name=STEPS)
    kept = Averages(task.averaged_weights, weights, averages, steps)
    vars(optimizer)[_KEPT] = kept  # past Keras's tracking
    _average_steps(optimizer, kept)
    return kept


def _refuse(task: Any, optimizer: Any, weights: list[keras.Variable]) -> None:
    """Refuse what an average cannot be kept of."""
    given = f"averaged_weights is {task.averaged_weights}"
    if getattr(optimizer, "use_ema", False):
        raise InputError(
            f"{given}, and the optimizer has use_ema=True: the average would be averaged. Leave "
            "out one of them."
        )
    half = next((one for one in weights if one.dtype in ("float16", "bfloat16")), None)
    if half is not None:
        raise InputError(
            f"{given}, and the weight {half.path} has the type {half.dtype}, in which the small "
            'steps of an average are lost. Use float32, or the policy "mixed_bfloat16", which '
            "keeps weights in float32."
        )


def _average_steps(optimizer: Any, kept: Averages) -> None:
    """Let each step of the optimizer move the averages."""
    apply, every = optimizer.apply, optimizer.gradient_accumulation_steps

    def averaged(grads: Any, trainable_variables: Any = None) -> Any:
        updates = None  # a step that only accumulates gradients does not count
        if every:
            updates = ops.cast(ops.equal((optimizer._iterations + 1) % every, 0), "int32")
        result = apply(grads, trainable_variables)
        steps = ops.cast(kept.steps, "float32")
        rate = 1 - ops.minimum((1 + steps) / (10 + steps), kept.momentum)
        if updates is not None:
            rate = rate * ops.cast(updates, "float32")
        native.move_averages(kept.averages, kept.weights, rate)
        kept.steps.assign_add(1 if updates is None else updates)
        return result

    optimizer.apply = averaged


def averages_of(task: Any) -> dict[int, keras.Variable]:
    """Return the average of each weight of a task by the weight's `id`; none without averages."""
    optimizer = getattr(task.optimizer, "inner_optimizer", task.optimizer)
    kept = vars(optimizer).get(_KEPT)
    pairs = () if kept is None else zip(kept.weights, kept.averages, strict=True)
    return {id(weight): average for weight, average in pairs}


class AveragedWeights(keras.callbacks.Callback):
    """Puts the averages into the model from the end of an epoch to the begin of the next.

    So validation and all other callbacks find them there. Meanwhile the variables of the averages
    hold the weights: a checkpoint between two epochs has both.

    Args:
        task: its optimizer keeps averages.
        kept: what `watch` returned.
    """

    def __init__(self, task: Any, kept: Averages) -> None:
        super().__init__()
        self._task, self._kept, self.swapped = task, kept, False
        self._restored: bool | None = None

    def checkpoint_state(self) -> dict[str, Any]:
        """Return whether the averages are in the model."""
        return {"swapped": self.swapped}

    def restore_checkpoint(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint, which holds the averages."""
        self._restored = bool(state["swapped"])

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the averages at the weights."""
        self.swapped, begins, self._restored = bool(self._restored), self._restored is None, None
        if begins:
            self.reset()
            self._kept.steps.assign(0)
        vars(self._task)[_CALLBACK] = self

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Train the weights on."""
        self.put(averages=False)

    def on_test_begin(self, logs: Any = None) -> None:
        """Validate the averages."""
        self.put(averages=True)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Let other callbacks find the averages, where nothing was validated."""
        self.put(averages=True)

    def put(self, averages: bool) -> None:
        """Put the averages into the model, or the weights."""
        if averages == self.swapped:
            return
        sync_state(self._task)
        for pair in zip(self._kept.weights, self._kept.averages, strict=True):
            one, other = (np.array(ops.convert_to_numpy(variable)) for variable in pair)
            pair[0].assign(other)
            pair[1].assign(one)
        self.swapped = averages

    def reset(self) -> None:
        """Set the averages to the weights."""
        for weight, average in zip(self._kept.weights, self._kept.averages, strict=True):
            average.assign(np.array(ops.convert_to_numpy(weight)))


def finish(task: Any) -> None:
    """Leave the averages in the model when `fit` ends, in whatever way."""
    callback = vars(task).pop(_CALLBACK, None)
    if callback is not None:
        callback.put(averages=True)
        callback.reset()  # a later `fit` begins at what the model holds


@contextlib.contextmanager
def averaged(task: Any) -> Iterator[None]:
    """Have the averages in the model for a while, if it is in the midst of an epoch."""
    callback = vars(task).get(_CALLBACK)
    before = callback is None or callback.swapped
    if callback is not None:
        callback.put(averages=True)
    try:
        yield
    finally:
        if not before:
            callback.put(averages=False)
