"""Old names that keep working for one release, with a DeprecationWarning that names the new one.

Every rename is registered here, so that the table in the documentation can be checked against it.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Rename(NamedTuple):
    """An old public name and what replaces it.

    Attributes:
        kind: "name", "option" or "class in a saved file".
        where: the module, function or class that has it.
        old: the old name.
        new: the new name.
    """

    kind: str
    where: str
    old: str
    new: str


RENAMES: list[Rename] = []


def warn(rename: Rename, stacklevel: int = 3) -> None:
    """Emit the DeprecationWarning of a rename."""
    warnings.warn(
        f"{rename.kind} {rename.old!r} of {rename.where} is now called {rename.new!r}; the old one "
        "will be removed in the next release.",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module-level `__getattr__` that serves old names.

    Args:
        module: ``__name__`` of the module that had them.
        names: old name -> new name in the same module, or ``"module:name"`` elsewhere.

    Example:
        >>> __getattr__ = renamed_names("rnnkit.errors", {"nearest": "suggest"})
        >>> import pytest
        >>> with pytest.warns(DeprecationWarning, match="is now called 'suggest'"):
        ...     __getattr__("nearest")("lsmt", ["lstm"])
        " Did you mean 'lstm'?"
    """
    renames = {old: Rename("name", module, old, new) for old, new in names.items()}
    RENAMES.extend(rename for rename in renames.values() if rename not in RENAMES)

    def getattr_(name: str) -> Any:
        if name not in renames:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn(renames[name], stacklevel=2)
        home, _, new = names[name].rpartition(":")
        return getattr(importlib.import_module(home or module), new)

    return getattr_


def renamed_options(where: str, names: Mapping[str, str]) -> Callable[[dict[str, Any]], Any]:
    """Return a function that moves the values of old keyword arguments to their new names.

    Args:
        where: the function or class that takes them.
        names: old keyword -> new keyword.

    Raises:
        TypeError: when called with both the old and the new keyword.

    Example:
        >>> rename = renamed_options("LanguageModel", {"units": "tokenizer"})
        >>> import pytest
        >>> with pytest.warns(DeprecationWarning, match="is now called 'tokenizer'"):
        ...     rename({"units": 3, "window": 9})
        {'window': 9, 'tokenizer': 3}
    """
    renames = [Rename("option", where, old, new) for old, new in names.items()]
    RENAMES.extend(rename for rename in renames if rename not in RENAMES)

    def rename(options: dict[str, Any]) -> dict[str, Any]:
        found = dict(options)
        for one in renames:
            if one.old in found:
                if one.new in found:
                    raise TypeError(f"{where}() got both {one.new!r} and its old name {one.old!r}.")
                warn(one)
                found[one.new] = found.pop(one.old)
        return found

    return rename


def renamed_attribute(where: str, old: str, new: str) -> Any:
    """Return a property that serves the old name of an attribute.

    Args:
        where: the class that has it.
        old: the old name.
        new: the new name.

    Example:
        >>> class Answer:
        ...     request = 3
        ...     facts = renamed_attribute("Answer", "facts", "request")
        >>> import pytest
        >>> with pytest.warns(DeprecationWarning, match="is now called 'request'"):
        ...     Answer().facts
        3
    """
    rename = Rename("name", where, old, new)
    if rename not in RENAMES:
        RENAMES.append(rename)

    def get(self: Any) -> Any:
        warn(rename, stacklevel=2)
        return getattr(self, new)

    return property(get, doc=f"The old name of `{new}`.")


def renamed_class(old: str, new: type, package: str = "rnnkit") -> None:
    """Let Keras load files that hold a class under an old registered name.

    Args:
        old: the old class name.
        new: the class that has taken its place.
        package: under which both are registered with Keras.
    """
    import keras

    rename = Rename("class in a saved file", package, old, new.__name__)
    if rename not in RENAMES:
        RENAMES.append(rename)

    class Old:
        """What Keras finds under the old name."""

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            """Build the new class."""
            warn(rename)
            return new.from_config(config)  # type: ignore[attr-defined]

    keras.saving.get_custom_objects()[f"{package}>{old}"] = Old
