"""Sharing the rows of a batch among threads.

The loops are compiled without threads of their own, and run without Python's lock: Python's threads
run them side by side. So they may be called from several threads at once, and after a fork, which
Numba's own threads do not all survive.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# Operations that are worth a thread: waking one takes as long as some ten thousand of them.
OPERATIONS = 1 << 17

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_size = 0


def over_rows(
    loop: Callable[..., Any], rows: int, operations: int, threads: int, *arguments: Any
) -> None:
    """Run `loop(start, stop, *arguments)` over all rows, by as many threads as pay off.

    Args:
        loop: works on the rows from `start` to `stop`.
        rows: the number of rows.
        operations: of all rows together.
        threads: the most threads, the calling one among them.
        *arguments: the other arguments of the loop.

    Example:
        >>> import numpy as np
        >>> squares = np.zeros(5, int)
        >>> def loop(start, stop, squares):
        ...     squares[start:stop] = np.arange(start, stop) ** 2
        >>> over_rows(loop, 5, 1 << 20, 2, squares)
        >>> squares
        array([ 0,  1,  4,  9, 16])
    """
    count = max(min(threads, rows, operations // OPERATIONS), 1)
    bounds = [rows * part // count for part in range(count + 1)]
    parts = list(itertools.pairwise(bounds))
    if count == 1:
        loop(0, rows, *arguments)
        return
    others = _submit(loop, parts[1:], arguments)
    try:
        loop(*parts[0], *arguments)
    finally:
        errors = [done.exception() for done in others]  # waits: they write into the arguments
    for error in filter(None, errors):
        raise error


def _submit(loop: Callable[..., Any], parts: list[tuple[int, int]], arguments: tuple) -> list[Any]:
    """Start the loop over parts of the rows in the threads of the pool, which grows as needed."""
    global _pool, _size
    with _lock:
        if _pool is None or len(parts) > _size:
            if _pool is not None:
                _pool.shutdown(wait=False)  # finishes what it has
            _size = len(parts)
            _pool = ThreadPoolExecutor(_size, thread_name_prefix="rnnkit")
        return [_pool.submit(loop, *part, *arguments) for part in parts]


def _forget() -> None:
    """Let a child process start threads of its own: a fork copies none."""
    global _pool, _size, _lock
    _pool, _size, _lock = None, 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
