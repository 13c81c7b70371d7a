"""Processes of tests that import nothing: forks of the test's own process."""

from __future__ import annotations

import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any


class Process:
    """A fork that runs a function; its exit status is 0 when the function returned."""

    def __init__(self, body: Callable[..., Any], *args: Any) -> None:
        with warnings.catch_warnings():  # of threads, which the child does without
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)  # of JAX
            self.pid = os.fork()
        if self.pid:
            return
        status = 1
        try:
            body(*args)
            status = 0
        except BaseException:  # noqa: BLE001 - the child ends here
            traceback.print_exc()
        finally:
            os._exit(status)

    def wait(self) -> int:
        """Return the exit status; of a killed one, minus the signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        """End it as `kill -9` does."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what a condition gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)
    return found
