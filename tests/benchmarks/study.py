"""The study of recurrent networks: trains what docs/study.md compares, and writes its tables.

python -m tests.benchmarks.study --plan             # what is to be trained, and the hours
python -m tests.benchmarks.study --hours 3          # goes on where it was; begins what fits
python -m tests.benchmarks.study --only study_tuned study_textbook
python -m tests.benchmarks.study --collect          # tables and charts of the complete runs

Each training is a process of one thread, as many at a time as `--processes`; those with a budget of
time run beside each other, after all others. A killed study goes on with the same command: complete
runs stay, others are resumed. Runs are in `--out`, their results in recipes/results.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as where the other scripts of the folder are run

from study_pages import collect
from study_plan import QUICK, ROWS, Row, trainings

from rnnkit.study.commands import option

_PRINTING = threading.Lock()


def say(line: str) -> None:
    """Print a line at once, from any thread."""
    with _PRINTING:
        print(line, flush=True)


def command(row: Row, seed: int, folder: Path) -> list[str]:
    """Return the command that trains a run, or goes on with it.

    >>> from study_plan import QUICK
    >>> " ".join(command(QUICK[0], 1, Path("runs/a"))[3:])
    'train rnn_sentiment --data sample --seed 1 --out runs/a --quiet --preset classic'
    """
    words = [sys.executable, "-m", "rnnkit", "train"]
    if (folder / "settings.json").is_file():
        return [*words, "--resume", str(folder), "--quiet"]
    words += [row.recipe, "--data", row.data, "--seed", str(seed), "--out", str(folder), "--quiet"]
    for name, value in row.settings.items():
        words += option(name, value)
    for amount in row.budget:
        words += ["--budget", amount]
    return words


def train(row: Row, seed: int, folder: Path, threads: int) -> bool:
    """Train a run in a process of its own; return whether it is complete."""
    began = time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with (folder.parent / f"{folder.name}.log").open("a", encoding="utf-8") as log:
        done = subprocess.run(
            command(row, seed, folder), env=environment, stdout=log, stderr=log, check=False
        )
    minutes = (time.monotonic() - began) / 60
    how = "done" if done.returncode == 0 else f"failed ({done.returncode}), see {log.name}"
    say(f"{folder.name}: {how}, {minutes:.1f} minutes")
    return done.returncode == 0


def fitting(
    todo: Iterable[tuple[Row, int]], processes: int, hours: float | None
) -> list[tuple[Row, int]]:
    """Return the trainings that fit into the hours by the plan, in their order."""
    left = None if hours is None else 60 * hours * processes
    found = []
    for row, seed in todo:
        if left is not None:
            if row.minutes > left:
                continue
            left -= row.minutes
        found.append((row, seed))
    return found


def run(todo: list[tuple[Row, int]], out: Path, processes: int) -> list[str]:
    """Train the runs; return the names of those that failed."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    failed: list[str] = []

    def one(row: Row, seed: int) -> None:
        if not train(row, seed, out / row.folder(seed), threads):
            failed.append(row.folder(seed))

    for timed in (False, True):  # what is trained for a time has the same neighbours in each run
        with ThreadPoolExecutor(processes) as pool:
            jobs = [pool.submit(one, row, seed) for row, seed in todo if row.timed == timed]
            try:
                for job in jobs:
                    job.result()
            except BaseException:  # Ctrl-C ends the runs under way: begin no others
                pool.shutdown(cancel_futures=True)
                raise
    return failed


def main(words: list[str] | None = None) -> None:
    """Plan, train, collect."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/study"), help="folder of the runs")
    parser.add_argument("--only", nargs="+", metavar="TABLE", help="rows of these tables")
    parser.add_argument("--hours", type=float, help="begin what fits into them, by the plan")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 1)))
    parser.add_argument("--plan", action="store_true", help="print what is left, and end")
    parser.add_argument("--collect", action="store_true", help="write tables and charts only")
    parser.add_argument("--quick", action="store_true", help="a tiny study of the sample")
    parser.add_argument("--json", type=Path, help="another file than recipes/results.json")
    given = parser.parse_args(words)
    rows = QUICK if given.quick else ROWS
    if given.only:
        known = list(dict.fromkeys(row.table for row in rows))
        if unknown := [name for name in given.only if name not in known]:
            parser.error(f"--only {unknown[0]}: there are {', '.join(known)}")
        rows = tuple(row for row in rows if row.table in given.only)
    every = list(trainings(rows))
    left = [
        (row, seed)
        for row, seed in every
        if not (given.out / row.folder(seed) / "results.json").is_file()
    ]
    todo = fitting(left, given.processes, given.hours)
    minutes = sum(row.minutes for row, _ in todo)
    hours = minutes / 60 / given.processes
    say(f"{len(every)} runs, {len(left)} left, {len(todo)} now: about {hours:.1f} hours")
    if given.plan:
        for row, seed in todo:
            say(f"{row.minutes:5.0f} min  {row.folder(seed)}")
        return
    failed: list[str] = []
    if not given.collect:
        given.out.mkdir(parents=True, exist_ok=True)
        failed = run(todo, given.out, given.processes)
    collect(rows, given.out, given.json)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}. The same command tries them again.")


if __name__ == "__main__":
    main()
