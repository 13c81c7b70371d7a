"""Which graphs are traced for an export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_portable: ContextVar[bool] = ContextVar("portable graphs", default=False)


@contextlib.contextmanager
def portable_graphs() -> Iterator[None]:
    """Trace graphs of the operations that runtimes other than TensorFlow have, too."""
    before = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(before)


def exporting(sequences: Any) -> bool:
    """Return whether the graph is for another runtime: inside of `portable_graphs`.

    A SavedModel runs in TensorFlow, with the kernels of TensorFlow.
    """
    del sequences
    return _portable.get()
