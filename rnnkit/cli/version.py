"""`rnnkit --version`: the versions that a report of a fault needs; imports no framework."""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

import typer

from rnnkit.errors import BackendError


def version_line() -> str:
    """Return the versions of rnnkit and Keras, and the backend that would run, in one line.

    Example:
        >>> version_line()  # doctest: +SKIP
        'rnnkit 0.1.0, keras 3.15.0, backend jax 0.10.2 (KERAS_BACKEND)'
    """
    select = _select()
    try:
        name, why = select.selected()
        backend = f"backend {name} {select.installed()[name]} ({why})"
    except BackendError:
        backend = "no backend, see rnnkit doctor"
    return f"rnnkit {_version('rnnkit')}, keras {_version('keras')}, {backend}"


def show_version(asked: bool) -> None:
    """Print the versions and end, if they were asked for."""
    if asked:
        print(version_line())
        raise typer.Exit


def _select() -> ModuleType:
    """Return `rnnkit.backend.select`; its package would import the framework."""
    path = Path(__file__).parents[1] / "backend" / "select.py"
    spec = importlib.util.spec_from_file_location("rnnkit_backend_select", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be read.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
