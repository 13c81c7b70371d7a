"""From one file back to a trained task, or to word vectors."""

from __future__ import annotations

import importlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras

from rnnkit import plugins
from rnnkit.embeddings.model import Word2Vec
from rnnkit.errors import InputError
from rnnkit.tasks.base import Task


def load(filepath: str | os.PathLike[str]) -> Any:
    """Load a trained task, or a model of word vectors, from its `.keras` file, on any backend.

    Returns:
        A `Task`, or a `rnnkit.embeddings.SkipGram` or `CBOW`.

    Raises:
        InputError: there is no such file, or it is no rnnkit model.

    Example:
        >>> load("sentiment.keras").predict(["Dull."])  # doctest: +SKIP
        array([[0.08]], dtype=float32)
    """
    path = Path(filepath)
    if not path.is_file():
        raise InputError(f"There is no model file {path}.")
    wrong = f"{path} is no rnnkit model: expected a .keras file that model.save wrote"
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            members = set(archive.namelist())
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{wrong} ({error}).") from error
    module = str(config.get("module"))
    if module.partition(".")[0] in plugins.packages():
        importlib.import_module(module)  # which registers its classes with Keras
    kind = keras.saving.get_registered_object(config.get("registered_name"))
    if not (isinstance(kind, type) and issubclass(kind, Task | Word2Vec)):
        raise InputError(f"{wrong}; it holds a {config.get('class_name')!r}.")
    needed = {"model.weights.h5", *(f"assets/{name}" for name in kind.assets)}
    if missing := sorted(needed - members):
        raise InputError(f"{wrong}; {' and '.join(missing)} are missing. Save it again.")
    return keras.saving.load_model(path)
