"""Freed memory is kept for the next step of a training, where glibc would give it back.

A training step allocates the same tens of megabytes again and again. By default glibc returns them
to the system after each step, and the system hands out each page anew, filled with zeros: a
quarter to a third of the time of a step on a CPU, on PyTorch and on JAX. TensorFlow keeps its
memory itself.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Parameters of mallopt, from malloc.h, and their values in bytes: blocks up to the first come from
# the heap, and the heap gives memory back once this much of it is free at its end.
LIMITS = {-3: 64 << 20, -1: 256 << 20}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD


def keep_freed_memory() -> bool:
    """Let the process keep up to 256 MiB of freed memory; return whether it does.

    Nothing is changed where the C library is not glibc, nor where the user has chosen himself, with
    `GLIBC_TUNABLES` or a variable that begins with `MALLOC_`.

    Example:
        >>> keep_freed_memory() in (True, False)
        True
    """
    chosen = any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ)
    if chosen or not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    set_ones = [bool(mallopt(name, value)) for name, value in LIMITS.items()]
    return all(set_ones)


def _is_glibc() -> bool:
    """Return whether the C library of this process is glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (ValueError, OSError):  # the name is unknown to other C libraries
        return False
