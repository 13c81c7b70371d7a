"""Class and contents of a saved `.keras` file, without loading the model."""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple


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
    module = str(config.get("module"))
    if module.partition(".")[0] in packages:
        importlib.import_module(module)
    cls = keras.saving.get_registered_object(config.get("registered_name"))
    cls = cls if isinstance(cls, type) else object
    return SavedModel(cls, config.get("class_name"), members)
