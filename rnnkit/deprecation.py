"""Old names that keep working for one release, with a DeprecationWarning that names the new one.

Every rename is registered here, so that the table in the documentation can be checked against it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

Taker = TypeVar("Taker", bound=Callable[..., Any])


class Rename(NamedTuple):
    """An old public name and what replaces it.

    Attributes:
        kind: "name", "module", "option", "attribute" or "class in a saved file".
        where: the module, function or class that has it.
        old: the old name.
        new: the new name.
    """

    kind: str
    where: str
    old: str
    new: str


RENAMES: list[Rename] = []
CLASSES: dict[type, type] = {}  # what old files name -> the class that has taken its place


def register(*renames: Rename) -> None:
    """Add renames to the list, each once."""
    RENAMES.extend(rename for rename in renames if rename not in RENAMES)


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
    register(*renames.values())

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
    register(*renames)

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


class _OldModules:
    """Finds modules under their old names; `importlib.abc` is left out, which is slow to import."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.renames = {old: Rename("module", "rnnkit", old, new) for old, new in names.items()}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Return a spec for an old name, None for any other."""
        if fullname in self.renames:
            return importlib.machinery.ModuleSpec(fullname, self)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: Any) -> Any:
        """Return the module that has taken the place of the old one."""
        rename = self.renames[spec.name]
        warn(rename, stacklevel=1)
        module = importlib.import_module(rename.new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: Any) -> None:
        """Give the module its own spec back, which Python has replaced."""
        module.__spec__ = module.__spec__.loader_state


def renamed_modules(names: Mapping[str, str]) -> None:
    """Let old names of modules be imported.

    Args:
        names: old name -> new name.
    """
    finder = _OldModules(names)
    register(*finder.renames.values())
    sys.meta_path.append(finder)


class RenamedAttributes:
    """Mixin whose `renamed_attributes` (old name -> new name) keep working.

    They are found by `__getattr__`, not by properties: whoever goes through all attributes, as
    Keras does to save a model, meets no warning.

    Example:
        >>> class Model(RenamedAttributes):
        ...     renamed_attributes = {"monitor": "monitored_metric"}
        ...     monitored_metric = "val_loss"
        >>> import pytest
        >>> with pytest.warns(DeprecationWarning, match="is now called 'monitored_metric'"):
        ...     Model().monitor
        'val_loss'
    """

    renamed_attributes: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for old, new in vars(cls).get("renamed_attributes", {}).items():
            register(Rename("attribute", cls.__name__, old, new))

    def __getattr__(self, name: str) -> Any:
        for cls in type(self).__mro__:
            new = vars(cls).get("renamed_attributes", {}).get(name)
            if new is not None:
                warn(Rename("attribute", cls.__name__, name, new), stacklevel=2)
                return getattr(self, new)
        parent = getattr(super(), "__getattr__", None)  # torch's modules have one
        if parent is not None:
            return parent(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def takes_old_options(**names: str) -> Callable[[Taker], Taker]:
    """Return a decorator for functions some of whose keyword arguments were renamed.

    Args:
        **names: old keyword -> new keyword.

    Example:
        >>> @takes_old_options(penalty="l2")
        ... def bag_of_words_classifier(l2=0.0):
        ...     return l2
        >>> import pytest
        >>> with pytest.warns(DeprecationWarning, match="is now called 'l2'"):
        ...     bag_of_words_classifier(penalty=0.5)
        0.5
    """

    def decorate(function: Taker) -> Taker:
        rename = renamed_options(function.__name__, names)

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            return function(*args, **rename(given))

        return cast(Taker, call)

    return decorate


def renamed_class(old: str, new: type, package: str = "rnnkit") -> None:
    """Let Keras load files that hold a class under an old registered name.

    Keras stores weights under the names of classes, so the loaded object has to have the old name:
    it is of a subclass, until `upgrade_classes` replaces that by the new class.

    Args:
        old: the old class name.
        new: the class that has taken its place.
        package: under which both are registered with Keras.
    """
    import keras

    rename = Rename("class in a saved file", package, old, new.__name__)
    register(rename)

    def from_config(cls: Any, config: dict[str, Any]) -> Any:
        warn(rename)
        return super(alias, cls).from_config(config)

    members = {"from_config": classmethod(from_config), "__doc__": new.__doc__}
    alias: Any = type(old, (new,), members | {"__module__": new.__module__})
    keras.saving.register_keras_serializable(package=package, name=old)(alias)
    CLASSES[alias] = new


def upgrade_classes(model: Any) -> None:
    """Give the layers of a model that was loaded from an old file their new classes.

    Args:
        model: a Keras model.
    """
    for layer in model._flatten_layers():
        if type(layer) in CLASSES:
            layer.__class__ = CLASSES[type(layer)]
