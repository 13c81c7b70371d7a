"""Selection of the Keras backend among the installed frameworks, before Keras is imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path

from rnnkit.errors import BackendError

# Keras's own name -> the import and distribution name.
FRAMEWORKS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}

INSTALL_HINT = (
    'Install one of them: pip install "rnnkit[jax]", "rnnkit[tensorflow]" or "rnnkit[torch]".'
)


def installed() -> dict[str, str]:
    """Return the installed frameworks and their versions, without importing any.

    Example:
        >>> installed()  # doctest: +SKIP
        {'jax': '0.10.2', 'torch': '2.13.0+cpu'}
    """
    found = {}
    for name, module in FRAMEWORKS.items():
        if sys.modules.get(module, True) is None or importlib.util.find_spec(module) is None:
            continue
        try:
            found[name] = importlib.metadata.version(module)
        except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu, jax from source ...
            found[name] = "unknown version"
    return found


def selected() -> tuple[str, str]:
    """Return the selected backend and the reason, without importing a framework.

    In this order: the backend of a Keras that is imported already; `KERAS_BACKEND`; the
    one in Keras's own `keras.json` when it is installed; the first installed of
    TensorFlow (Keras's default), JAX, PyTorch.

    Raises:
        BackendError: no framework is installed, the one in `KERAS_BACKEND` is not, or Keras was
            imported before rnnkit and failed because its own choice is not.

    Example:
        >>> selected()  # doctest: +SKIP
        ('jax', 'KERAS_BACKEND')
    """
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend(), "Keras was imported before rnnkit"
    available = installed()
    _refuse_failed_keras(available)
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted:
        if wanted not in FRAMEWORKS:
            known = ", ".join(FRAMEWORKS)
            raise BackendError(f"KERAS_BACKEND is {wanted!r}; expected one of {known}.")
        if wanted not in available:
            have = f"Installed: {', '.join(available)}. " if available else ""
            raise BackendError(
                f"KERAS_BACKEND is {wanted!r}, which is not installed. {have}"
                f'Install it with pip install "rnnkit[{wanted}]", or set KERAS_BACKEND to another.'
            )
        return wanted, "KERAS_BACKEND"
    if not available:
        raise BackendError(
            f"No backend is installed: Keras needs TensorFlow, JAX or PyTorch. {INSTALL_HINT}"
        )
    configured = _configured_backend()
    if configured in available:
        return configured, "keras.json"
    return next(iter(available)), "the first that is installed"


def select() -> str:
    """Set the selected backend for Keras; print it to stderr where `KERAS_BACKEND` is empty.

    Raises:
        BackendError: see `selected`.
    """
    name, reason = selected()
    if "keras" not in sys.modules and not os.environ.get("KERAS_BACKEND"):
        os.environ["KERAS_BACKEND"] = name
        print(f"rnnkit: using {name} ({reason}; KERAS_BACKEND chooses another)", file=sys.stderr)
    return name


def _refuse_failed_keras(available: dict[str, str]) -> None:
    """Refuse a process in which Keras chose a backend that is not installed, and failed.

    Python forgets the package then, but not the module that holds the choice: another import would
    fail in the same way, whatever is set now.
    """
    config = sys.modules.get("keras.src.backend.config")
    chosen = None if config is None else config.backend()
    if chosen not in FRAMEWORKS or chosen in available:
        return
    if not available:
        return  # the message about that says more
    names = list(available)
    raise BackendError(
        f"Keras was imported before rnnkit and chose {chosen!r}, which is not installed. Set "
        f"KERAS_BACKEND={names[0]} before Python starts (installed: {', '.join(names)}), or import "
        "rnnkit.layers or rnnkit.tasks before keras: they choose an installed one. Then start "
        "Python again."
    )


def _configured_backend() -> str:
    """Read the backend from Keras's configuration file; an empty string where there is none."""
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("backend", ""))
    except (OSError, ValueError):  # Keras itself ignores a missing or damaged file
        return ""
