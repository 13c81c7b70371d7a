"""The folder of a run: settings, environment, metrics of the epochs, results and the model.

settings.json     recipe, settings, data, seed, epochs
environment.json  Python, libraries, backend, devices
metrics.csv       one row per epoch, written during training
train/, validation/, test/   the event files of TensorBoard; of earlier versions in events/
checkpoints/      see `rnnkit.training.checkpoints`: to go on after an interruption
model.keras       the weights of the best epoch by validation; of word vectors, of the last epoch
test_answers.npz  what the model answered to the test split; see `rnnkit.study.kept_answers`
dynamics.json, recurrent/   see `rnnkit.study.dynamics`; of a run of each recipe in a comparison
card.md           the model card, see `rnnkit.study.model_card`
results.json      measures on the test split (of word vectors, on analogies); written last
.lock             while a process trains: who it is
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnkit import locks
from rnnkit.atomic import append, is_temporary, replacing
from rnnkit.errors import InputError
from rnnkit.locks import is_lock
from rnnkit.study.records import read_epochs

EVENT_FOLDERS = ("train", "validation", "test")  # TensorBoard names a run by its folder
_PROBE = ".probe"  # written to see whether a folder can be


class RunFolder:
    """The files of one run, by name; `create` makes the folder, `open_run` reads it.

    Example:
        >>> RunFolder("runs/mine").model.name
        'model.keras'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings = self.path / "settings.json"
        self.environment = self.path / "environment.json"
        self.metrics = self.path / "metrics.csv"
        self.results = self.path / "results.json"
        self.model = self.path / "model.keras"
        self.answers = self.path / "test_answers.npz"
        self.card = self.path / "card.md"
        earlier = self.path / "events"  # earlier versions put the three folders there
        self.events = earlier if earlier.is_dir() else self.path
        self.checkpoints = self.path / "checkpoints"
        self.training_began = False  # whether this process did a step
        self.lock = self.path / ".lock"

    @classmethod
    def create(cls, name: str, out: str | os.PathLike[str] | None = None) -> RunFolder:
        """Make the folder ``out``, which must not exist or be empty, or `free_path` of a name."""
        return cls(new_default_folder(name) if out is None else new_folder(Path(out)))

    @classmethod
    @contextlib.contextmanager
    def claim(cls, name: str, out: str | os.PathLike[str] | None = None) -> Iterator[RunFolder]:
        """Make a folder as `create` does, and hold its lock while a run is trained into it.

        Raises:
            InUseError: another process trains into the folder.
        """
        folder = cls(new_default_folder(name) if out is None else Path(out))
        if not folder.in_use:
            new_folder(folder.path)
        with folder.locked():
            new_folder(folder.path)  # another process may have trained a run in the meantime
            yield folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the run; an empty folder is removed if the body fails.

        Raises:
            InUseError: another process trains this run.
        """
        advice = "Give another folder with --out, or wait until it has finished."
        try:
            with locks.locked(self.lock, f"The run {self.path}", wait=False, advice=advice):
                yield
        except BaseException:
            with contextlib.suppress(OSError):  # not empty
                self.path.rmdir()
            raise

    @property
    def in_use(self) -> str | None:
        """The process that trains this run, in words; None if there is none."""
        return locks.holder(self.lock)

    @staticmethod
    def free_path(name: str) -> Path:
        """Return ``runs/<name>-<YYYYmmdd-HHMMSS>``, with a number where that exists already.

        Example:
            >>> RunFolder.free_path("lstm_sentiment")  # doctest: +SKIP
            PosixPath('runs/lstm_sentiment-20250131-101500')
        """
        stamped = Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        path, number = stamped, 1
        while path.exists():  # two runs started within one second
            number += 1
            path = stamped.with_name(f"{stamped.name}-{number}")
        return path

    @property
    def complete(self) -> bool:
        """Whether the run finished."""
        return self.results.is_file()

    def add_epoch(self, row: Mapping[str, float]) -> None:
        """Append one epoch to metrics.csv; the first row names the columns.

        Raises:
            DiskError: it cannot be written; the file is as before.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if not self.metrics.exists():
            writer.writerow(row)
        writer.writerow(row.values())
        append(self.metrics, text.getvalue().encode(), "the metrics of the epoch")

    def discard_epochs(self) -> None:
        """Remove what the epochs left: metrics, events, the model."""
        for part in EVENT_FOLDERS:
            shutil.rmtree(self.events / part, ignore_errors=True)
        for file in (self.metrics, self.model, self.answers, self.card):
            file.unlink(missing_ok=True)

    def rows(self) -> str:
        """Return the text of metrics.csv; empty before the first epoch ended."""
        return self.metrics.read_bytes().decode() if self.metrics.exists() else ""

    def replace_rows(self, text: str) -> None:
        """Write the text of metrics.csv anew."""
        if not text:
            self.metrics.unlink(missing_ok=True)
            return
        with replacing(self.metrics) as temporary:
            temporary.write_bytes(text.encode())

    def epochs(self) -> list[dict[str, float]]:
        """Return the rows of metrics.csv.

        Raises:
            InputError: it is damaged.
        """
        if not self.metrics.exists():
            return []
        return read_epochs(self.metrics)


def new_default_folder(name: str) -> Path:
    """Create `RunFolder.free_path` of a name, which no other process gets."""
    while True:
        path = RunFolder.free_path(name)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.exists():  # a file is where its folder should be
                return new_folder(path)
        except OSError:
            return new_folder(path)  # says what is wrong
        else:
            return path


def new_folder(path: Path) -> Path:
    """Create a folder, or take an empty one; locks and temporary files of processes do not count.

    Raises:
        InputError: it holds something, is a file, or cannot be made or written.
    """
    try:
        refuse_taken(path)
        path.mkdir(parents=True, exist_ok=True)
        probe = path / _PROBE
        probe.touch()
        probe.unlink(missing_ok=True)  # another process may try the same folder
    except OSError as error:
        raise InputError(
            f"Cannot write a run to {path} ({error.strerror or error}); "
            "give another folder with --out."
        ) from error
    return path


def refuse_taken(path: Path) -> None:
    """Refuse a folder that holds something, without making or writing one.

    Raises:
        InputError: it holds more than locks and temporary files of processes.
    """
    if path.is_dir() and any(map(_is_content, path.iterdir())):
        raise InputError(
            f"{path} exists and is not empty; runs are never overwritten. Give another folder."
        )


def _is_content(path: Path) -> bool:
    return not (path.name == _PROBE or is_lock(path.name) or is_temporary(path.name))


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it, locks last: whoever holds one stays alone until then.

    A lock that is held stays, and its folder with it: it goes when the lock is released.
    """
    for entry in list(path.iterdir()):
        if is_lock(entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a lock is in it
        path.rmdir()


def discard_partial(path: Path) -> None:
    """Remove the folder of an interrupted run; refuse one with other files, or a complete run."""
    folder = RunFolder(path)
    if folder.settings.is_file() and not folder.complete:
        remove_folder(path)
    elif path.exists():
        new_folder(path)  # empty, or refused


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    # A file name may hold bytes that are no UTF-8: half characters, which JSON writes as escapes.
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    data = text.encode(errors="backslashreplace")
    with replacing(path, need=len(data)) as temporary:
        temporary.write_bytes(data)
