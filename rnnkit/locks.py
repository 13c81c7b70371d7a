"""Locks between processes: on the folder of a run, on a study, on an entry of a cache.

They are locks of the operating system, taken with the library filelock on a small file: they end
with the process that holds them, however it ends. The file says who holds the lock, for messages
only; it is removed when the lock is released, and what a killed process leaves blocks nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from rnnkit.errors import InUseError
from rnnkit.processes import is_alive, machine

T = TypeVar("T")
_POLL = 0.1  # seconds between two tries of a process that waits
_SILENT = 0.5  # seconds that it waits before it says so
_MOST_LOST = 100  # times that the folder may vanish before it is an error
_LONGEST = 4096  # bytes of a record
_held = threading.local()  # of each thread: the locks that it holds


@contextlib.contextmanager
def locked(path: Path, what: str, *, wait: bool = True, advice: str = "") -> Iterator[bool]:
    """Hold the lock on a file while the body runs; the folder and the file are made.

    Threads of one process exclude each other, too. A thread that holds the lock already goes on.
    Where nothing can be locked (a folder that cannot be written, a file system without locks), one
    line on standard error says so and the body runs without a lock.

    Args:
        path: of the lock, such as `RUN/.lock`.
        what: is locked, for messages, such as "the run runs/mine".
        wait: until the lock is free; a line on standard error says what for and who holds it, if
            that takes more than a moment. False = raise an error instead.
        advice: the end of the error's message: what to do.

    Yields:
        Whether the lock is held.

    Raises:
        InUseError: the lock is held by another process or thread, and `wait` is False.

    Example:
        >>> import tempfile
        >>> with locked(Path(tempfile.mkdtemp()) / ".lock", "the example") as held:
        ...     held
        True
    """
    key = (os.getpid(), os.path.realpath(path.parent), path.name)
    if key in _mine():
        yield True
        return
    try:
        release = _acquire(path, what, wait, advice)
    except OSError as error:
        record = _read_record(path)
        if not wait and record.get("machine") == machine():  # a lock that another user made
            raise InUseError(f"{what} is in use by {_describe(record)}. {advice}") from error
        reason = error.strerror or error
        _say(f"{path.parent} cannot be locked ({reason}); going on without a lock on {what}.")
        yield False
        return
    _mine().add(key)
    try:
        yield True
    finally:
        _mine().discard(key)
        release()


def holder(path: Path) -> str | None:
    """Return who holds a lock, such as "process 12 on host since ..."; None if nobody does.

    Example:
        >>> holder(Path("no/such/.lock")) is None
        True
    """
    if not path.is_file():
        return None
    try:
        _acquire(path, str(path), wait=False)()
    except InUseError as error:
        return error.holder
    except OSError:  # a folder that cannot be written: nobody here holds it
        return None
    return None


def read_or_build(path: Path, what: str, read: Callable[[], T | None], build: Callable[[], T]) -> T:
    """Return an entry of a cache; of several processes that need it, one builds it.

    The others wait and read it then. A reader of an entry that is there takes no lock.

    Args:
        path: of the entry, which `build` writes and `read` reads.
        what: the entry is, for messages.
        read: returns the entry, or None where it is missing or damaged.
        build: builds the entry, writes and returns it.

    Example:
        >>> import tempfile
        >>> entry = Path(tempfile.mkdtemp()) / "entry"
        >>> read_or_build(entry, "the example", lambda: None, lambda: 3)
        3
    """
    seen = _version(path)
    if (found := read()) is not None:
        return found
    with locked(path.with_name(f".{path.name}.lock"), what):
        if _version(path) != seen and (found := read()) is not None:
            return found  # another process built it in the meantime
        return build()


def is_lock(name: str) -> bool:
    """Say whether a file has the name of a lock.

    Example:
        >>> is_lock(".lock"), is_lock(".baselines.lock"), is_lock("door.lock")
        (True, True, False)
    """
    return name.startswith(".") and name.endswith(".lock")


def _acquire(path: Path, what: str, wait: bool, advice: str = "") -> Callable[[], None]:
    """Take a lock and return what releases it."""
    from filelock import FileLock, Timeout  # takes a while to import, and most commands need none

    inodes: list[tuple[int, int]] = []

    def sign(descriptor: int) -> None:
        inodes.append(_inode(os.fstat(descriptor)))
        _write_record(descriptor, what)

    lock = FileLock(path, on_acquired=sign, poll_interval=_POLL)
    said, lost = False, 0
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=-1 if said else _SILENT if wait else 0)
            break
        except FileNotFoundError:  # whoever held it removed the folder, too
            lost += 1
            if lost > _MOST_LOST:
                raise
            continue
        except Timeout:
            who = _describe(_read_record(path))
        if not wait:
            raise InUseError(f"{what} is in use by {who}.{advice and ' '}{advice}", who)
        _say(f"waiting for {what}, in use by {who}.")
        said = True

    def release() -> None:
        # Whoever waits for this very file sees that it is gone, and makes a new one: see filelock.
        with contextlib.suppress(OSError):
            if os.name != "nt" and _inode(path.stat()) == inodes[-1]:
                path.unlink()
        lock.release()

    return release


def _inode(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _version(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is replaced."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (*_inode(status), status.st_size, status.st_mtime_ns)


def _write_record(descriptor: int, what: str) -> None:
    """Write who holds the lock, behind the first byte: on Windows, that one cannot be read."""
    record = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "machine": machine(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "what": what,
    }
    with contextlib.suppress(OSError):  # a full disk: the lock is held without a record
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 1, os.SEEK_SET)
        os.write(descriptor, json.dumps(record).encode()[: _LONGEST - 1])


def _read_record(path: Path) -> dict[str, Any]:
    """Return the record of a living holder, or nothing."""
    try:
        with path.open("rb") as file:
            file.seek(1)
            record = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(record, dict) or not isinstance(record.get("pid"), int):
        return {}
    if record.get("machine") == machine() and not is_alive(record["pid"]):
        return {}  # killed; the process that holds it now has not signed yet
    return record


def _describe(record: dict[str, Any]) -> str:
    if not record:
        return "another process"
    return f"process {record['pid']} on {record.get('host')} since {record.get('since')}"


def _mine() -> set[tuple[int, str, str]]:
    if not hasattr(_held, "keys"):
        _held.keys = set()
    return _held.keys


def _say(line: str) -> None:
    print(f"rnnkit: {line}", file=sys.stderr, flush=True)
