"""The loop over jobs: so many at a time, those that died again, a bounded number of times."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from rnnkit.errors import StudyError, check_count
from rnnkit.progress import Lines, asked_for
from rnnkit.study.engines.jobs import Engine, Handle, Job, error_of

RETRIES = 2  # of a job whose process died
POLL = 0.2  # seconds between two looks at the processes


def run_jobs(
    jobs: Sequence[Job],
    engine: Engine,
    announce: Callable[[str], None],
    workers: int | None = None,
    retries: int = RETRIES,
    watch: Callable[[], None] = lambda: None,
) -> None:
    """Do jobs in processes of their own.

    A job whose process died (killed, out of memory, a machine that went away, pre-empted) is done
    again: what it trains goes on from its last checkpoint. Where that happened `retries` times, the
    others are done nevertheless, and an error tells at the end.

    Args:
        jobs: with names of their own.
        engine: starts the processes.
        announce: called with a line for each job that begins, and for each that died.
        workers: how many jobs at a time, at most; None = as many as the engine takes.
        retries: how many times a job is done again.
        watch: called at each look at the processes.

    Raises:
        InputError: a job refused its arguments; the others are stopped.
        DiskError: a file could not be written.
        StudyError: the process of a job died time and again.
        KeyboardInterrupt: Ctrl-C ended a process.
    """
    if workers is not None:
        check_count("workers", workers)
    most = workers or engine.most or len(jobs)
    left, died, lost = deque(jobs), Counter[str](), list[str]()
    running: dict[str, tuple[Job, Handle]] = {}
    lines = Lines() if asked_for() else None
    place = {job.name: f"[{number + 1}/{len(jobs)}] {job.name}" for number, job in enumerate(jobs)}
    try:
        while left or running:
            while left and len(running) < most:
                job = left.popleft()
                announce(place[job.name])
                running[job.name] = job, engine.start(job)
            time.sleep(POLL)
            watch()
            for job in _ended(running, died, announce, retries, lost):
                left.append(job)
            if lines is not None and lines.due() and running:
                done = len(jobs) - len(left) - len(running) - len(lost)
                lines.print(
                    f"{done} of {len(jobs)} done, {len(running)} handed over, {lines.seconds:.0f} s"
                )
    finally:
        for _, handle in running.values():
            handle.stop()
        engine.close()
    if lost:
        raise StudyError(
            f"{'; '.join(lost)}. Whatever was trained is kept: the same command goes on. (Signal 9 "
            "mostly means that the memory was used up; give fewer --workers, or more memory.)"
        )


def _ended(
    running: dict[str, tuple[Job, Handle]],
    died: Counter[str],
    announce: Callable[[str], None],
    retries: int,
    lost: list[str],
) -> list[Job]:
    """Take the jobs that ended from those that run; return those that have to be done again."""
    again = []
    for name, (job, handle) in list(running.items()):
        outcome = handle.outcome()
        if outcome is None:
            continue
        del running[name]
        if outcome.interrupted:
            raise KeyboardInterrupt
        if outcome.told:
            raise error_of(outcome.told)
        if outcome.died:
            died[name] += 1
            if died[name] > retries:
                lost.append(f"{name} ended {died[name]} times before it was done: {outcome.died}")
            else:
                announce(f"{name}: {outcome.died}; again, {died[name]} of {retries}")
                again.append(job)
    return again
