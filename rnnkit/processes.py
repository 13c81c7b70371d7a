"""Identity of this machine and its processes, for names of temporary files and records of locks."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import uuid
from pathlib import Path


@functools.cache
def machine() -> str:
    """Return eight characters that tell apart machines, and containers on one machine.

    Process numbers mean something only where this is the same: the same machine, with the same name
    and the same list of processes. It survives a restart of the machine.

    Example:
        >>> len(machine())
        8
    """
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/etc/machine-id").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        parts.append(str(uuid.getnode()))
    with contextlib.suppress(OSError):  # containers count their processes anew, each from 1
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256(" ".join(parts).encode(errors="replace")).hexdigest()[:8]


def is_alive(pid: int) -> bool:
    """Say whether a process of this machine still runs; True where it cannot be told.

    Example:
        >>> is_alive(os.getpid())
        True
    """
    if os.name == "nt":  # os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user, or no number of a process
        return True
    return True
