"""A job: a function of rnnkit and its arguments, called in a process of its own, somewhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from rnnkit.errors import DiskError, InputError, StudyError

_TOLD: dict[str, type[Exception]] = {
    "InputError": InputError,
    "DiskError": DiskError,
    "StudyError": StudyError,
}


class Job(NamedTuple):
    """What a process does.

    Attributes:
        name: of the run that it trains, or of the worker.
        target: ``"module:function"``, a function of rnnkit.
        arguments: of the function: JSON values.
    """

    name: str
    target: str
    arguments: Mapping[str, Any]


class Outcome(NamedTuple):
    """How the process of a job ended.

    Attributes:
        died: why it ended before the job was done; "" = it was not that.
        told: the error that the function raised on purpose, see `error_of`; empty = none.
        interrupted: whether Ctrl-C ended it.
    """

    died: str = ""
    told: Mapping[str, str] = {}
    interrupted: bool = False


class Handle(Protocol):
    """A process that does a job."""

    def outcome(self) -> Outcome | None:
        """Return how it ended; None while it runs or waits to be started."""

    def stop(self) -> None:
        """Ask it to end after the step under way; wait for it."""


class Engine(Protocol):
    """What starts processes: on this machine, on a cluster.

    Attributes:
        most: how many jobs are handed over at a time where nobody says; None = all of them.
    """

    most: int | None

    def start(self, job: Job) -> Handle:
        """Start the process of a job, or put it into the cluster's queue."""

    def close(self) -> None:
        """Let go of the cluster."""


def perform(job: Job) -> dict[str, str]:
    """Call the function of a job; return what it refused as JSON values, see `error_of`.

    Example:
        >>> perform(Job("one", "rnnkit.errors:check_count", {"name": "seeds", "value": 0}))["kind"]
        'InputError'
    """
    module, _, function = job.target.partition(":")
    try:
        getattr(importlib.import_module(module), function)(**job.arguments)
    except tuple(_TOLD.values()) as error:
        kind = next(name for name, known in _TOLD.items() if isinstance(error, known))
        return {"kind": kind, "message": str(error)}
    return {}


def error_of(told: Mapping[str, str]) -> Exception:
    """Return the error that `perform` returned as JSON values.

    Example:
        >>> error_of({"kind": "InputError", "message": "seeds is 0"})
        InputError('seeds is 0')
    """
    return _TOLD[told["kind"]](told["message"])
