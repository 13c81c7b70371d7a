"""Failed writes: a full disk, a read-only folder, a missing permission, told as one `DiskError`."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnkit.errors import DiskError, InputError

_MOVE = "choose another folder"
# The error of a write -> what is wrong, and what to do about it.
_REASONS = {
    errno.ENOSPC: ("the disk is full", f"Free some space, or {_MOVE}."),
    getattr(errno, "EDQUOT", -1): ("the quota is used up", f"Free some space, or {_MOVE}."),
    errno.EFBIG: ("no file may be as large", f"Raise the limit of the system, or {_MOVE}."),
    errno.EROFS: ("the file system is read-only", f"Make it writable, or {_MOVE}."),
    errno.EACCES: ("the permission is missing", f"Change the permissions, or {_MOVE}."),
    errno.EPERM: ("it is not permitted", f"Change the permissions, or {_MOVE}."),
    errno.EIO: ("the device reports an error", f"Check the disk, or {_MOVE}."),
}
# Libraries that write without Python's files have errors of their own, with the system's text.
_TEXTS = {os.strerror(number): number for number in _REASONS if number > 0}
_warned: set[str] = set()  # places
_SHORT_WRITE = re.compile(r"requested and \d+ written|Not enough free space")  # of NumPy


def write_error_number(error: BaseException) -> int | None:
    """Return the number of the error that made a write fail; None for an error of another kind.

    Example:
        >>> write_error_number(OSError(errno.ENOSPC, "No space left on device")) == errno.ENOSPC
        True
        >>> write_error_number(RuntimeError("file write failed, errno = 28")) == errno.ENOSPC
        True
        >>> write_error_number(FileNotFoundError(errno.ENOENT, "No such file"))
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in _REASONS else None
    text = str(error)
    if found := re.search(r"errno = (\d+)", text):  # h5py
        return int(found[1]) if int(found[1]) in _REASONS else None
    if isinstance(error, OSError) and _SHORT_WRITE.search(text):
        return errno.ENOSPC
    if isinstance(error, ValueError | TypeError):  # of what is written, not of the disk
        return None
    return next((number for known, number in _TEXTS.items() if known in text), None)


@contextlib.contextmanager
def writing(
    path: str | os.PathLike[str], what: str = "the file", need: int | None = None
) -> Iterator[None]:
    """Turn a failed write into a `DiskError` that names path, need and free space.

    Other errors, such as a missing file, pass.

    Args:
        path: the file or folder that is written.
        what: how the message calls it, such as "the model".
        need: its size in bytes, where it is known.

    Raises:
        DiskError: within the block, a write failed.

    Example:
        >>> with writing("runs/1/model.keras", "the model", need=9):  # doctest: +SKIP
        ...     model.save("runs/1/model.keras")
        Traceback (most recent call last):
        rnnkit.errors.DiskError: Cannot write the model 'runs/1/model.keras': the disk is full. It \
needs 9 bytes, and 0 bytes are free there. Free some space, or choose another folder.
    """
    try:
        yield
    except DiskError:  # told already, by whoever knew more
        raise
    except Exception as error:
        number = write_error_number(error)
        if number is None:
            raise
        raise DiskError(_message(Path(path), what, need, number, error), number) from error


@contextlib.contextmanager
def optional(place: str | os.PathLike[str], without: str) -> Iterator[None]:
    """Turn whatever stops a write into one warning for each place: no result depends on it.

    Args:
        place: a folder, such as a cache.
        without: what goes on without it.

    Example:
        >>> with optional("cache", "The vectors are used, and not kept."):  # doctest: +SKIP
        ...     raise DiskError("The disk is full.")
        UserWarning: rnnkit: The disk is full. The vectors are used, and not kept.
    """
    try:
        yield
    except (OSError, InputError) as error:
        if str(place) not in _warned:
            _warned.add(str(place))
            warnings.warn(f"rnnkit: {error} {without}", stacklevel=4)


def _message(path: Path, what: str, need: int | None, number: int, error: Exception) -> str:
    reason, advice = _REASONS[number]
    space = free_space(path)
    told = [f"Cannot write {what} {str(path)!r}: {reason}."]
    if need is not None and space is not None:
        told.append(f"It needs {size_text(need)}, and {size_text(space)} are free there.")
    elif space is not None:
        told.append(f"There are {size_text(space)} free.")
    if number == errno.ENOSPC:
        told += filter(None, [_files_left(path), _other_disk(path)])
    elsewhere = getattr(error, "filename", None)
    if elsewhere and Path(os.fsdecode(elsewhere)).parent != path.parent:
        told.append(f"The file at fault is {os.fsdecode(elsewhere)!r}.")
    if path.is_file():
        told.append("The file that was there is unchanged.")
    return " ".join([*told, advice])


def cache_folder() -> Path:
    """Return the folder of what can be fetched or made again: ``$RNNKIT_CACHE``, or the platform's.

    Example:
        >>> cache_folder()  # doctest: +SKIP
        PosixPath('/home/ada/.cache/rnnkit')
    """
    if folder := os.environ.get("RNNKIT_CACHE"):
        return Path(folder).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("rnnkit"))


def free_space(path: str | os.PathLike[str]) -> int | None:
    """Return the free bytes where a path is, or would be; None where the system does not tell.

    Example:
        >>> free_space("no/such/folder/yet") > 0
        True
    """
    place = _existing(Path(path))
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def size_text(size: int) -> str:
    """Return a number of bytes as messages show it.

    Example:
        >>> size_text(12_288), size_text(84_125_825)
        ('12,288 bytes', '84.1 MB')
    """
    for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size:,} bytes"


def variables_size(model: Any) -> int:
    """Return the bytes of a Keras model's variables and of its optimizer's: about its file's size.

    Example:
        >>> variables_size(model)  # doctest: +SKIP
        1236
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer is not None else ())]
    return sum(math.prod(one.shape) * _item_size(str(one.dtype)) for one in variables)


def _item_size(dtype: str) -> int:
    found = re.search(r"\d+$", dtype)  # float32, bfloat16; bool has none
    return int(found[0]) // 8 if found else 1


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above that exists."""
    path = path.absolute()
    return next((one for one in (path, *path.parents) if one.exists()), path)


def _files_left(path: Path) -> str:
    """Say that a disk with room for bytes has none for another file."""
    if not hasattr(os, "statvfs"):
        return ""
    with contextlib.suppress(OSError):
        status = os.statvfs(_existing(path))
        if status.f_files and not status.f_favail:
            return "It has no room for another file: remove some."
    return ""


def _other_disk(path: Path) -> str:
    """Name the folder of temporary files where it is on another disk, which may be the full one."""
    with contextlib.suppress(OSError):
        place, temporary = _existing(path), Path(tempfile.gettempdir())
        free = shutil.disk_usage(temporary).free
        if place.stat().st_dev != temporary.stat().st_dev and free < shutil.disk_usage(place).free:
            return f"In {str(temporary)!r}, for temporary files, {size_text(free)} are free."
    return ""
