"""Outputs of layers inside a network: recorded, or replaced by others."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Tensor = Any


@contextlib.contextmanager
def changed_outputs(
    layers: Sequence[Any], change: Callable[[Any, Tensor, Any], Tensor]
) -> Iterator[None]:
    """Let the outputs of layers be changed, in the order of their calls, in this thread.

    Args:
        layers: of any networks; calls of other threads are left alone.
        change: from layer, outputs and first argument of the call to other outputs.

    Example:
        >>> import keras
        >>> layer = keras.layers.Dense(2)
        >>> with changed_outputs([layer], lambda layer, found, x: found + 1):
        ...     two = layer(keras.ops.zeros((1, 3)))
        >>> keras.ops.convert_to_numpy(two).tolist()
        [[1.0, 1.0]]
    """
    thread = threading.get_ident()  # others may ask the model meanwhile

    def changed(layer: Any, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def run(*args: Any, **kwargs: Any) -> Tensor:
            found = call(*args, **kwargs)
            # A tied table that is called in reverse gives scores.
            if threading.get_ident() != thread or kwargs.get("reverse"):
                return found
            return change(layer, found, args[0])

        return run

    for layer in layers:
        vars(layer)["call"] = changed(layer, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]
