"""Everything that has to pass, from one command: `python -m tests.all`.

Lint, types, docs, and the tests once per installed backend, in processes of their own, two of these
jobs at a time. With arguments, only the tests, and the arguments go to pytest:
`python -m tests.all -k lstm`.

`python -m tests.all --deep` adds the tests marked `deep`, which take long, and more examples of
others.

`python -m tests.all --quick` is for between two edits: lint, types, and the tests of data, layers,
models and tasks on one backend, without those that start other processes, read real data or train
for long.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rnnkit.backend.select import installed

Job = Callable[[], bool]
ROOT = Path(__file__).resolve().parents[1]
PYTEST = [
    # Two processes of one thread each: the small steps of tests gain nothing from more.
    # One that is done takes tests from the other: the slow ones stand in one folder.
    *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "--durations=5"),
]
QUICK = ("backend", "data", "embeddings", "hmm", "recipes", "recurrent", "tasks")
# Whole trainings, and trainings that are stopped and go on: a third of the time.
LONG = ("recipes/test_plain_sentences.py", "tasks/test_resuming.py")


def run(title: str, command: list[str], **environment: str) -> bool:
    """Run a command in the repository and say how it ended; its title stands before its lines."""
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        # Without compiled modules every process would compile all that it imports: seconds each.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(f"{title}: {line}", end="", flush=True)
    ended = f"failed ({process.returncode})" if process.returncode else "ok"
    print(f"=== {title}: {ended}, {time.perf_counter() - start:.0f} s", flush=True)
    return not process.returncode


def side_by_side(*jobs: Job) -> bool:
    """Run jobs, two at a time in the order given; whether all of them passed.

    What has started shares the cores with what ends: no core waits for the last test of a backend.
    """
    with ThreadPoolExecutor(2) as pool:
        return all(list(pool.map(lambda job: job(), jobs)))


def lint() -> bool:
    """Look for mistakes and for lines that are formatted otherwise."""
    ruff = [sys.executable, "-m", "ruff"]
    return run("lint", [*ruff, "check", "."]) & run("format", [*ruff, "format", "--check", "."])


def types() -> bool:
    """Check the types."""
    return run("types", [sys.executable, "-m", "mypy"])


def docs() -> bool:
    """Build the documentation, with warnings as errors."""
    with tempfile.TemporaryDirectory() as built:
        sphinx = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "docs", built]
        return run("docs", sphinx)


def tests(backend: str, *arguments: str) -> Job:
    """Return the job of running tests on a backend, with everything set that they need."""
    return functools.partial(
        run,
        f"tests on {backend}",
        [*PYTEST, *arguments],
        KERAS_BACKEND=backend,
        OMP_NUM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="2",
    )


def quick() -> bool:
    """Lint, types, and the tests that most edits break, on the backend that starts fastest."""
    few = ["-m", "not data", "--one-process", *(f"tests/{name}" for name in QUICK)]
    few += [f"--ignore=tests/{name}" for name in LONG]
    return lint() & side_by_side(tests(backends()[0], *few), types)


def everything(*arguments: str) -> bool:
    """Lint, types, docs, and all tests on every backend; with arguments the tests alone."""
    first, *others = [tests(name, *arguments) for name in backends()]
    if arguments:
        return side_by_side(first, *others)
    return lint() & side_by_side(first, types, docs, *others)


def backends() -> list[str]:
    """Return the installed backends; PyTorch, which has most of the tests, comes first."""
    return sorted(installed(), key=lambda name: name != "torch")


def main() -> int:
    """Run what is asked for; the exit status is 0 when all of it passed."""
    arguments = sys.argv[1:]
    if arguments == ["--quick"]:
        return 0 if quick() else 1
    if "--deep" in arguments:
        arguments.remove("--deep")
        os.environ["RNNKIT_DEEP"] = "1"
    return 0 if everything(*arguments) else 1


if __name__ == "__main__":
    raise SystemExit(main())
