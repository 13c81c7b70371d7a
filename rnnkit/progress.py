"""A progress bar on a terminal, silence elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Literal


class Bar:
    """A rich progress bar on standard error that vanishes when done.

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
        self._progress = progress.Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
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

    def describe(self, description: str) -> None:
        """Say something else of what is going on."""
        self._progress.update(self._task, description=description)

    def reset(self) -> None:
        """Go back to the start."""
        self.advance_to(0)

    def close(self) -> None:
        """Take the bar off the screen."""
        self._progress.stop()
