"""The only room that imports a framework.

Importing it picks an installed backend before Keras loads (`select.py`). `jax.py`,
`tensorflow.py` and `torch.py` hold the same functions with the same signatures; the one that
runs is `rnnkit.backend.native`. `portable.py` is the slow, obvious twin of every kernel;
`kernels.py` chooses between them, `engine.py` runs what was chosen.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from rnnkit.backend.select import installed, select, selected
from rnnkit.errors import BackendError

__all__ = [
    "BackendError",
    "device",
    "devices",
    "explain",
    "installed",
    "name",
    "native",
    "select",
    "selected",
]

name = select()  # before anything below this package can import Keras

if TYPE_CHECKING:
    from rnnkit.backend import jax as native
else:
    native: ModuleType = importlib.import_module(f"rnnkit.backend.{name}")


def devices() -> list[str]:
    """Return the devices that the running backend sees, as the framework names them.

    Example:
        >>> devices()  # doctest: +SKIP
        ['cpu:0']
    """
    return native.devices()


def device() -> str:
    """Return the kind of device that the running backend computes on by default: "cpu" or "gpu".

    Example:
        >>> device()  # doctest: +SKIP
        'cpu'
    """
    known = " ".join(devices()).lower()
    return "gpu" if "cuda" in known or "gpu" in known else "cpu"


from rnnkit.backend.engine import explain  # noqa: E402  (needs all that is above)
