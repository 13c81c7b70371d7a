"""Class and contents of a saved `.keras` file, without loading the model."""

from __future__ import annotations

import contextlib
import importlib
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.errors import InputError
from rnnkit.untrusted import check_classes, check_sizes, check_weights, check_zip, parse_json

_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(KeyError, ValueError, RuntimeError, NotImplementedError),
)


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

    It unpacks to no more than a hundredfold of its size, and its classes lie in packages that may
    be imported.

    Args:
        path: the file.
        packages: packages whose modules may be imported, which registers their classes with Keras.

    Raises:
        ValueError: not a zip archive, damaged, or without the configuration of a model.

    Example:
        >>> read_saved_model(Path(__file__))
        Traceback (most recent call last):
        ValueError: File is not a zip file
    """
    import keras

    try:
        with zipfile.ZipFile(path) as archive:
            check_zip(archive, path.stat().st_size)
            config = parse_json(archive.read("config.json"))
            members = set(archive.namelist())
        check_classes(config, packages)
    except _DAMAGED as error:
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
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")
        raise InputError(
            f"{path} should hold a {class_name!r} and cannot be loaded: it is damaged, or a class "
            f"in it is not imported ({type(error).__name__}: {reason})."
        ) from error


def load_saved_model(path: Path, class_name: str | None) -> Any:
    """Load a `.keras` file that `read_saved_model` has looked at; its weights are checked first.

    Args:
        path: the file.
        class_name: what it should hold.

    Raises:
        InputError: it is damaged, claims more than it stores, or reads from another file.

    Example:
        >>> load_saved_model(Path(__file__), "Model")
        Traceback (most recent call last):
        rnnkit.errors.InputError: ... should hold a 'Model' and cannot be loaded: it is damaged...
    """
    import keras

    with naming_damaged(path, class_name):
        with zipfile.ZipFile(path) as archive:
            config = parse_json(archive.read("config.json"))
            for name in archive.namelist():
                data = archive.read(name)  # to the end, where the checksum is
                if name.endswith(".h5"):
                    check_sizes(config, check_weights(data, name))
                del data
        return keras.saving.load_model(path)
