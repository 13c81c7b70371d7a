"""Framework adapters; no other package imports jax, tensorflow or torch.

Importing it picks an installed backend before Keras loads (`select.py`). The packages `jax`,
`tensorflow` and `torch` define the same names with the same signatures; `rnnkit.backend.native`
is the one of the running backend. `portable.py` is the reference implementation of every kernel,
`kernels.py` selects one for a pass, `memory.py` checkpoints activations, `engine.py` executes.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from rnnkit.backend.heap import keep_freed_memory
from rnnkit.backend.select import installed, select, selected
from rnnkit.backend.tensorflow_logs import import_tensorflow
from rnnkit.backend.without_tensorflow import ask_without_importing
from rnnkit.deprecation import renamed_names
from rnnkit.errors import BackendError

__all__ = [
    "BackendError",
    "device",
    "devices",
    "explain_kernels",
    "installed",
    "name",
    "native",
    "select",
    "selected",
]

name = select()  # before anything below this package can import Keras
if name == "tensorflow":
    import_tensorflow()
else:
    keep_freed_memory()

if TYPE_CHECKING:
    from rnnkit.backend import jax as native
else:
    native: ModuleType = importlib.import_module(f"rnnkit.backend.{name}")


def devices() -> list[str]:
    """Return the devices of the running backend, by the names that the framework gives them.

    Example:
        >>> devices()  # doctest: +SKIP
        ['cpu:0']
    """
    return native.devices()


def device() -> str:
    """Return the default device type of the running backend, "cpu" or "gpu".

    Example:
        >>> device()  # doctest: +SKIP
        'cpu'
    """
    known = " ".join(devices()).lower()
    return "gpu" if "cuda" in known or "gpu" in known else "cpu"


from rnnkit.backend.engine import explain_kernels  # noqa: E402  (needs all that is above)

if name != "tensorflow":
    ask_without_importing()

__getattr__ = renamed_names(__name__, {"explain": "explain_kernels"})
