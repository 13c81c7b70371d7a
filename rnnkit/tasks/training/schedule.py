"""Learning rate schedules with linear warm-up: constant, linear decay, cosine decay."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.backend import optimizer_state
from rnnkit.errors import check_choice
from rnnkit.monitor.callbacks import sync_state
from rnnkit.training.budget_clock import BudgetClock

SCHEDULES = ("constant", "linear", "cosine")
WARM_UP = 0.05  # share of the steps; Adam's first steps are noisy
SETTERS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def factor(schedule: str, progress: float) -> float:
    """Return the factor of the learning rate at `progress` in [0, 1] of the training.

    Linear warm-up over the first 5 %, then `linear`: linear decay to 0, `cosine`:
    `(1 + cos(π p)) / 2` of the rest p. `constant` is 1 throughout.

    Example:
        >>> [round(factor("cosine", p), 3) for p in (0.025, 0.05, 0.525, 1.0)]
        [0.5, 1.0, 0.5, 0.0]
    """
    check_choice("learning_rate_schedule", schedule, SCHEDULES)
    if schedule == "constant":
        return 1.0
    if progress < WARM_UP:
        return progress / WARM_UP
    rest = (progress - WARM_UP) / (1 - WARM_UP)
    return 1 - rest if schedule == "linear" else (1 + math.cos(math.pi * rest)) / 2


class ScheduledLearningRate(keras.callbacks.Callback):
    """Callback that sets the learning rate before each batch; the optimizer's rate is the peak.

    Step i of N, from 0, has the factor at progress `(i + 1) / (N + 1)`: the first step and the last
    one learn, too. A rate that somebody else sets, such as a callback given to `fit`, is kept: the
    schedule ends there, and a warning says so.

    `restore` puts the peak back: a later `fit`, or a file written meanwhile, starts from it.

    Args:
        model: the compiled model.
        schedule: one of `SCHEDULES`.
        epochs: number of epochs of the training.
        steps: batches per epoch.
        callbacks: the other callbacks of the training.
        clock: of a budget, which tells the progress in the place of the steps; None = no budget.
    """

    def __init__(
        self,
        model: keras.Model,
        schedule: str,
        epochs: int,
        steps: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        clock: BudgetClock | None = None,
    ) -> None:
        super().__init__()
        self._clock = clock
        self.schedule, self.steps, self.total = schedule, steps, epochs * steps
        self.active = True
        self._model, self._optimizer = model, model.optimizer
        self._epoch = 0
        if self._rate is None:
            self._stop("the optimizer has a schedule of its own")
            return
        self.peak = float(self._rate)
        setter = next((one for one in callbacks if isinstance(one, SETTERS)), None)
        if setter is not None:
            self._stop(f"{type(setter).__name__} sets the learning rate")
            return
        # Until the first batch the rate is the next number above the peak: who sets the peak itself
        # before that is noticed, too.
        self._set(float(np.nextafter(np.float32(self.peak), np.float32(np.inf))))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate of the next step, unless somebody else has set one."""
        if not self.active:
            return
        if not self._as_set():
            self._stop("the learning rate was set by a callback")
            return
        step = self._epoch * self.steps + batch
        progress = (step + 1) / (self.total + 1) if self._clock is None else self._clock.progress
        self._set(self.peak * factor(self.schedule, progress))

    def restore(self) -> None:
        """Put the peak rate back, where the schedule has set another."""
        if self.active:
            sync_state(self._model)
            if self._as_set():
                self._set(self.peak)

    @property
    def _rate(self) -> keras.Variable | None:
        """The variable of the rate; no attribute, which a checkpoint would take for a value."""
        return optimizer_state.rate_variable(self._optimizer)

    def _as_set(self) -> bool:
        """Return whether the rate is still the one that this callback has set."""
        rate = self._rate
        return rate is not None and optimizer_state.read(self._model, rate) == self._last

    def _set(self, rate: float) -> None:
        optimizer_state.write(self._model, self._rate, rate)
        self._last = optimizer_state.read(self._model, self._rate)

    def _stop(self, reason: str) -> None:
        self.active = False
        warnings.warn(
            f"rnnkit: {reason}: learning_rate_schedule={self.schedule!r} does not apply.",
            stacklevel=2,
        )
