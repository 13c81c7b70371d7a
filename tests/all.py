"""Everything that has to pass, from one command: `python -m tests.all`.

Lint, types, docs, and the tests once per installed backend, a process each. With arguments, only
the tests, and the arguments go to pytest: `python -m tests.all -k lstm`.
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


def main() -> int:
    """Run everything; the exit status is 0 when all of it passed."""
    python, arguments = sys.executable, sys.argv[1:]
    passed = []
    if not arguments:
        passed.append(run("lint", [python, "-m", "ruff", "check", "."]))
        passed.append(run("format", [python, "-m", "ruff", "format", "--check", "."]))
        with tempfile.TemporaryDirectory() as built:
            docs = [python, "-m", "sphinx", "-W", "-q", "-b", "html", "docs", built]
            passed.append(run("types and docs", [python, "-m", "mypy"], docs))
    for backend in installed():
        passed.append(
            run(
                f"tests on {backend}",
                # Two processes of one thread each: the small steps of tests gain nothing from more.
                # One that is done takes tests from the other: the slow ones stand in one folder.
                [
                    *(python, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"),
                    *("--durations=5", *arguments),
                ],
                KERAS_BACKEND=backend,
                OMP_NUM_THREADS="1",
                TF_CPP_MIN_LOG_LEVEL="2",
            )
        )
    return 0 if all(passed) else 1


if __name__ == "__main__":
    raise SystemExit(main())
