"""Class labels, names or numbers, to class indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.data.soft_labels import from_one
from rnnkit.data.splits import ClassLabels
from rnnkit.errors import InputError, clip, quote

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
    labels = labels if isinstance(labels, ClassLabels) else np.asarray(labels)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or len(labels) != count:
        raise InputError(
            f"{name}: the labels have the shape {labels.shape}; expected one label for each of the "
            f"{count} {plural}."
        )
    return labels


def soft_for_each(labels: Any, count: int, name: str, plural: str) -> np.ndarray | None:
    """Return soft labels as rows `(N, C)`, or None where the labels are names or whole numbers.

    Args:
        labels: rows of probabilities, or the probability of the second of two classes, `(N,)`.
        count: N, the number of examples.
        name: what messages call the set.
        plural: what messages call the examples.

    Example:
        >>> soft_for_each([0.25, 1], 2, "The training set", "texts").tolist()
        [[0.75, 0.25], [0.0, 1.0]]
        >>> soft_for_each([0.0, 1.0], 2, "The training set", "texts") is None
        True
    """
    if isinstance(labels, ClassLabels) or labels is None:
        return None
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind == "f":
        if len(labels) != count:
            raise InputError(
                f"{name}: the labels are {len(labels)} rows of probabilities; expected one for "
                f"each of the {count} {plural}."
            )
        return labels
    if labels.dtype.kind != "f" or np.all(labels == np.round(labels)):
        return None
    return from_one(one_for_each(labels, count, name, plural), f"{name}: y")


def match_classes(known: Sequence[Any], wanted: Sequence[Any], who: str) -> list[int]:
    """Return where each of the wanted classes is among those that a model knows.

    They are found by name; where one side has the numbers 0, 1, ... and the other names, by number.

    Args:
        known: the classes of the model, in the order of its columns.
        wanted: the classes in the order that is asked for.
        who: the model, for the message.

    Example:
        >>> match_classes(("pos", "neg"), ("neg", "pos"), "a model")
        [1, 0]
        >>> match_classes((0, 1), ("neg", "pos"), "a model")
        [0, 1]
    """
    own, names = list(map(str, known)), list(map(str, wanted))
    if set(own) == set(names):
        return [own.index(name) for name in names]
    numbers = list(map(str, range(len(names))))
    if len(own) == len(names) and numbers in (own, names):
        return list(range(len(names)))
    raise InputError(
        f"{who} has the classes {clip(', '.join(own))}; expected those that are learned: "
        f"{clip(', '.join(names))}."
    )


def check_classes(classes: Sequence[Label] | None) -> list[Label] | None:
    """Return class names as a list, or refuse fewer than two different ones; None stays None.

    Example:
        >>> check_classes(("neg", "pos"))
        ['neg', 'pos']
    """
    if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
        raise InputError(
            f"classes is {quote(list(classes))}; expected two or more different names."
        )
    return None if classes is None else list(classes)


def join_labels(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return the labels of several series as one array; names of the classes are kept.

    Example:
        >>> join_labels([np.array([0, 1]), np.array([1])])
        array([0, 1, 1])
    """
    joined = np.concatenate(rows)
    names = {row.classes for row in rows if isinstance(row, ClassLabels)}
    return ClassLabels(joined, names.pop()) if len(names) == 1 else joined


def learn_classes(labels: np.ndarray) -> list[Label]:
    """Return the distinct labels in order; refuse values that are no labels.

    Of labels that know the names of their classes, all names in the order of the indices.

    Example:
        >>> learn_classes(np.array(["pos", "neg", "pos"]))
        ['neg', 'pos']
    """
    if isinstance(labels, ClassLabels) and len(labels.classes) > 1:
        return list(labels.classes)
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

    Labels that know the names of their classes are found by name, in whichever order both have
    them; where the model has as many names and all of them are other ones, by index.

    Example:
        >>> to_numbers(np.array(["pos", "neg"]), ["neg", "pos"], "test")
        array([1, 0])
    """
    numbers: dict[Any, int] = {label: i for i, label in enumerate(classes)}
    if classes and isinstance(classes[0], str):
        numbers |= {i: i for i in range(len(classes))}
        names = labels.classes if isinstance(labels, ClassLabels) else ()
        if set(names) & set(classes) or (names and len(names) != len(classes)):
            labels = np.array(labels.names, object)  # type: ignore[attr-defined]
    try:
        return np.array([numbers[getattr(label, "item", lambda v=label: v)()] for label in labels])
    except KeyError as error:
        raise InputError(
            f"The {name} labels hold {quote(error.args[0])}; expected one of {clip(str(classes))}."
        ) from error
