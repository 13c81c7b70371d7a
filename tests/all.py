"""Everything that has to pass, from one command: `python -m tests.all`.

Lint, types, docs, and the tests once per installed backend, a process each. With arguments, only
the tests, and the arguments go to pytest: `python -m tests.all -k lstm`.

`python -m tests.all --quick` is for between two edits: lint, types, and the tests of data, layers,
models and tasks on one backend, without those that start other processes, read real data or train
for long.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rnnkit.backend.select import installed

ROOT = Path(__file__).resolve().parents[1]
PYTEST = [
    # Two processes of one thread each: the small steps of tests gain nothing from more.
    # One that is done takes tests from the other: the slow ones stand in one folder.
    *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "--durations=5"),
]
QUICK = ("backend", "data", "embeddings", "hmm", "recipes", "recurrent", "tasks")
# Whole trainings, and trainings that are stopped and go on: a third of the time.
LONG = ("recipes/test_plain_sentences.py", "tasks/test_resuming.py")


def run(title: str, *commands: list[str], **environment: str) -> bool:
    """Run commands side by side in the repository and say how they ended."""
    print(f"\n=== {title}", flush=True)
    start = time.perf_counter()
    running = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
        for command in commands
    ]
    failed = [code for code in [process.wait() for process in running] if code]
    print(
        f"=== {title}: {f'failed ({failed[0]})' if failed else 'ok'}, "
        f"{time.perf_counter() - start:.0f} s",
        flush=True,
    )
    return not failed


def lint() -> bool:
    """Look for mistakes and for lines that are formatted otherwise."""
    ruff = [sys.executable, "-m", "ruff"]
    return run("lint", [*ruff, "check", "."], [*ruff, "format", "--check", "."])


def tests(title: str, backend: str, *commands: list[str]) -> bool:
    """Run commands side by side with everything set that the tests on a backend need."""
    return run(
        title,
        *commands,
        KERAS_BACKEND=backend,
        OMP_NUM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="2",
        # Every process would compile all modules and rewrite all tests anew: seconds each.
        PYTHONDONTWRITEBYTECODE="",
    )


def quick() -> bool:
    """Lint, types, and the tests that most edits break, on the backend that starts fastest."""
    backend = "torch" if "torch" in installed() else installed()[0]
    few = [*PYTEST, "-m", "not data", "--one-process", *(f"tests/{name}" for name in QUICK)]
    few += [f"--ignore=tests/{name}" for name in LONG]
    title = f"types and quick tests on {backend}"
    return lint() & tests(title, backend, [sys.executable, "-m", "mypy"], few)


def everything() -> bool:
    """Lint, types, docs, and all tests on every backend."""
    passed = lint()
    with tempfile.TemporaryDirectory() as built:
        docs = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "docs", built]
        passed &= run("types and docs", [sys.executable, "-m", "mypy"], docs)
    return passed & every_backend()


def every_backend(*arguments: str) -> bool:
    """Run the tests on every installed backend."""
    passed = [tests(f"tests on {name}", name, [*PYTEST, *arguments]) for name in installed()]
    return all(passed)


def main() -> int:
    """Run what is asked for; the exit status is 0 when all of it passed."""
    arguments = sys.argv[1:]
    if arguments == ["--quick"]:
        return 0 if quick() else 1
    return 0 if (every_backend(*arguments) if arguments else everything()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
