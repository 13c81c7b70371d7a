"""The engine `processes`: processes of this machine."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rnnkit.study.engines.jobs import Job, Outcome, perform
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import write_json

_COMMAND = (
    "import sys; from rnnkit.study.engines.processes import main; sys.exit(main(sys.argv[1:]))"
)
_INTERRUPTED = (130, -2)  # Ctrl-C, which all processes of a terminal get


class Processes:
    """Starts a Python process for each job."""

    most: int | None = 1

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rnnkit-")

    def start(self, job: Job) -> LocalProcess:
        """Start the process of a job."""
        told = Path(self._folder.name) / f"{job.name}.json"
        told.unlink(missing_ok=True)
        command = [sys.executable, "-c", _COMMAND, json.dumps(job), str(told)]
        return LocalProcess(subprocess.Popen(command), told)

    def close(self) -> None:
        """Remove the files that processes leave for this one."""
        self._folder.cleanup()


class LocalProcess:
    """A process of this machine.

    Args:
        process: it.
        told: the file that it writes when it refuses something.
    """

    def __init__(self, process: subprocess.Popen[bytes], told: Path) -> None:
        self.process, self._told = process, told

    def outcome(self) -> Outcome | None:
        """Return how it ended; None while it runs."""
        status = self.process.poll()
        if status is None:
            return None
        if status == 0:
            return Outcome()
        if self._told.is_file():
            return Outcome(told=read_json(self._told))
        if status in _INTERRUPTED:
            return Outcome(interrupted=True)
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return Outcome(died=f"its process ended with {how}")

    def stop(self) -> None:
        """Ask it to end after the step under way; wait for it."""
        with contextlib.suppress(OSError):
            self.process.terminate()
        self.process.wait()


def main(arguments: Sequence[str]) -> int:
    """Do the job that the arguments hold; return the status of the process."""
    job, told = Job(*json.loads(arguments[0])), Path(arguments[1])
    try:
        if refused := perform(job):
            write_json(told, refused)
            return 2
    except KeyboardInterrupt:
        return 130
    return 0
