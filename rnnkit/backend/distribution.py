"""One training over several devices: what its backends have in common.

A *replica* is the part of a training that computes on one device: it has all weights and some rows
of each batch. With n replicas, of which replica r finds the mean loss `L_r` of the `c_r` steps (or
examples) that count in its rows, the loss and its gradient are those of the whole batch:

    L = Σ_r c_r L_r / Σ_r c_r        ∂L/∂W = Σ_r c_r ∂L_r/∂W / Σ_r c_r

so that rows of different lengths and weights do not count more or less for where they are computed.
Penalties, the same on every replica, are counted once by the same sum.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from rnnkit.errors import InputError

CPU_DEVICES = "RNNKIT_CPU_DEVICES"  # how many devices the processor is shown as


class Rows(NamedTuple):
    """The rows of a batch that a replica computes: from `start` to before `end`, of `total`."""

    start: int
    end: int
    total: int


def rows_of(replica: int, size: int, total: int) -> Rows:
    """Return the rows of one of `size` replicas, as equal as they can be.

    Example:
        >>> [rows_of(replica, 3, 8)[:2] for replica in range(3)]
        [(0, 2), (2, 5), (5, 8)]
    """
    return Rows(replica * total // size, (replica + 1) * total // size, total)


def cpu_devices() -> int | None:
    """Return how many devices the processor is to be shown as; None where nothing says so.

    Raises:
        InputError: `RNNKIT_CPU_DEVICES` is no whole number above 0.
    """
    given = os.environ.get(CPU_DEVICES)
    if not given:
        return None
    if not given.isdecimal() or int(given) < 1:
        raise InputError(f"{CPU_DEVICES} is {given!r}; expected a whole number above 0.")
    return int(given)


def check_available(wanted: int, found: Sequence[Any], kind: str, advice: str) -> None:
    """Refuse more devices than there are.

    Args:
        wanted: their number.
        found: those that there are.
        kind: their type, "gpu" or "cpu".
        advice: how to get more, for a try.

    Raises:
        InputError: it says how many there are.
    """
    if wanted > len(found):
        name = "GPU" if kind == "gpu" else "CPU device"
        raise InputError(
            f"devices is {wanted}, and there {'is' if len(found) == 1 else 'are'} {len(found)} "
            f"{name}{'' if len(found) == 1 else 's'}. Give devices={len(found)} or less. {advice}"
        )


# JAX and TensorFlow train in one process; PyTorch has functions of its own.


def started_devices() -> int | None:
    """Return the number of processes that train together: None, there is one."""
    return None


def needs_processes(devices: int) -> bool:
    """Return whether a training needs a process for each device: False."""
    del devices
    return False


class OneProcess:
    """The replicas of a training on the devices of one process; JAX and TensorFlow have them.

    Args:
        size: the number of replicas.
    """

    apart = False  # whether each replica is a process
    splits_steps = False  # whether `train_step` takes the place of Keras's
    first, rank = True, 0

    def __init__(self, size: int) -> None:
        self.size = size

    def full_size(self, rows: int) -> int:
        """Return the number of rows up to which batches are filled: a multiple of the devices.

        Example:
            >>> OneProcess(2).full_size(5)
            6
        """
        return -(-rows // self.size) * self.size

    def place(self, task: Any) -> None:
        """Get the variables of a task ready for a step; called before Keras compiles one."""

    def own_rows(self, tensor: Any) -> Any:
        """Return a tensor as it is: states of all rows are at hand."""
        return tensor

    def assign_rows(self, variable: Any, rows: Any) -> None:
        """Set a variable of states to those of all rows."""
        variable.assign(rows)

    def shared(self, value: Any) -> Any:
        """Return a value as it is: there is one process."""
        return value

    def same_variables(self, variables: Sequence[Any]) -> None:
        """Leave the variables as they are: there is one of each."""


def alone(name: str) -> None:
    """Refuse several processes, which only PyTorch trains in.

    Args:
        name: of the framework.

    Raises:
        InputError: there are several.
    """
    started = os.environ.get("WORLD_SIZE", "1")
    if started != "1":
        raise InputError(
            f"devices was given in one of {started} processes (WORLD_SIZE), and on {name} rnnkit "
            "trains on the devices of one machine, in one process. Start the process alone, or set "
            "KERAS_BACKEND=torch."
        )
