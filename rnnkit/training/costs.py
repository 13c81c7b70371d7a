"""The seconds that a training took, over all processes that it was continued in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

# isort: off
import rnnkit.backend  # noqa: F401 - picks the backend before Keras loads
import keras

# isort: on

NOTHING = {"seconds": 0.0, "processor_seconds": 0.0}


class TrainingCosts:
    """A stopwatch of wall time and processor time that goes on where a training does.

    It starts when it is made. `state` is kept in a checkpoint; in another process `restore` takes
    it, and the time between the two is not counted.

    Example:
        >>> costs = TrainingCosts()
        >>> costs.restore({"seconds": 60.0, "processor_seconds": 100.0})
        >>> 60 <= costs.seconds < 61, costs.earlier["processor_seconds"]
        (True, 100.0)
    """

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()
        self.earlier: dict[str, Any] = dict(NOTHING)

    @property
    def seconds(self) -> float:
        """The seconds since it was made, and those of earlier processes."""
        return self.earlier["seconds"] + time.perf_counter() - self._wall

    @property
    def processor_seconds(self) -> float | None:
        """The seconds that all threads of the process computed, counted as `seconds` is.

        None for a training that began with a version of rnnkit that did not count them.
        """
        if self.earlier["processor_seconds"] is None:
            return None
        return self.earlier["processor_seconds"] + time.process_time() - self._processor

    @property
    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {"seconds": self.seconds, "processor_seconds": self.processor_seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the seconds of earlier processes."""
        self.earlier = {name: state.get(name) for name in self.earlier}

    def add(self, state: Mapping[str, Any]) -> None:
        """Add seconds of earlier processes."""
        total: dict[str, Any] = {}
        for name, before in self.earlier.items():
            more = state.get(name)
            total[name] = None if before is None or more is None else before + more
        self.earlier = total


class CostsCallback(keras.callbacks.Callback):
    """Counts the costs of a training that checkpoints continue."""

    def __init__(self) -> None:
        super().__init__()
        self.costs = TrainingCosts()

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the costs so far."""
        return self.costs.state

    def restore_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Count on."""
        self.costs.restore(state)


def costs_of(callbacks: Any) -> list[TrainingCosts]:
    """Return the costs that callbacks count, as `fit` is given them."""
    every = [] if callbacks is None else keras.tree.flatten(callbacks)
    found = (getattr(callback, "costs", None) for callback in every)
    return [costs for costs in found if isinstance(costs, TrainingCosts)]
