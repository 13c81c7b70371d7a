"""Compiled programs in files: a cache on disk for several processes, bounded in size.

JAX's own file cache writes in place and never replaces an entry: one that a full disk or a killed
process cut short fails in every later process, with a warning. Here an entry gets its name when it
is whole, and carries a checksum; a damaged one is removed and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import warnings
from pathlib import Path
from typing import NamedTuple

from rnnkit.atomic import is_temporary, replacing
from rnnkit.disk import optional

LIMIT = 500_000_000  # bytes of all folders of programs together
_KEPT = 0.9  # the share of the limit that is kept when the oldest entries are removed
_SUFFIX = ".program"
_DIGEST = 16  # bytes
WITHOUT = "Programs are compiled, and not kept for the next time."


class StoreSize(NamedTuple):
    """What a folder of programs holds.

    Attributes:
        programs: number of entries.
        size: their bytes.
    """

    programs: int
    size: int


class ProgramStore:
    """A folder of compiled programs by key, with the interface of JAX's file cache.

    Reads and writes need no lock: an entry is renamed to its name when it is whole. Whatever cannot
    be read is not there; the first write that fails ends the writing, with one warning. A folder
    that somebody else owns or may write is not used: its programs would run with our rights.

    Args:
        folder: of this machine's programs; made, for its owner only, at the first write.
        limit: bytes of all folders beside it, and of this one: the entries that were used the
            longest time ago go.

    Example:
        >>> import tempfile
        >>> store = ProgramStore(Path(tempfile.mkdtemp()) / "cpu")
        >>> store.put("add", b"machine code")
        >>> store.get("add"), store.get("multiply")
        (b'machine code', None)
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._path = self.folder = folder
        self.limit = limit
        self._usable: bool | None = None  # not known before the folder exists
        self._writes = True
        self._room = 0  # bytes to write until the sizes are added up again

    def get(self, key: str) -> bytes | None:
        """Return a program; None where there is none that is whole."""
        if not self._trusted():
            return None
        path = self._file(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        digest, program = data[:_DIGEST], data[_DIGEST:]
        if digest != _digest(key, program):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # when it was used; the time of the access itself is often not kept
        return program

    def put(self, key: str, value: bytes) -> None:
        """Keep a program, unless it could not be read back or the disk is full."""
        if not self._writes or len(value) > self.limit * _KEPT or not self._trusted():
            return
        self._writes = False  # unless this works
        with optional(self.folder, WITHOUT):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            if not self._trusted():
                return
            self._make_room(len(value) + _DIGEST)
            with replacing(self._file(key), "a compiled program", len(value), False) as temporary:
                temporary.write_bytes(_digest(key, value) + value)
            self._writes = True

    def _file(self, key: str) -> Path:
        return self.folder / (re.sub(r"[^\w.-]", "_", key) + _SUFFIX)

    def _trusted(self) -> bool:
        """Return whether nobody else can have put a program here; warn once where one could."""
        if self._usable is None and (reason := refusal(self.folder)) is not None:
            self._usable = not reason
            if reason:
                warnings.warn(f"rnnkit: {reason} {WITHOUT}", stacklevel=2)
        return self._usable is not False

    def _make_room(self, size: int) -> None:
        """Remove the entries that were used the longest time ago, where they are too many."""
        if size <= self._room:
            self._room -= size
            return
        entries = sorted(_entries(self.folder.parent))
        total = sum(used for _, used, _ in entries)
        for _, used, path in entries:
            if total + size <= self.limit:
                break
            with contextlib.suppress(OSError):  # another process was faster
                path.unlink()
            total -= used
        # Other processes write, too: the sizes are added up again before much can have come.
        self._room = max(0, int(min(self.limit - total - size, self.limit * (1 - _KEPT))))


def refusal(folder: Path) -> str | None:
    """Return why programs in a folder cannot be trusted; "" if they can, None without a folder."""
    try:
        found = folder.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is no folder: remove it to keep compiled programs there."
    if os.name == "nt":  # where folders of a user are the user's
        return ""
    if found.st_uid != os.geteuid():
        return f"{folder} belongs to another user, and what lies there would be run as yours."
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return (
            f"Others may write to {folder}, and what lies there would be run as yours: remove it, "
            "or change its permissions with chmod 700."
        )
    return ""


def measure(root: Path) -> StoreSize:
    """Return how many programs the folders below `root` hold, and their size.

    Example:
        >>> measure(Path("no/such/folder"))
        StoreSize(programs=0, size=0)
    """
    sizes = [size for _, size, _ in _entries(root)]
    return StoreSize(len(sizes), sum(sizes))


def clear(root: Path) -> StoreSize:
    """Remove the programs of all folders below `root`; return what there was.

    Processes that run go on, and write new ones.

    Example:
        >>> clear(Path("no/such/folder"))
        StoreSize(programs=0, size=0)
    """
    found = measure(root)
    for folder in _folders(root):
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _digest(key: str, program: bytes) -> bytes:
    return hashlib.blake2b(program, digest_size=_DIGEST, key=key.encode()[:64]).digest()


def _folders(root: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [one for one in root.iterdir() if one.is_dir() and not one.is_symlink()]
    return []


def _entries(root: Path) -> list[tuple[float, int, Path]]:
    """Return when each program below `root` was used, its bytes and its path."""
    found = []
    for folder in _folders(root):
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.suffix == _SUFFIX and not is_temporary(path.name):
                    with contextlib.suppress(OSError):  # removed meanwhile
                        status = path.stat()
                        found.append((status.st_mtime, status.st_size, path))
    return found
