"""Disks that are really full, stage by stage: `python -m tests.full_disk` (Linux, as root).

Each stage mounts a small file system in memory, fills it when the stage is reached, and looks at
what is left. Then space is made, and the run goes on. The outcomes go to
docs/reliability/full_disk.json.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

from failing_writes import check_whole

from rnnkit import study, tasks
from rnnkit.embeddings import train_word_vectors
from rnnkit.errors import InputError
from rnnkit.study import training
from rnnkit.study.keeping import kept_files
from rnnkit.study.run_folder import RunFolder

RECORD = Path(__file__).resolve().parents[1] / "docs" / "reliability" / "full_disk.json"
RECIPE = "bag_of_words_sentiment"
NAMED = {"path": "Cannot write", "need": " needs ", "free": " free"}
SETTINGS = {"ngrams": 1, "epochs": 2, "batch_size": 16}


class Disk:
    """A file system of its own in memory, and the ways to stop writes to it."""

    def __init__(self, path: Path, options: str = "size=2m") -> None:
        self.path, self._protected = path, False
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.path / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def use_up_names(self) -> None:
        with contextlib.suppress(OSError):
            for number in range(10_000):
                (self.path / f"filler-{number}").touch()

    def protect(self) -> None:
        """Put a read-only view of the disk over it: files that are open stay as they are."""
        self._protected = True
        subprocess.run(["mount", "--bind", str(self.path), str(self.path)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(self.path)], check=True)

    def free(self) -> None:
        if self._protected:
            subprocess.run(["umount", "-l", str(self.path)], check=True)
            self._protected = False
        for filler in self.path.glob("filler*"):
            filler.unlink()

    def unmount(self) -> None:
        if self._protected:
            subprocess.run(["umount", "-l", str(self.path)], check=True)
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@contextlib.contextmanager
def before(target: Any, name: str, stop: Callable[[], None]) -> Iterator[None]:
    """Stop all writes when a function is called first."""
    plain, called = getattr(target, name), []

    def call(*args: Any, **options: Any) -> Any:
        if not called:
            called.append(stop())
        return plain(*args, **options)

    with mock.patch.object(target, name, call):
        yield


def train(out: Path) -> Any:
    return study.train(RECIPE, "sample", settings=SETTINGS, limit=16, out=out, verbose=0)


def go_on(out: Path) -> str:
    """Go on with a run after there is space again."""
    if not out.exists():
        train(out)
        return "trained anew"
    if not hasattr(study, "resume"):
        return ""
    study.resume(out, verbose=0)
    return "resumed"


def run_stage(stop: str, target: Any, name: str, options: str = "size=2m") -> dict[str, Any]:
    """Train until the stage, with a disk that stops there; return the outcome."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "disk", options)
        try:
            out = disk.path / "run"
            outcome = attempt(lambda: train(out), before(target, name, getattr(disk, stop)))
            if out.exists():
                check_whole(out)
                kept = kept_files(RunFolder(out))
                elsewhere = re.search(r"saved to (\S+): move", outcome["message"])
                if kept == ["model.keras"] or elsewhere:
                    tasks.load(elsewhere[1] if elsewhere else out / "model.keras")
                if elsewhere:
                    kept.append("the model, on another disk")
                    shutil.rmtree(Path(elsewhere[1]).parent)
                outcome["kept"] = ", ".join(kept)
            else:
                outcome["kept"] = "nothing was learned"
            disk.free()
            outcome["then"] = "" if outcome["error"] == "" else go_on(out)
            return outcome
        finally:
            disk.unmount()


def attempt(run: Callable[[], Any], stopped: Any = None) -> dict[str, Any]:
    """Return what a call ended with, and whether its message names what it should."""
    with warnings.catch_warnings(record=True) as caught, stopped or contextlib.nullcontext():
        warnings.simplefilter("always")
        error: Exception | None = None
        try:
            run()
        except (OSError, InputError) as found:
            error = found
    told = [str(one.message) for one in caught if str(one.message).startswith("rnnkit:")]
    message = str(error) if error is not None else " ".join(told)
    message = re.sub(r"/\S*?/(?=disk/|run/)", "", message)  # the folder is another each time
    return {
        "error": "" if error is None else type(error).__name__,
        "warnings": len(told),
        "message": message,
        "names": [name for name, part in NAMED.items() if part in message],
    }


def of_events() -> dict[str, Any]:
    """Train with a full disk under TensorBoard's folder alone."""
    with tempfile.TemporaryDirectory() as folder:
        out, disks = Path(folder) / "run", []

        def stop() -> None:
            disks.append(Disk(out / "train", "size=16k"))

        try:
            outcome = attempt(lambda: train(out), before(training, "environment", stop))
            check_whole(out)
            return outcome | {"kept": "the complete run", "then": ""}
        finally:
            disks[0].unmount()


def of_cache(stop: str) -> dict[str, Any]:
    """Train word vectors with a cache that is full, or read-only."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "disk")
        try:
            (disk.path / "vectors").mkdir()
            getattr(disk, stop)()
            texts = [["a", "b", "c"], ["d", "e"]] * 50
            with mock.patch.dict(os.environ, RNNKIT_CACHE=str(disk.path)):
                outcome = attempt(lambda: train_word_vectors(texts, vector_size=8, epochs=2))
            assert not list((disk.path / "vectors").iterdir())
            return outcome | {"kept": "the vectors, in use", "then": ""}
        finally:
            disk.unmount()


def of_study() -> dict[str, Any]:
    """Compare, with a disk that is full when the report is written."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "disk", "size=4m")
        try:
            out = disk.path / "study"

            def compare() -> None:
                options = {"settings": SETTINGS, "limit": 16, "baselines": False, "verbose": 0}
                study.compare([RECIPE], "sample", seeds=2, out=out, **options)

            from rnnkit.study import report

            outcome = attempt(compare, before(report, "write_report", disk.fill))
            for path in out.glob(f"{RECIPE}-*"):
                check_whole(path)
            assert len(list(out.glob("*/results.json"))) == 2
            disk.free()
            began = time.perf_counter()
            compare()
            again = f"the same call writes the report in {time.perf_counter() - began:.1f} s"
            return outcome | {"kept": "both runs", "then": again}
        finally:
            disk.unmount()


def main(record: Path = RECORD) -> None:
    """Try each stage, and write the record."""
    from rnnkit.tasks.task import Task

    stages = {
        "before the run": lambda: run_stage("fill", training, "_prepare"),
        "settings.json": lambda: run_stage("fill", training, "environment"),
        "word vectors, cache full": lambda: of_cache("fill"),
        "word vectors, cache read-only": lambda: of_cache("protect"),
        "TensorBoard's folder": of_events,
        "metrics.csv of the first epoch": lambda: run_stage("fill", RunFolder, "add_epoch"),
        "the model before the first step": lambda: run_stage("fill", Task, "save"),
        "model.keras": lambda: run_stage("fill", training, "_finish"),
        "model.keras, no file can be made": lambda: run_stage(
            "use_up_names", training, "_finish", "size=4m,nr_inodes=200"
        ),
        "model.keras, read-only": lambda: run_stage("protect", training, "_finish"),
        "evaluation": lambda: run_stage("fill", Task, "measure"),
        "results.json": lambda: run_stage("fill", training, "_results"),
        "results.json, read-only": lambda: run_stage("protect", training, "_results"),
        "report of a study": of_study,
    }
    rows = []
    for name, try_it in stages.items():
        rows.append({"stage": name, **try_it()})
        print(json.dumps(rows[-1], indent=1), flush=True)
    found = {"command": "python -m tests.full_disk", "stages": rows}
    record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
