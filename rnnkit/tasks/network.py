"""Named parts of the network inside a task."""

from __future__ import annotations

from typing import Any, TypeVar

import keras

from rnnkit.errors import InputError

Parts = TypeVar("Parts", bound=tuple)


def find_parts(network: keras.Model, record: type[Parts]) -> Parts:
    """Return the layers of a network that a task works with, by name.

    Args:
        network: a functional model.
        record: a NamedTuple class of names of layers; those with the default None may be missing.

    Raises:
        InputError: the network lacks a layer that the record requires.

    Example:
        >>> from typing import NamedTuple
        >>> class Named(NamedTuple):
        ...     embedding: keras.layers.Layer
        ...     crf: keras.layers.Layer | None = None
        >>> ids = keras.Input((None,), dtype="int32")
        >>> network = keras.Model(ids, keras.layers.Embedding(9, 2, name="embedding")(ids))
        >>> find_parts(network, Named).embedding.output_dim, find_parts(network, Named).crf
        (2, None)
    """
    layers: dict[str, Any] = {layer.name: layer for layer in network.layers}
    fields: tuple[str, ...] = record._fields  # type: ignore[attr-defined]
    optional = record._field_defaults  # type: ignore[attr-defined]
    missing = [name for name in fields if name not in layers and name not in optional]
    if missing:
        raise InputError(
            f"The network {network.name!r} has no layer named {' or '.join(map(repr, missing))}, "
            "which the task works with. Give the layer that name in build_network."
        )
    return record(*[layers.get(name) for name in fields])  # type: ignore[arg-type]
