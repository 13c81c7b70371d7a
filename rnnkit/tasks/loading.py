"""Loading of saved tasks and word vectors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras

from rnnkit import plugins
from rnnkit.deprecation import upgrade_classes
from rnnkit.embeddings.model import Word2Vec
from rnnkit.errors import InputError, quote
from rnnkit.saved_files import naming_damaged, read_saved_model
from rnnkit.tasks.task import Task


def load(filepath: str | os.PathLike[str]) -> Any:
    """Load a trained task, or a model of word vectors, from its `.keras` file, on any backend.

    Returns:
        A `Task`, or a `rnnkit.embeddings.SkipGram` or `CBOW`.

    Raises:
        InputError: there is no such file, it is no rnnkit model, or it is damaged.

    Example:
        >>> load("sentiment.keras").predict(["Dull."])  # doctest: +SKIP
        array([[0.08]], dtype=float32)
    """
    path = Path(filepath)
    if not path.is_file():
        raise InputError(f"There is no model file {path}.")
    wrong = f"{path} is no rnnkit model: expected a .keras file that model.save wrote"
    try:
        saved = read_saved_model(path, packages=plugins.packages())
    except ValueError as error:
        raise InputError(f"{wrong} ({error}).") from error
    if not issubclass(saved.cls, Task | Word2Vec):
        raise InputError(f"{wrong}; it holds a {quote(saved.class_name)}.")
    needed = {"model.weights.h5", *(f"assets/{name}" for name in saved.cls.assets)}
    if missing := sorted(needed - saved.members):
        raise InputError(f"{wrong}; {' and '.join(missing)} are missing. Save it again.")
    with naming_damaged(path, saved.class_name):
        model = keras.saving.load_model(path)
    upgrade_classes(model)
    return model
