"""Training of the runs of a study in processes of their own, which tells their peak memory.

A process takes part in the study as any other one does (`rnnkit.study.sharing`), trains the one
run, and writes to a file what was refused.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit import recipes
from rnnkit.errors import DiskError, InputError, check_count
from rnnkit.study.plan import Plan, plan_of
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import RunFolder, write_json
from rnnkit.study.sharing import SharedStudy

_COMMAND = "import sys; from rnnkit.study.workers import main; sys.exit(main(sys.argv[1:]))"
_POLL = 0.2  # seconds between two looks at the processes
_REFUSED = {"InputError": InputError, "DiskError": DiskError}


class _Worker(NamedTuple):
    """A process and the run that it trains."""

    name: str
    process: subprocess.Popen[bytes]
    refused: Path  # the file that it writes when something is refused


def train_apart(
    shared: SharedStudy,
    plans: Mapping[str, Plan],
    processes: int,
    verbose: int | str,
    announce: Callable[[str], None],
) -> None:
    """Train each run that is not complete in a process of its own.

    Args:
        shared: the study; its record holds the plans.
        plans: of the runs, by name.
        processes: how many at a time; with more than one, only the end of each is reported.
        verbose: as in Keras.
        announce: called with a line for each run that begins.

    Raises:
        InputError: as the process of a run raised it.
        DiskError: likewise.
        RuntimeError: a process ended in another way before its run was complete.
    """
    check_count("processes", processes)
    left = [name for name in plans if not RunFolder(shared.path / name).complete]
    shown = verbose if processes == 1 else 0
    running: list[_Worker] = []
    with tempfile.TemporaryDirectory(prefix="rnnkit-") as folder:
        try:
            while left or running:
                while left and len(running) < processes:
                    name = left.pop(0)
                    announce(f"[{list(plans).index(name) + 1}/{len(plans)}] {name}")
                    running.append(_start(shared.path, name, shown, Path(folder) / f"{name}.json"))
                time.sleep(_POLL)
                for worker in [one for one in running if one.process.poll() is not None]:
                    running.remove(worker)
                    _check(worker)
        finally:
            _end(running)


def _start(study: Path, name: str, verbose: int | str, refused: Path) -> _Worker:
    arguments: Sequence[Any] = (study, name, refused, verbose)
    command = [sys.executable, "-c", _COMMAND, *map(str, arguments)]
    return _Worker(name, subprocess.Popen(command), refused)


def _check(worker: _Worker) -> None:
    """Raise what ended the process of a run before it was complete."""
    status = worker.process.returncode
    if status == 0:
        return
    if worker.refused.is_file():
        found = read_json(worker.refused)
        raise _REFUSED[found["kind"]](found["message"])
    if status in (130, -2):  # Ctrl-C, which all processes of a terminal get
        raise KeyboardInterrupt
    ended = f"signal {-status}" if status < 0 else f"status {status}"
    raise RuntimeError(
        f"The process that trained {worker.name} ended with {ended}. Complete runs are kept: the "
        "same command goes on. (Signal 9 mostly means that the memory was used up; give fewer "
        "processes.)"
    )


def _end(running: Sequence[_Worker]) -> None:
    """Ask the processes to end after the step under way, and wait for them."""
    for worker in running:
        with contextlib.suppress(OSError):
            worker.process.terminate()
    for worker in running:
        worker.process.wait()


def train_one(study: Path, name: str, verbose: int | str) -> None:
    """Train a run of a study whose record holds its plan."""
    plan = plan_of(read_json(study / "study.json")[name])
    dataset = plan.data.load(recipes.kind_of(plan.recipe))
    with SharedStudy.join(study) as shared:
        shared.train({name: plan}, dataset, verbose, lambda line: None)


def main(arguments: Sequence[str]) -> int:
    """Train the run that the arguments name; return the status of the process."""
    study, name, refused, verbose = arguments
    try:
        train_one(Path(study), name, int(verbose) if verbose.isdecimal() else verbose)
    except (InputError, DiskError) as error:
        kind = next(kind for kind, one in _REFUSED.items() if isinstance(error, one))
        write_json(Path(refused), {"kind": kind, "message": str(error)})
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
