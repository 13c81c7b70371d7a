"""Atomic writing of files: to a temporary name, renamed when complete and on the disk."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnkit.disk import writing
from rnnkit.errors import InputError
from rnnkit.processes import is_alive, machine

_TEMPORARY = re.compile(r"rnnkit-([0-9a-f]{8})-(\d{1,10})-")
_LONGEST = 80  # characters of a file's name that its temporary name repeats
_numbers = itertools.count()
_swept: set[tuple[int, str]] = set()  # process and folder


@contextlib.contextmanager
def replacing(
    path: Path, what: str = "the file", need: int | None = None, durable: bool = True
) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` at the end, or remove it.

    The file is on the disk before it gets its name: a power cut leaves the old file or the new one.
    What killed processes left in the folder is removed: see `remove_leftovers`.

    Args:
        path: the file.
        what: how the message of a failed write calls it.
        need: its size in bytes, where it is known.
        durable: wait until it is on the disk; a file that can be made again, and whose damage is
            noticed, needs not.

    Raises:
        DiskError: it could not be written; an older file of that name is unchanged.

    Example:
        >>> target = Path(tempfile.mkdtemp()) / "settings.json"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("{}")
        >>> target.read_text()
        '{}'
    """
    with writing(path, what, need):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        temporary = path.with_name(f".{path.stem[:_LONGEST]}.{_tag()}{path.suffix}")
        try:
            yield temporary
            if durable:
                sync(temporary)
            temporary.replace(path)
            if durable:
                sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def append(path: Path, data: bytes, what: str = "the file") -> None:
    r"""Append to a file, all or nothing.

    Raises:
        DiskError: it could not be written; the file is as before.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "metrics.csv"
        >>> append(target, b"epoch,loss\n")
        >>> append(target, b"1,0.5\n")
        >>> target.read_text()
        'epoch,loss\n1,0.5\n'
    """
    with writing(path, what, need=len(data)):
        size = path.stat().st_size if path.exists() else None
        try:
            with path.open("ab") as file:
                file.write(data)
        except OSError:
            if size is not None:
                os.truncate(path, size)
            else:
                path.unlink(missing_ok=True)
            raise


def replacing_model(
    filepath: str | os.PathLike[str], overwrite: bool = True, need: int | None = None
) -> Any:
    """Return `replacing` for a model's file, after a look at its name; `need` is its size.

    Raises:
        InputError: the name does not end in `.keras`, or the file is there and not to be replaced.

    Example:
        >>> with replacing_model(Path(tempfile.mkdtemp()) / "model.keras") as temporary:
        ...     _ = temporary.write_bytes(b"")
    """
    path = Path(filepath)
    if path.suffix != ".keras":
        raise InputError(f"Cannot save to {path}: expected a name that ends in '.keras'.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists and overwrite=False. Choose another name.")
    return replacing(path, "the model", need)


@contextlib.contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a new folder in `parent`, or where the system keeps such, and remove it at the end.

    What killed processes left there is removed: see `remove_leftovers`.

    Example:
        >>> with temporary_folder() as folder:
        ...     folder.is_dir()
        True
        >>> folder.exists()
        False
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    place.mkdir(parents=True, exist_ok=True)
    remove_leftovers(place)
    with tempfile.TemporaryDirectory(prefix=f".folder.{_tag()}.", dir=place) as folder:
        yield Path(folder)


def is_temporary(name: str) -> bool:
    """Say whether a file or folder has a name that `replacing` or `temporary_folder` gives.

    Example:
        >>> is_temporary(".model.rnnkit-01234567-123-4.keras"), is_temporary("model.keras")
        (True, False)
    """
    return name.startswith(".") and _TEMPORARY.search(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files and folders of processes that were killed, once in each process.

    Those of living processes stay, and those of other machines that share the folder.
    """
    key = (os.getpid(), str(folder.absolute()))
    if key in _swept:
        return
    _swept.add(key)
    with contextlib.suppress(OSError):  # whoever may not read or write here has nothing to remove
        for entry in list(folder.iterdir()):
            if _is_leftover(entry.name):
                _remove(entry)


def sync(path: Path) -> None:
    """Wait until a file's contents, or a folder's names, are on the disk."""
    if path.is_dir():
        if os.name == "nt":  # folders cannot be opened there
            return
        with contextlib.suppress(OSError):  # some file systems sync no folders
            _sync(path, os.O_RDONLY)
    else:
        _sync(path, os.O_RDWR)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tag() -> str:
    """Return what tells this process's temporary files from all others."""
    return f"rnnkit-{machine()}-{os.getpid()}-{next(_numbers)}"


def _is_leftover(name: str) -> bool:
    found = _TEMPORARY.search(name) if is_temporary(name) else None
    return found is not None and found[1] == machine() and not is_alive(int(found[2]))


def _remove(entry: Path) -> None:
    with contextlib.suppress(OSError):  # of another user, or removed by another process
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
