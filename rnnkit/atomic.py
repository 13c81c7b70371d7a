"""Atomic writing of files: to a temporary name, renamed when complete."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnkit.disk import writing
from rnnkit.errors import InputError


@contextlib.contextmanager
def replacing(path: Path, what: str = "the file", need: int | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` at the end, or remove it.

    Args:
        path: the file.
        what: how the message of a failed write calls it.
        need: its size in bytes, where it is known.

    Raises:
        DiskError: it could not be written; an older file of that name is unchanged.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "settings.json"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("{}")
        >>> target.read_text()
        '{}'
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}{path.suffix}")
    with writing(path, what, need):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
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
        >>> import tempfile
        >>> with replacing_model(Path(tempfile.mkdtemp()) / "model.keras") as temporary:
        ...     _ = temporary.write_bytes(b"")
    """
    path = Path(filepath)
    if path.suffix != ".keras":
        raise InputError(f"Cannot save to {path}: expected a name that ends in '.keras'.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists and overwrite=False. Choose another name.")
    return replacing(path, "the model", need)
