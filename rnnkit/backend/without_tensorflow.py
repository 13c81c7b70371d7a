"""A workaround: Keras saves and loads models on JAX and PyTorch without importing TensorFlow.

To write a configuration, Keras asks of every value whether it is a type of TensorFlow
(`keras.src.saving.serialization_lib`), and imports TensorFlow to ask, wherever it is installed.
That takes seconds and hundreds of megabytes. But no value is of such a type before somebody else
has imported TensorFlow: until then the answer is no.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

MODULE = "keras.src.saving.serialization_lib"


class ImportedTensorFlow:
    """Keras's lazy module `tensorflow`, available only where TensorFlow is imported already.

    Args:
        lazy: Keras's own; it has `available`, and imports TensorFlow for any other attribute.
    """

    def __init__(self, lazy: Any) -> None:
        self.lazy = lazy

    @property
    def available(self) -> bool:
        """Whether there can be values of TensorFlow's types."""
        return "tensorflow" in sys.modules and self.lazy.available

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lazy, name)


def ask_without_importing() -> None:
    """Keep Keras from importing TensorFlow to save a model; a Keras without that part stays as is.

    Example:
        >>> ask_without_importing()
    """
    try:
        serialization = importlib.import_module(MODULE)
    except ImportError:  # a Keras that is built in another way
        return
    lazy = getattr(serialization, "tf", None)
    known = isinstance(getattr(type(lazy), "available", None), property)  # `lazy.available` imports
    if known and not isinstance(lazy, ImportedTensorFlow):
        serialization.tf = ImportedTensorFlow(lazy)  # type: ignore[attr-defined]
