"""Learning rate schedules with linear warm-up: constant, linear decay, cosine decay."""

from __future__ import annotations

import math
from typing import Any

import keras

from rnnkit.errors import check_choice
from rnnkit.monitor.callbacks import sync_state

SCHEDULES = ("constant", "linear", "cosine")
WARM_UP = 0.05  # share of the steps; Adam's first steps are noisy


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

    `restore` puts the peak back, so that a later `fit` starts from it and not from zero.
    """

    def __init__(self, model: keras.Model, schedule: str, epochs: int, steps: int) -> None:
        super().__init__()
        self.schedule, self.steps, self.total = schedule, steps, epochs * steps
        self.peak = float(model.optimizer.learning_rate)
        self._model, self._optimizer = model, model.optimizer
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate of the next step."""
        sync_state(self._model)
        progress = (self._epoch * self.steps + batch + 1) / self.total
        self._optimizer.learning_rate = self.peak * factor(self.schedule, progress)

    def restore(self) -> None:
        """Put the peak rate back."""
        sync_state(self._model)
        self._optimizer.learning_rate = self.peak
