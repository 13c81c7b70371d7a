"""Class labels, names or numbers, to class indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.errors import InputError

Label = str | int


def one_for_each(labels: Any, count: int, name: str, plural: str) -> np.ndarray:
    """Return labels `(N,)` or `(N, 1)` as `(N,)`, or refuse other than one for each example.

    Args:
        labels: of the examples.
        count: N, the number of examples.
        name: what messages call the set.
        plural: what messages call the examples.

    Example:
        >>> one_for_each([[1], [0]], 2, "The training set", "texts")
        array([1, 0])
    """
    if labels is None:
        raise InputError(f"{name}: labels are missing. Give one for each of the {count} {plural}.")
    labels = np.asarray(labels)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or len(labels) != count:
        raise InputError(
            f"{name}: the labels have the shape {labels.shape}; expected one label for each of the "
            f"{count} {plural}."
        )
    return labels


def check_classes(classes: Sequence[Label] | None) -> list[Label] | None:
    """Return class names as a list, or refuse fewer than two different ones; None stays None.

    Example:
        >>> check_classes(("neg", "pos"))
        ['neg', 'pos']
    """
    if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
        raise InputError(f"classes is {list(classes)!r}; expected two or more different names.")
    return None if classes is None else list(classes)


def learn_classes(labels: np.ndarray) -> list[Label]:
    """Return the distinct labels in order; refuse values that are no labels.

    Example:
        >>> learn_classes(np.array(["pos", "neg", "pos"]))
        ['neg', 'pos']
    """
    if labels.dtype.kind == "f" and np.all(labels == np.round(labels)):
        labels = labels.astype(int)
    if labels.dtype.kind not in "biuUO":
        raise InputError(f"Labels are {labels.dtype}; expected names or whole numbers.")
    values = {label.item() if isinstance(label, np.generic) else label for label in labels}
    names = {isinstance(value, str) for value in values}
    if len(names) != 1 or not all(isinstance(value, (str, int)) for value in values):
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise InputError(f"Labels hold {kinds}; expected all names or all whole numbers.")
    return sorted(int(value) if isinstance(value, bool) else value for value in values)


def to_numbers(labels: np.ndarray, classes: list[Label], name: str) -> np.ndarray:
    """Return the class index of each label; an index is valid where classes are names.

    Example:
        >>> to_numbers(np.array(["pos", "neg"]), ["neg", "pos"], "test")
        array([1, 0])
    """
    numbers: dict[Any, int] = {label: i for i, label in enumerate(classes)}
    if classes and isinstance(classes[0], str):
        numbers |= {i: i for i in range(len(classes))}
    try:
        return np.array([numbers[getattr(label, "item", lambda v=label: v)()] for label in labels])
    except KeyError as error:
        raise InputError(
            f"The {name} labels hold {error.args[0]!r}; expected one of {classes}."
        ) from error
