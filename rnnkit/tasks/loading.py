"""Loading of saved tasks and word vectors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rnnkit import plugins
from rnnkit.deprecation import upgrade_classes
from rnnkit.embeddings.model import Word2Vec
from rnnkit.errors import InputError, quote
from rnnkit.saved_files import load_saved_model, read_saved_model
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
    stored = set(saved.cls.assets)
    if issubclass(saved.cls, Task):
        stored -= {name for name, asset in saved.cls.assets.items() if asset.optional}
    needed = {"model.weights.h5", *(f"assets/{name}" for name in stored)}
    if missing := sorted(needed - saved.members):
        raise InputError(f"{wrong}; {' and '.join(missing)} are missing. Save it again.")
    model = load_saved_model(path, saved.class_name)
    upgrade_classes(model)
    return model
