"""Several processes at once: `python -m tests.processes [--tries 10] [--seed 0] [--out FILE]`.

Real trainings, on PyTorch, that share folders and caches, and are killed at random moments. Each
situation is tried several times; what came of it goes to `docs/reliability/processes.json`. It runs
outside CI, for some minutes. The processes are forks, so that none has to import PyTorch.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from forking import Process, until  # noqa: E402

from rnnkit import atomic, locks, study  # noqa: E402
from rnnkit.embeddings import train_word_vectors  # noqa: E402
from rnnkit.errors import InputError, InUseError  # noqa: E402
from rnnkit.study import compare, sharing, training  # noqa: E402

OUT = ROOT / "docs" / "reliability" / "processes.json"
RECIPES, SEEDS = ["rnn_sentiment", "gru_sentiment"], 2
RUNS = [f"{recipe}-seed{seed}" for recipe in RECIPES for seed in range(SEEDS)]
SMALL = {"units": 4, "embedding_size": 4}
WORDS = [[f"w{i % 7}", f"w{i % 11}", f"w{i % 13}"] * 30 for i in range(5_000)]
Situation = Callable[[Path, random.Random], str]
situations: list[tuple[str, str, Situation]] = []


def situation(name: str, expected: str) -> Callable[[Situation], Situation]:
    """Register what is tried, and what has to come of it."""

    def add(call: Situation) -> Situation:
        situations.append((name, expected, call))
        return call

    return add


# What the processes do.


def train(out: Path, epochs: int = 2) -> None:
    """Train one small run."""
    study.train(RECIPES[0], limit=60, settings=SMALL, epochs=epochs, out=out, verbose=0)


def share(out: Path, began: Path, epochs: int = 8, units: int = 4) -> None:
    """Take part in a study; write down which runs are begun."""
    for name in ("execute", "continue_run"):
        call = getattr(training, name)

        def noted(plan: Any, *rest: Any, call: Any = call, name: str = name) -> Any:
            with began.open("a") as file:
                file.write(f"{name} {os.getpid()} {plan.recipe}-seed{plan.seed}\n")
            return call(plan, *rest)

        setattr(sharing, name, noted)
    sharing.POLL = 0.05
    settings = SMALL | {"units": units, "epochs": epochs}
    compare(RECIPES, seeds=SEEDS, limit=60, settings=settings, out=out, baselines=False, verbose=0)


def vectors(cache: Path, log: Path) -> None:
    """Train word vectors into a cache, and keep what was said."""
    os.environ["RNNKIT_CACHE"] = str(cache)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = train_word_vectors(WORDS, vector_size=20, epochs=3, workers=1)
    told = [str(one.message) for one in caught if str(cache) in str(one.message)]
    record = [said.getvalue(), told, found.vectors.sum().item()]
    log.with_suffix(f".{os.getpid()}").write_text(json.dumps(record))


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def begun(path: Path, name: str) -> list[str]:
    """Return the processes that began a run, in order."""
    return [line for line in lines(path) if line.endswith(f" {name}")]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Hide what forks say on standard error, which is theirs, too."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


# The situations. Each returns what came of it.


@situation("`train --out X` while another process trains into X", "refused, names the holder")
def second_train(folder: Path, draw: random.Random) -> str:
    first = Process(train, folder / "x", 12)
    until((folder / "x" / "metrics.csv").exists)
    time.sleep(draw.random() * 0.2)
    try:
        train(folder / "x")
        return "trained twice into one folder"
    except InUseError as error:
        named = f"process {first.pid} on " in str(error)
    whole = first.wait() == 0 and study.open_run(folder / "x").results["epochs"] == 12
    return "refused, names the holder" if named and whole else f"named: {named}, whole: {whole}"


@situation("`train --out X` where a process that trained into X was killed", "refused, kept")
def after_a_kill(folder: Path, draw: random.Random) -> str:
    first = Process(train, folder / "x", 400)
    until((folder / "x" / "metrics.csv").exists)
    time.sleep(draw.random() * 0.2)
    first.kill()
    try:
        train(folder / "x")
        return "overwritten"
    except InUseError:
        return "a dead process holds the lock"
    except InputError:
        return "refused, kept" if (folder / "x" / "metrics.csv").exists() else "deleted"


@situation("a complete run is evaluated while its folder is locked", "evaluated")
def reader(folder: Path, draw: random.Random) -> str:
    train(folder / "x")

    def hold() -> None:
        with study.RunFolder(folder / "x").locked():
            (folder / "held").touch()
            until((folder / "done").exists)

    holder = Process(hold)
    until((folder / "held").exists)
    run = study.open_run(folder / "x")
    same = abs(study.evaluate(run)["loss"] - run.results["test"]["loss"]) < 1e-6
    (folder / "done").touch()
    holder.wait()
    return "evaluated" if same else "another result"


def whole(out: Path) -> bool:
    """Say whether a study is complete, and holds nothing else."""
    names = {path.name for path in out.iterdir()}
    expected = {*RUNS, "study.json", "report.md", "report.html", "learning_curves.png"}
    table = (out / "report.md").read_text()
    rows = all(f"| {recipe} | {SEEDS} |" in table for recipe in RECIPES)
    return names == expected and rows and all(study.open_run(out / name) for name in RUNS)


@situation("three processes on one study", "each run trained once, report whole")
def three(folder: Path, draw: random.Random) -> str:
    out, began = folder / "study", folder / "began"
    processes = []
    for _ in range(3):
        processes.append(Process(share, out, began, 3))
        time.sleep(draw.random() * 0.1)
    if any(process.wait() for process in processes):
        return "a process failed"
    times = [len(begun(began, name)) for name in RUNS]
    if times != [1] * len(RUNS):
        return f"runs were begun {times} times"
    return "each run trained once, report whole" if whole(out) else "not whole"


@situation("two processes on one study, one killed", "the other takes its run over")
def killed(folder: Path, draw: random.Random) -> str:
    out, began = folder / "study", folder / "began"
    first, second = (Process(share, out, began, 8) for _ in range(2))
    until(lambda: begun_by(began, first.pid))
    time.sleep(draw.random() * 2)
    first.kill()
    if second.wait():
        return "the other failed"
    times = {name: len(begun(began, name)) for name in RUNS}
    over = [name for name, tries in times.items() if tries != 1]
    of_first = begun_by(began, first.pid)
    right = all(times[name] == 2 and begun(began, name)[0] in of_first for name in over)
    if len(over) > 1 or not right:
        return f"runs were begun {times} times"
    return "the other takes its run over" if whole(out) else "not whole"


def begun_by(began: Path, pid: int) -> list[str]:
    return [line for line in lines(began) if line.split()[1] == str(pid)]


@situation("all processes of a study killed, started again", "complete runs kept, the rest trained")
def all_killed(folder: Path, draw: random.Random) -> str:
    out, began = folder / "study", folder / "began"
    processes = [Process(share, out, began, 8) for _ in range(2)]
    until(lambda: len(lines(began)) >= 2)
    time.sleep(draw.random() * 2)
    for process in processes:
        process.kill()
    kept = {
        name: (out / name / "results.json").stat().st_ino
        for name in RUNS
        if (out / name / "results.json").exists()
    }
    if Process(share, out, began, 8).wait():
        return "failed"
    same = all((out / name / "results.json").stat().st_ino == inode for name, inode in kept.items())
    return "complete runs kept, the rest trained" if same and whole(out) else "not whole"


@situation("a second process with other settings for the same runs", "refused, nothing changed")
def other_settings(folder: Path, draw: random.Random) -> str:
    out, began = folder / "study", folder / "began"
    first = Process(share, out, began, 8)
    until(lambda: lines(began))
    time.sleep(draw.random() * 0.5)
    with quietly():
        status = Process(share, out, folder / "other", 8, 8).wait()
    if status == 0 or lines(folder / "other"):
        return "mixed"
    return "refused, nothing changed" if first.wait() == 0 and whole(out) else "the first failed"


@situation("three processes need the same word vectors", "trained once, equal, the others waited")
def same_vectors(folder: Path, draw: random.Random) -> str:
    cache, log = folder / "cache", folder / "log"
    processes = [Process(vectors, cache, log) for _ in range(3)]
    if any(process.wait() for process in processes):
        return "a process failed"
    said = [json.loads(path.read_text()) for path in folder.glob("log.*")]
    waited = sum("waiting for the word vectors" in text for text, _, _ in said)
    sums = {total for *_, total in said}
    left = [path.name for path in (cache / "vectors").iterdir() if path.suffix != ".kv"]
    if len(sums) > 1 or any(caught for _, caught, _ in said) or left:
        return f"{len(sums)} results, {said} said, {left} left"
    return "trained once, equal, the others waited" if waited == 2 else f"{waited} waited"


@situation("a process that builds word vectors is killed", "another builds them, nothing is left")
def killed_builder(folder: Path, draw: random.Random) -> str:
    cache, log = folder / "cache", folder / "log"
    first = Process(vectors, cache, log)
    until(lambda: list(cache.rglob("*.lock")))
    second = Process(vectors, cache, log)
    time.sleep(draw.random() * 0.3)
    first.kill()
    if second.wait():
        return "failed"
    left = [path.name for path in (cache / "vectors").iterdir() if path.suffix != ".kv"]
    return "another builds them, nothing is left" if not left else f"{left} left"


@situation("a process is killed while it writes a file", "old or new, leftovers removed")
def killed_writer(folder: Path, draw: random.Random) -> str:
    target, size = folder / "x" / "file.json", 200_000

    def write() -> None:
        for number in range(10_000):
            with atomic.replacing(target) as temporary:
                temporary.write_text(json.dumps([number] * size))

    process = Process(write)
    until(target.exists)
    time.sleep(draw.random() * 0.3)
    process.kill()
    if len(set(json.loads(target.read_text()))) != 1:
        return "a mixture"
    atomic._swept.clear()  # as in a new process
    atomic.remove_leftovers(target.parent)
    left = [path.name for path in target.parent.iterdir()]
    return "old or new, leftovers removed" if left == ["file.json"] else f"{left} left"


@situation("four processes count under one lock, 100 times each", "400")
def counting(folder: Path, draw: random.Random) -> str:
    number = folder / "number"
    number.write_text("0")

    def count() -> None:
        locks._POLL = 0.001
        for _ in range(100):
            with locks.locked(folder / ".lock", "the number"):
                found = int(number.read_text())
                number.write_text("")
                number.write_text(str(found + 1))

    with quietly():
        processes = [Process(count) for _ in range(4)]
        for process in processes:
            process.wait()
    return number.read_text()


@situation("a folder that cannot be locked", "one line says so, trained")
def no_locks(folder: Path, draw: random.Random) -> str:
    import filelock

    said, acquire = io.StringIO(), filelock.FileLock.acquire

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(38, "Function not implemented")

    filelock.FileLock.acquire = refuse
    try:
        with contextlib.redirect_stderr(said):
            train(folder / "x")
    finally:
        filelock.FileLock.acquire = acquire
    found = [line for line in said.getvalue().splitlines() if "cannot be locked" in line]
    trained = study.open_run(folder / "x").results["epochs"] == 2
    return "one line says so, trained" if len(found) == 1 and trained else f"{len(found)} lines"


def main() -> None:
    """Try each situation, and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(Path(folder) / "x")  # imports what all processes need, which are forks of this one
    draw, begin, rows = random.Random(asked.seed), time.time(), []
    for name, expected, call in situations:
        outcomes = []
        for _ in range(asked.tries):
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcomes.append(call(Path(folder), draw))
        right = outcomes.count(expected)
        others = sorted({outcome for outcome in outcomes if outcome != expected})
        rows.append({"situation": name, "outcome": expected, "tries": len(outcomes)})
        rows[-1] |= {"right": right, "others": others}
        print(f"{right}/{len(outcomes)} {name}: {expected} {others or ''}", flush=True)
        command = f"python -m tests.processes --tries {asked.tries} --seed {asked.seed}"
        record = {"command": command, "seconds": round(time.time() - begin), "rows": rows}
        asked.out.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(any(row["right"] < row["tries"] for row in rows))


if __name__ == "__main__":
    main()
