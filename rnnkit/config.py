"""Configurations of Keras objects, made from a list of attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


def saved_arguments(item: Any) -> dict[str, Any]:
    """Return the attributes that the `config_keys` of a class and its base classes name.

    Args:
        item: an object; the values are plain, or have a `get_config` of their own.
    """
    config = {}
    for key in argument_names(item):
        value = getattr(item, key)
        config[key] = value.get_config() if hasattr(value, "get_config") else value
    return config


def argument_names(item: Any) -> list[str]:
    """Return what the `config_keys` of a class and its base classes name, the base classes first.

    Args:
        item: an object.
    """
    classes = reversed(type(item).__mro__)
    return list(dict.fromkeys(key for cls in classes for key in vars(cls).get("config_keys", ())))


class SavedArguments:
    """Mixin of Keras objects that keep constructor arguments as attributes of the same name.

    Example:
        >>> import keras
        >>> class Scale(SavedArguments, keras.layers.Layer):
        ...     config_keys = ("factor",)
        ...     def __init__(self, factor, **options):
        ...         super().__init__(**options)
        ...         self.factor = factor
        >>> Scale(2.0).get_config()["factor"]
        2.0
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    renamed_keys: ClassVar[Mapping[str, str]] = {}  # of files of earlier versions

    @classmethod
    def from_config(cls, config: dict[str, Any], *args: Any) -> Any:
        """Build the object from what `get_config` returned, in this version or an earlier one."""
        new = {cls.renamed_keys.get(key, key): value for key, value in config.items()}
        return super().from_config(new, *args)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), **saved_arguments(self)}  # type: ignore[misc]
