"""Modules that a test file names and that are imported when a test needs them."""

from __future__ import annotations

import importlib
from typing import Any


class Later:
    """A module that is imported at the first use of something in it.

    KerasHub imports TensorFlow on every backend: seconds in each process that only collects.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith(("_", "pytest")):  # pytest looks at everything in a test file
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)
