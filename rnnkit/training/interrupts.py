"""Signals that end a training: Ctrl-C, SIGTERM, SIGUSR1, heard at the end of a step."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

# Slurm sends SIGUSR1 before it takes a machine away, where it is asked to. Windows has no SIGUSR1.
NAMES = [name for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]


class Interrupt:
    """The signal that arrived while a training ran, if one did.

    Attributes:
        signal: its number; None = none arrived.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    def receive(self, number: int, frame: FrameType | None = None) -> None:
        """Note a signal; end the process at the second one."""
        del frame
        if self.signal is not None:
            _end_at_once(number)
        self.signal = number
        # Straight to the descriptor: the signal may have come in the middle of another print.
        with contextlib.suppress(OSError):
            os.write(2, _FIRST.format(name=signal.Signals(number).name).encode())

    def end(self) -> NoReturn:
        """Raise what ends the process with the status of the signal: 130, 143 or 138.

        Raises:
            KeyboardInterrupt: after SIGINT.
            SystemExit: after another one.
        """
        assert self.signal is not None
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.signal)


_FIRST = (
    "\nrnnkit: {name}: training ends after this step (after an epoch's validation, where that "
    "runs). Once more ends it at once.\n"
)


@contextlib.contextmanager
def deferred_signals() -> Iterator[Interrupt]:
    """Note signals inside the block, in place of an exception in the middle of a step.

    An exception in the middle of a step leaves the variables of a model half changed, and on JAX
    the process may crash. A signal that the program ignores, or handles itself, is left alone; so
    are all of them in a thread that is not the main one, where Python allows no handlers.

    Example:
        >>> with deferred_signals() as interrupt:
        ...     interrupt.signal is None
        True
    """
    interrupt, old = Interrupt(), {}
    if threading.current_thread() is threading.main_thread():
        for name in NAMES:
            number = getattr(signal, name)
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                old[number] = signal.signal(number, interrupt.receive)
    try:
        yield interrupt
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _end_at_once(number: int) -> Any:
    """End the process; in a notebook or a prompt, which would be lost with it, only the call."""
    if hasattr(sys, "ps1") or "ipykernel" in sys.modules:
        raise KeyboardInterrupt
    os._exit(128 + number)
