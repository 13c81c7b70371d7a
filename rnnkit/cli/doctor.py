"""What rnnkit finds on this machine; it answers where no backend is installed, too."""

from __future__ import annotations

import importlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from rnnkit.cli import show

LIBRARIES = (
    "rnnkit",
    "keras",
    "numpy",
    "scikit-learn",
    "tensorboard",
    "gensim",
    "matplotlib",
    "typer",
)
FRAMEWORKS = ("tensorflow", "jax", "torch")


def report() -> bool:
    """Print the report; return whether rnnkit could train here."""
    asked = os.environ.get("KERAS_BACKEND")
    lines = [
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        ("CPUs", str(os.cpu_count())),
        ("KERAS_BACKEND", asked or "not set"),
    ]
    lines += [(name, _version(name)) for name in FRAMEWORKS]
    problem = ""
    try:
        # Only this imports a framework, and only the chosen one.
        backend = importlib.import_module("rnnkit.backend")
        why = "KERAS_BACKEND" if asked else "installed, and KERAS_BACKEND is not set"
        lines.append(("backend", f"{backend.name}: {why}"))
        lines.append(("devices", ", ".join(backend.devices())))
    except ImportError as error:
        problem = str(error)
        lines.append(("backend", "none that could be used"))
    lines += [(name, _version(name)) for name in LIBRARIES]
    show.rows(["what", "found"], lines)
    if problem:
        show.console.print(problem, style="red", markup=False)
    return not problem


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
