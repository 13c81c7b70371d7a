"""Progress of what takes long: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])
FIRST = 5.0  # seconds until the first line: what is done sooner stays quiet
EVERY = 10.0  # seconds from one line to the next
_MOST_DONE = 0.95  # a line about what is done in a moment is noise

_asked: ContextVar[bool | None] = ContextVar("progress", default=None)


@contextlib.contextmanager
def showing(wanted: bool, again: bool = False) -> Iterator[None]:
    """Show progress while the block runs, or do not; a block around it decides before this one.

    Args:
        wanted: whether it is shown.
        again: decide anew, whatever a block around it says.

    Example:
        >>> with showing(False), Bar("Reading", 10) as bar:
        ...     bar.shows
        False
    """
    if _asked.get() is not None and not again:
        yield
        return
    token = _asked.set(wanted)
    try:
        yield
    finally:
        _asked.reset(token)


def follows_verbose(function: Function) -> Function:
    """Let a function show all progress unless its keyword `verbose` is 0; see `showing`.

    Example:
        >>> @follows_verbose
        ... def train(*, verbose=1):
        ...     return asked_for()
        >>> train(), train(verbose=0)
        (True, False)
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with showing(kwargs.get("verbose", "auto") != 0):
            return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def asked_for() -> bool:
    """Return whether a block around this asks for progress, as the command line does.

    Example:
        >>> with showing(True):
        ...     asked_for()
        True
    """
    return _asked.get() is True


def track(items: Iterable[T], description: str, total: int = 0) -> Iterator[T]:
    """Yield items, with their progress where it is asked for.

    Args:
        items: to go through.
        description: what is done with them.
        total: how many they are; their length when left out, if they have one.

    Example:
        >>> [item for item in track([1, 2], "Counting")]
        [1, 2]
    """
    if not asked_for():
        yield from items
        return
    if not total and isinstance(items, Sized):
        total = len(items)
    with Bar(description, total) as bar:
        for item in items:
            yield item
            bar.update(1)


class Bar:
    """A bar on standard error that vanishes when done; where that is no terminal, lines.

    It has the four methods that pooch asks of a progress bar (`total`, `update`, `reset`, `close`).

    Args:
        description: what is going on.
        total: how much there is to do; 0 if not known yet.
        unit: ``"bytes"`` shows sizes and speed.
    """

    def __init__(
        self, description: str, total: int = 0, unit: Literal["bytes", "share"] = "share"
    ) -> None:
        from rich import progress
        from rich.console import Console

        console = Console(stderr=True)
        columns: list[progress.ProgressColumn] = [
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
        ]
        if unit == "bytes":
            columns += [progress.DownloadColumn(), progress.TransferSpeedColumn()]
        columns.append(progress.TimeRemainingColumn())
        self.shows = _asked.get() is not False
        bar = self.shows and console.is_terminal
        self._lines = Lines() if self.shows and not bar else None
        self._progress = progress.Progress(
            *columns, console=console, transient=True, disable=not bar
        )
        self._task = self._progress.add_task(description, total=total or None)
        self._done = 0

    @property
    def total(self) -> int:
        """How much there is to do."""
        return int(self._progress.tasks[0].total or 0)

    @total.setter
    def total(self, total: int) -> None:
        self._progress.update(self._task, total=total or None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def update(self, amount: int) -> None:
        """Go on by this much."""
        self.advance_to(self._done + amount)

    def advance_to(self, done: int) -> None:
        """Go on to this point."""
        self._done = done
        self._progress.update(self._task, completed=done)
        if done < self.total * _MOST_DONE:
            self._line()

    def describe(self, description: str) -> None:
        """Say something else of what is going on."""
        self._progress.update(self._task, description=description)
        if not self.total:
            self._line()

    def reset(self) -> None:
        """Go back to the start."""
        self.advance_to(0)

    def close(self) -> None:
        """Take the bar off the screen."""
        if not self._progress.disable:  # rich < 13.8 would print an empty line
            self._progress.stop()

    def _line(self) -> None:
        if self._lines is not None and self._lines.due():
            what, total = self._progress.tasks[0].description, self.total
            share = f", {self._done / total:.0%}" if total else ""
            self._lines.print(f"{what}{share}, {self._lines.seconds:.0f} s")


class Lines:
    """When to print a line of progress: first after `first` seconds, then every `every` seconds.

    Args:
        first: seconds.
        every: seconds.

    Example:
        >>> lines = Lines(first=0.0)
        >>> lines.due()
        True
        >>> lines.print("40 of 125 steps", file=sys.stdout)
        rnnkit: 40 of 125 steps
        >>> lines.due()
        False
    """

    def __init__(self, first: float = FIRST, every: float = EVERY) -> None:
        self.began = time.monotonic()
        self._next, self._every = self.began + first, every

    @property
    def seconds(self) -> float:
        """The seconds since it was made."""
        return time.monotonic() - self.began

    def due(self) -> bool:
        """Return whether it is time for a line."""
        return time.monotonic() >= self._next

    def print(self, line: str, file: Any = None) -> None:
        """Print a line, and wait with the next one."""
        self._next = time.monotonic() + self._every
        # A reader who went away is no reason to stop the work.
        with contextlib.suppress(OSError, ValueError):
            print(f"rnnkit: {line}", file=file or sys.stderr, flush=True)
