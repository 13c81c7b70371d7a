"""Class and contents of a saved `.keras` file, without loading the model."""

from __future__ import annotations

import contextlib
import importlib
import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from rnnkit.errors import InputError


class SavedModel(NamedTuple):
    """The class and contents of a `.keras` file.

    Attributes:
        cls: the class that is registered with Keras under the saved name; `object` for none.
        class_name: the saved name of the class.
        members: the names of the files inside.
    """

    cls: type
    class_name: str | None
    members: set[str]


def read_saved_model(path: Path, packages: Collection[str] = ()) -> SavedModel:
    """Return the class and contents of a `.keras` file.

    Args:
        path: the file.
        packages: packages whose modules may be imported, which registers their classes with Keras.

    Raises:
        ValueError: not a zip archive, or one without the configuration of a model.

    Example:
        >>> read_saved_model(Path(__file__))
        Traceback (most recent call last):
        ValueError: File is not a zip file
    """
    import keras

    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            members = set(archive.namelist())
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(config, dict):
        raise ValueError("its config.json holds no configuration of a model")
    module = str(config.get("module"))
    if module.partition(".")[0] in packages:
        importlib.import_module(module)
    cls = keras.saving.get_registered_object(config.get("registered_name"))
    cls = cls if isinstance(cls, type) else object
    return SavedModel(cls, config.get("class_name"), members)


@contextlib.contextmanager
def naming_damaged(path: Path, class_name: str | None) -> Iterator[None]:
    """Turn the errors of Keras at a file that it cannot load into one that names the file.

    Args:
        path: the file.
        class_name: what it should hold.

    Raises:
        InputError: an error was raised inside.

    Example:
        >>> with naming_damaged(Path("mine.keras"), "Model"):
        ...     raise KeyError("layer")
        Traceback (most recent call last):
        rnnkit.errors.InputError: mine.keras should hold a 'Model' and cannot be loaded: it is \
damaged, or a class in it is not imported (KeyError: 'layer').
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{path} cannot be loaded: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, OSError, EOFError) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise InputError(
            f"{path} should hold a {class_name!r} and cannot be loaded: it is damaged, or a class "
            f"in it is not imported ({type(error).__name__}: {reason})."
        ) from error
