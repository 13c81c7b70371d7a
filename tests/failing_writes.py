"""Writes that fail: below a folder, from a certain write on, with an error of the system."""

import builtins
import errno
import io
import json
import os
from pathlib import Path

from event_files import read

from rnnkit import tasks
from rnnkit.locks import holder, is_lock
from rnnkit.study import records
from rnnkit.study.kept_answers import read_answers
from rnnkit.training.checkpoints import read_checkpoint


class Disk:
    """What was written below a folder, write by write; from number `full_at` on it is full.

    Every write of Python's files to the system counts, and none of libraries that write by
    themselves.
    """

    def __init__(self, folder, number=errno.ENOSPC):
        self.folder, self.number = Path(folder).absolute(), number
        self.writes = []  # the file of each
        self.full_at = None

    def holds(self, path):
        return isinstance(path, str | os.PathLike) and Path(path).absolute().is_relative_to(
            self.folder
        )

    def write(self, path):
        self.writes.append(Path(path))
        if self.full_at is not None and len(self.writes) > self.full_at:
            raise OSError(self.number, os.strerror(self.number))


class _File(io.FileIO):
    disk = None

    def write(self, data):
        self.disk.write(self.name)
        return super().write(data)


def watch(monkeypatch, folder, number=errno.ENOSPC):
    """Return the `Disk` of a folder; set its `full_at` to let writes fail."""
    disk, plain = Disk(folder, number), io.open

    def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **rest):
        if not disk.holds(file) or not set(mode) & set("wax+"):
            return plain(file, mode, buffering, encoding, errors, newline, **rest)
        raw = _File(file, mode.replace("b", "").replace("t", ""))
        raw.disk = disk
        binary = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding, errors, newline)

    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr(io, "open", opened)
    return disk


def check_whole(folder):
    """Every file of a run's folder is whole, and none is a temporary one."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        if is_lock(path.name):  # it cannot be removed from a read-only disk, and blocks nobody
            assert holder(path) is None
            continue
        assert not path.name.startswith("."), path
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".keras":
            tasks.load(path)
        elif path.name == "test_answers.npz":
            read_answers(path)
        elif path.name == "card.md":
            assert path.read_text().endswith("tried.\n")
        elif path.suffix == ".npz":
            read_checkpoint(path)
        elif path.name == "metrics.csv":
            assert path.read_bytes().endswith(b"\n")
            records.read_epochs(path)
        elif path.name.startswith("events.out.tfevents"):
            read(path.parent)
        else:
            assert path.name in ("metadata.tsv", "tensors.tsv", "projector_config.pbtxt")
