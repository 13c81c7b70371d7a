"""Initial values of variables that NumPy makes: JAX compiles a program for each shape of zeros."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import jax
import keras
import numpy as np
from keras.src.backend.jax import numpy as functions

ORIGINALS = {"zeros": functions.zeros, "ones": functions.ones}
_lock, _inside = threading.Lock(), 0


def _filled(make: Any) -> Any:
    def call(shape: Any, dtype: Any = None) -> Any:
        """Return an array of this shape."""
        name = keras.backend.standardize_dtype(dtype or keras.config.floatx())
        return jax.device_put(make(shape, jax.numpy.dtype(name)))

    return call


@contextlib.contextmanager
def initial_values() -> Iterator[None]:
    """Context in which `keras.ops.zeros` and `ones`, and so most initial values, compile nothing.

    Network, optimizer and metrics of a small model otherwise take a dozen programs.
    """
    global _inside
    with _lock:
        _inside += 1
        for name in ORIGINALS if _inside == 1 else ():
            setattr(functions, name, _filled(getattr(np, name)))
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            for name, original in ORIGINALS.items() if not _inside else ():
                setattr(functions, name, original)
