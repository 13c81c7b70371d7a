"""Copies of layers with changed arguments."""

from __future__ import annotations

from typing import Any

import keras


def copy(layer: keras.layers.Layer, place: int = 0, **changes: Any) -> keras.layers.Layer:
    """Return a new, unbuilt layer of the same configuration with some changes.

    Args:
        layer: a recurrent layer, or a wrapper around some.
        place: added to the seed, so that the dropout masks of the copies differ.
        changes: arguments of the constructor and their new values.

    Example:
        >>> from rnnkit.layers import GRU
        >>> copy(GRU(8), return_sequences=True).return_sequences
        True
    """
    serialized = keras.saving.serialize_keras_object(layer)
    return keras.saving.deserialize_keras_object(changed(serialized, place, **changes))


def changed(serialized: dict[str, Any], place: int = 0, **changes: Any) -> dict[str, Any]:
    """Change the serialized configuration of a layer, or of the layers inside a wrapper.

    Arguments as for `copy`; the result is for `keras.saving.deserialize_keras_object`.
    """
    config = dict(serialized["config"])
    inner = {key: value for key, value in changes.items() if key != "name"}
    if "name" in changes:
        config["name"] = changes["name"]
    if config.get("seed") is not None:
        config["seed"] += place
    if "layer" in config:  # Bidirectional
        for key in ("layer", "backward_layer"):
            config[key] = changed(config[key], place, **inner)
    elif "layers" in config:  # Stack: the arguments of its last layer
        config["layers"] = [changed(part, place) for part in config["layers"]]
        config["layers"][-1] = changed(config["layers"][-1], **inner)
    else:
        config |= inner
    # Without its "build_config": the input of the new layer may have another shape.
    kept = {key: value for key, value in serialized.items() if key != "build_config"}
    return {**kept, "config": config}
