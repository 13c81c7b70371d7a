"""The environment of a run: versions, backend, machine, and the commit of the code.

The commit is known where rnnkit runs from its own git checkout; an installed package has a version
only.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]  # of the checkout; else of the installed packages
_GIT_SECONDS = 10  # a repository on a slow disk must not hold up a training


def environment() -> dict[str, Any]:
    """Return versions, backend, devices, machine and commit, as environment.json records them.

    Example:
        >>> environment()["cpus"]  # doctest: +SKIP
        2
    """
    import keras

    from rnnkit import backend

    name = str(keras.config.backend())
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "rnnkit": _version("rnnkit"),
        **source_commit(),
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": name,
        "backend_version": backend.installed().get(name, "unknown version"),
        "devices": backend.devices(),
        "numpy": _version("numpy"),
        "system": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
    }


@functools.cache
def source_commit(root: Path = ROOT) -> dict[str, Any]:
    """Return the git commit of a checkout, and whether files of rnnkit differ from it.

    Args:
        root: the folder that holds the package ``rnnkit``.

    Returns:
        ``commit`` and ``dirty``; empty where there is no git, or where ``root`` is not the top of
        a repository that tracks rnnkit: a package installed below another project has none.

    Example:
        >>> source_commit(Path("/nowhere"))
        {}
    """
    try:
        top = _git(root, "rev-parse", "--show-toplevel")
        if not top or Path(top).resolve() != root.resolve():
            return {}
        _git(root, "ls-files", "--error-unmatch", "rnnkit/__init__.py")  # fails if not tracked
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "rnnkit")
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return {"commit": commit, "dirty": bool(changes)}


def _git(root: Path, *arguments: str) -> str:
    """Return what a git command prints; raises where it fails."""
    # Inside a hook, GIT_DIR and its like name another repository. Locks are for who changes it.
    here = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        env=here | {"GIT_OPTIONAL_LOCKS": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=_GIT_SECONDS,
        encoding="utf-8",
        errors="surrogateescape",
    )
    return done.stdout.strip()


def processor() -> str:
    """Return the model of the CPU, or its architecture where the system does not tell.

    Example:
        >>> processor()  # doctest: +SKIP
        'AMD EPYC'
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not on Linux
        text = ""
    for line in text.splitlines():
        name, _, model = line.partition(":")
        if name.strip() == "model name" and model.strip():
            return model.strip()
    return platform.processor() or platform.machine() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "not installed"
