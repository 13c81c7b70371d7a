"""Atomic writing of files: to a temporary name, renamed when complete."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` at the end, or remove it.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "settings.json"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("{}")
        >>> target.read_text()
        '{}'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replacing_model(filepath: str | os.PathLike[str], overwrite: bool = True) -> Any:
    """Return `replacing` for a model's file, after a look at its name.

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
    return replacing(path)
