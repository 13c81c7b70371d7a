"""Functions whose modules are imported when they are called first."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def deferred(place: str) -> Callable[..., Any]:
    """Return a function that imports and calls another one.

    Records of many functions, of which a program calls few, stay quick to import.

    Args:
        place: the module and the name of the function, such as "rnnkit.data.files:from_files".

    Example:
        >>> square_root = deferred("math:sqrt")
        >>> square_root(9.0), square_root.__name__
        (3.0, 'sqrt')
    """
    module, _, name = place.partition(":")

    def call(*args: Any, **given: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **given)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Call `{module}.{name}`."
    return call
