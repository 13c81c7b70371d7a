"""Processes of one training on this machine: the same command, once for each device."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import IO

_POLL = 0.1  # seconds between two looks at the processes
_PATIENCE = 20.0  # seconds that the others have to end after the first one


def run_processes(command: Sequence[str], count: int) -> int:
    """Run a command in several processes that train together; return the first one's exit code.

    They find each other by the environment variables of `torchrun`. The first one shows what it
    does; what the others print is shown if one of them fails before it. A signal goes to the first,
    and the others end when it does.

    Args:
        command: a program with its arguments.
        count: the number of processes.

    Example:
        >>> run_processes([sys.executable, "-c", "import os; print(os.environ['RANK'])"], 2)
        ... # doctest: +SKIP
        0
        0
    """
    port, running = _free_port(), []
    with contextlib.ExitStack() as stack:
        logs = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count - 1)]
        try:
            for rank, log in enumerate([None, *logs]):
                running.append(_start(command, rank, count, port, log))
            stack.enter_context(_signals_to(running[0]))
            failed = _wait(running)
        finally:
            for one in running:
                if one.poll() is None:
                    one.kill()
                one.wait()
        if not failed:
            code = running[0].returncode
            return 128 - code if code < 0 else int(code)  # as a shell says it of a signal
        print(f"rnnkit: process {failed} of {count} failed:", file=sys.stderr)
        logs[failed - 1].seek(0)
        print(logs[failed - 1].read().decode(errors="replace"), file=sys.stderr)
        return 1


@contextlib.contextmanager
def _signals_to(first: subprocess.Popen[bytes]) -> Iterator[None]:
    """Hand signals on within the block; the processes are no part of the terminal's group."""

    def hand_on(number: int, frame: FrameType | None) -> None:
        del frame
        if first.poll() is None:
            first.send_signal(number)

    names = ("SIGINT", "SIGTERM", "SIGUSR1")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    old = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _start(
    command: Sequence[str], rank: int, count: int, port: int, log: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    """Start one of the processes; the output of all but the first goes to a file."""
    own = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    # As torchrun: else every process would take all cores for its own threads.
    threads = max(1, (os.cpu_count() or 1) // count)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, **own}
    return subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, start_new_session=True
    )


def _wait(running: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait for the first process; return the number of another that failed before it, or 0."""
    while running[0].poll() is None:
        for rank, one in enumerate(running):
            if rank and one.poll():
                time.sleep(1.0)  # it may have failed because the first one just did
                return rank if not running[0].poll() else 0
        time.sleep(_POLL)
    if running[0].returncode == 0:
        last = time.monotonic() + _PATIENCE
        while any(one.poll() is None for one in running) and time.monotonic() < last:
            time.sleep(_POLL)
    return 0


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def own_command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs rnnkit with arguments, in this Python.

    Example:
        >>> own_command(["info"])[1:]
        ['-m', 'rnnkit', 'info']
    """
    return [sys.executable, "-m", "rnnkit", *arguments]
