"""Commands import Keras without what it brings for uses that no command has.

Keras imports scikit-learn, Matplotlib and pandas where they are installed, for its wrappers, its
galleries of images and tables given to `fit`; on PyTorch and TensorFlow it also imports JAX, for a
callback, as TensorFlow does for its converter. All do without, and are imported much faster then.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from rnnkit import plugins

# The beginning of the importing module's name -> what it does without.
OPTIONAL = {
    "keras.": {"matplotlib", "pandas", "sklearn"},
    "keras.src.callbacks.": {"jax"},  # not its backend, which needs it
    "tensorflow.": {"jax"},
}
HIDDEN = set().union(*OPTIONAL.values())


class _Hiding:
    """Finds no module for the packages of `OPTIONAL`; all others get the same modules as ever."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Refuse an optional import of one of these packages."""
        if fullname.partition(".")[0] not in HIDDEN:
            return
        frame = sys._getframe(1)
        while frame.f_back and "importlib" in frame.f_globals.get("__name__", ""):
            frame = frame.f_back
        importer = str(frame.f_globals.get("__name__"))
        for begin, names in OPTIONAL.items():
            if importer.startswith(begin) and fullname.partition(".")[0] in names:
                raise ModuleNotFoundError(f"{importer} does without {fullname}", name=fullname)


@contextlib.contextmanager
def lean_keras() -> Iterator[None]:
    """Let Keras do without these packages, if it is imported inside.

    Families of other packages may need all of Keras: where there are some, nothing changes.

    Example:
        >>> with lean_keras():
        ...     import keras
    """
    if "keras" in sys.modules or plugins.packages():
        yield
        return
    finder: Any = _Hiding()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
