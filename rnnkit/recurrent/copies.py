"""Fresh copies of layers, with some of their arguments changed."""

from __future__ import annotations

from typing import Any

import keras


def copy(layer: keras.layers.Layer, place: int = 0, **changes: Any) -> keras.layers.Layer:
    """Return a fresh layer, not built, of the same configuration with some changes.

    Args:
        layer: a recurrent layer, or a wrapper around some.
        place: added to the seed: copies of one layer do not drop the same units.
        changes: arguments of the constructor and their new values.

    Example:
        >>> from rnnkit.layers import GRU
        >>> copy(GRU(8), return_sequences=True).return_sequences
        True
    """
    serialized = keras.saving.serialize_keras_object(layer)
    return keras.saving.deserialize_keras_object(changed(serialized, place, **changes))


def changed(serialized: dict[str, Any], place: int = 0, **changes: Any) -> dict[str, Any]:
    """Change the configuration of a layer, inside wrappers where they leave it to what they wrap.

    Args:
        serialized: the layer as `keras.saving.serialize_keras_object` gives it.
        place: added to the seed.
        changes: arguments of the constructor and their new values.

    Returns:
        The same form, for `keras.saving.deserialize_keras_object`.
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
    elif "layers" in config:  # Stack: its last layer decides
        config["layers"] = [changed(part, place) for part in config["layers"]]
        config["layers"][-1] = changed(config["layers"][-1], **inner)
    else:
        config |= inner
    # Without its "build_config": the new layer is built where it will stand.
    kept = {key: value for key, value in serialized.items() if key != "build_config"}
    return {**kept, "config": config}
