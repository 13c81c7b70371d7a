"""The callback that ends a training when its budget of time or of steps is used up."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras

from rnnkit.backend.compilation import compilations
from rnnkit.training.budget import Budget, BudgetTooSmall

_FIRST = 0.001  # progress in a budget of time at the first step, while no step's time is known
_SAFE = 2.0  # what is advised, as a multiple of the least


class Reached(NamedTuple):
    """How far a training with a budget came.

    Attributes:
        steps: of the optimizer.
        seconds: of the passes over the training data, as `BudgetClock` counts them.
        epochs: passes over the training data, as a fraction.
    """

    steps: int
    seconds: float
    epochs: float


class UnknownEpochs(int):
    """A number of epochs that no training reaches; it is shown as "?".

    Example:
        >>> f"Epoch 1/{UnknownEpochs(10**6)}"
        'Epoch 1/?'
    """

    def __format__(self, spec: str) -> str:
        return "?"

    __str__ = __repr__ = lambda self: "?"


class BudgetClock(keras.callbacks.Callback):
    """Callback that ends a training after the step that reaches its budget; validation follows.

    Its clock runs from the beginning of each epoch to its last step: over the steps, the reading of
    batches and what callbacks do between steps. It stands during validation and what follows an
    epoch, and what the backend says that it spent on compiling is taken off: with a warm cache of
    programs a training would be longer otherwise. The first step of a process counts as much as the
    second one: it traces, compiles and loads what no backend counts.

    Args:
        budget: of the training; its parameters do not matter here.
        steps: batches of an epoch.

    Raises:
        BudgetTooSmall: within `fit`: one step takes longer than the budget.

    Example:
        >>> clock = BudgetClock(Budget(steps=5), steps=2)
        >>> clock.epochs, clock.progress
        (3, 0.16666666666666666)
    """

    def __init__(self, budget: Budget, steps: int) -> None:
        super().__init__()
        self._budget, self._steps = budget, steps
        self._done, self._seconds = 0, 0.0
        self._here = 0  # steps in this process
        self._marked, self._compiled = time.perf_counter(), compilations()

    @property
    def epochs(self) -> int:
        """The number of epochs, the last one begun; of a budget of time it is not known."""
        if self._budget.steps is None:
            return UnknownEpochs(10**6)
        return -(-self._budget.steps // max(1, self._steps))

    @property
    def progress(self) -> float:
        """The share of the budget that is used when the step under way ends, below 1.

        Of N steps, step i, from 0, is at `(i + 1) / (N + 1)`, as without a budget: the first and
        the last one learn, too. Of a budget of time, a step takes the mean time of those before it.
        """
        if self._budget.steps is not None:
            return (self._done + 1) / (self._budget.steps + 1)
        if not self._seconds:
            return _FIRST * (self._done + 1)
        step = self._seconds / self._done
        limit = self._budget.seconds or 0.0
        return (self._seconds + step) / (max(limit, self._seconds) + step)

    @property
    def used(self) -> float:
        """The share of the budget that is used."""
        if self._budget.steps is not None:
            return self._done / self._budget.steps
        return self._seconds / (self._budget.seconds or 1.0)

    @property
    def reached(self) -> Reached:
        """How far the training came."""
        return Reached(self._done, self._seconds, self._done / max(1, self._steps))

    def checkpoint_state(self) -> dict[str, Any]:
        """Return what is used up."""
        return {"steps": self._done, "seconds": self._seconds}

    def restore_checkpoint(self, state: dict[str, Any]) -> None:
        """Go on with what is left."""
        self._done, self._seconds = state["steps"], state["seconds"]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._mark()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the step; end the training where the budget is used up."""
        before, compiled = self._marked, self._compiled
        self._mark()
        compiling = self._compiled.since(compiled).seconds
        took = max(0.0, self._marked - before - compiling)
        self._done += 1
        self._here += 1
        if self._here > 1:
            self._seconds += took * (2 if self._here == 2 else 1)
        limit = self._budget.seconds
        if limit is not None and self._done == 2 and took > limit:
            raise BudgetTooSmall(
                f"budget is {self._budget}, and one step takes {took:.2g} seconds. Give more than "
                f"that, such as {_SAFE * took:.2g}s."
            )
        if self.used >= 1:
            self.model.stop_training = True

    def _mark(self) -> None:
        self._marked, self._compiled = time.perf_counter(), compilations()
