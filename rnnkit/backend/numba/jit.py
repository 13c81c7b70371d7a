"""Compiling with Numba: the options of all loops, and the folder that keeps the machine code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

from rnnkit.disk import cache_folder

# Sums may be reordered and products fused. Not all of `fastmath`: it assumes that no value is
# infinite or NaN.
FASTMATH = {"contract", "reassoc"}


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call with arguments of each type, and keep the machine code.

    It runs without Python's lock. `py_func` is the function as it stands, in Python.

    Example:
        >>> @jit
        ... def twice(x):
        ...     return 2 * x
        >>> twice(1.5), twice.py_func(1.5)
        (3.0, 3.0)
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH}
    with _folder() as writable:
        if writable:
            try:
                return numba.njit(cache=True, **options)(function)
            except RuntimeError:  # Numba knows no folder for the code of this file
                pass
        return numba.njit(**options)(function)


@contextmanager
def _folder() -> Iterator[bool]:
    """Let Numba keep what is decorated inside in rnnkit's cache, or in NUMBA_CACHE_DIR if set.

    It gives whether there is a folder that can be written to.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield True
        return
    folder = cache_folder() / "numba"
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield _writable(folder)
    finally:
        numba.config.CACHE_DIR = before


def _writable(folder: Path) -> bool:
    """Return whether files can be written into a folder, which is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
