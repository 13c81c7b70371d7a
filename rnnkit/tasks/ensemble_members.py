"""Members of an ensemble: opened, asked for probabilities, told apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.soft_labels import check_probabilities, from_one
from rnnkit.errors import InputError, quote, suggest_sibling
from rnnkit.tasks.labels import match_classes
from rnnkit.training.fingerprint import digest


def classes_of(model: Any) -> tuple[str, ...] | None:
    """Return the names of the classes that a model knows, in the order of its columns.

    Example:
        >>> classes_of(print) is None
        True
    """
    try:
        known = getattr(model, "classes_", None)
    except InputError:
        known = None
    if known is None:
        known = getattr(model, "classes", None)
    if known is None or callable(known) or not len(known):
        return None
    return tuple(map(str, known))


def ask(model: Any, x: Any, classes: Sequence[Any] | None) -> np.ndarray:
    """Return a member's probabilities with the columns in the order of the classes, `(N, C)`."""
    predict = getattr(model, "predict_proba", None) or getattr(model, "predict", None) or model
    found, where = np.asarray(predict(x)), f"The answer of {name_of(model)} to examples"
    if found.dtype.kind not in "fiub" or found.ndim not in (1, 2) or len(found) != len(x):
        raise InputError(
            f"{where} is {quote(found)} of the shape {found.shape}; expected probabilities, one "
            f"row for each of the {len(x)} examples."
        )
    if found.ndim == 1 or found.shape[1] == 1:
        rows = from_one(found.reshape(-1), where)
    else:
        rows = check_probabilities(found.astype("float64"), where)
    known = classes_of(model)
    if classes is not None and rows.shape[1] != len(classes):
        raise InputError(
            f"{where} has {rows.shape[1]} probabilities each; expected one for each of the classes "
            f"{', '.join(map(str, classes))}."
        )
    if known is None or classes is None:
        return rows
    return rows[:, match_classes(known, classes, name_of(model))]


def check_member(model: Any) -> None:
    """Refuse what has no predictions and is no path."""
    known = callable(model) or hasattr(model, "predict_proba") or hasattr(model, "predict")
    if not known and not isinstance(model, str | os.PathLike):
        raise InputError(
            f"A member of the ensemble is {quote(model)}; expected a model with predict, a run's "
            "folder or a .keras file."
        )


def model_file(path: str | os.PathLike[str]) -> Path:
    """Return the file of a model: of a run's folder, the one in it."""
    found = Path(path).expanduser()
    file = found / "model.keras" if found.is_dir() else found
    if not file.is_file():
        what = "has no model.keras: it is no run, or not complete" if found.is_dir() else ""
        what = what or f"is no file or folder.{suggest_sibling(found)}"
        raise InputError(f"{found} {what}. Give the folder of a complete run, or a .keras file.")
    return file


def fingerprint_of(model: Any) -> str | None:
    """Return a digest of a model: of a file its bytes, of a network its weights."""
    if isinstance(model, str | os.PathLike):
        return digest(np.fromfile(model_file(model), np.uint8))
    weights = getattr(model, "get_weights", None)
    return None if weights is None else digest(weights(), classes_of(model))


def name_of(model: Any) -> str:
    """Return what messages call a member.

    Example:
        >>> name_of("runs/one"), name_of(print), name_of(3)
        ('runs/one', "the model 'print'", 'a int')
    """
    if isinstance(model, str | os.PathLike):
        return str(model)
    name = getattr(model, "name", None) or getattr(model, "__name__", None)
    return f"the model {name!r}" if isinstance(name, str) else f"a {type(model).__name__}"
