"""Peak memory of the process that trains a run, where it has trained no other before."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

_trained = 0  # trainings that began in this process


def note_training() -> None:
    """Note that a training of a run begins in this process."""
    global _trained
    _trained += 1


def peak_memory() -> dict[str, int | None]:
    """Return the peak memory of the training that ended, as results.json records it.

    Of the process it is the largest resident memory since its start: libraries, data and all. Where
    a GPU is used, there is also the largest memory of tensors on it. None where the process has
    trained another run before: its memory may have been larger then.

    Example:
        >>> list(peak_memory())[0]
        'peak_memory_bytes'
    """
    from rnnkit import backend

    found: dict[str, Any] = {"peak_memory_bytes": process_peak()}
    if (on_device := backend.native.peak_device_memory()) is not None:
        found["peak_device_memory_bytes"] = on_device
    return found if _trained <= 1 else dict.fromkeys(found)


def process_peak() -> int | None:
    """Return the largest resident memory of this process so far; None where it is not known.

    Example:
        >>> process_peak() > 1_000_000  # doctest: +SKIP
        True
    """
    # Linux: getrusage counts the memory of the process that started this one, too.
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
