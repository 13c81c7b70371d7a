"""Input of Markov chains: sequences of labels as lists, arrays, or one row with lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.errors import InputError

Label = str | float


def label_sequences(given: Any, lengths: Any = None) -> list[list[Label]]:
    """Return a list of labels for each sequence.

    Args:
        given: a list of sequences; or all labels in a row, `(N,)` or `(N, 1)`, split by `lengths`,
            one sequence without them. In a list of strings each string is a label.
        lengths: the number of labels of each sequence; they sum to N.

    Raises:
        InputError: no sequence, an empty one, a missing label, strings among numbers, or lengths
            that do not fit.

    Example:
        >>> label_sequences(["a", "b", "a"], lengths=[2, 1])
        [['a', 'b'], ['a']]
    """
    if isinstance(given, str):
        raise InputError(
            f"Got the string {given[:40]!r}; expected sequences of labels. For letters, list(text)."
        )
    items = list(given)
    if isinstance(given, np.ndarray) and given.ndim == 2 and given.shape[1] == 1:
        items = given[:, 0].tolist()
    single = [_is_label(item) for item in items]
    if any(single) and not all(single):
        raise InputError(
            f"Item {single.index(False)} is a sequence and item {single.index(True)} is a label; "
            "expected a list of sequences, or one of labels."
        )
    if lengths is not None:
        if not all(single):
            raise InputError("lengths split one row of labels; a list of sequences needs none.")
        try:
            sizes = np.asarray(lengths)
        except ValueError:  # rows of different lengths
            sizes = np.asarray(None)
        whole = sizes.ndim == 1 and sizes.dtype.kind in "iu" and (sizes >= 0).all()
        if not whole or sizes.sum() != len(items):
            expected = f"integers that sum to {len(items)}, the number of labels"
            raise InputError(f"lengths is {lengths!r}; expected {expected}.")
        ends = np.cumsum(sizes)
        items = [items[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    elif items and all(single):
        items = [items]
    if not items:
        raise InputError("There is no sequence; give at least one, with at least one label.")
    split = [labels(item, place) for place, item in enumerate(items)]
    _refuse_mixed(label for each in split for label in each)
    return split


def labels(sequence: Any, place: int = 0) -> list[Label]:
    """Return one sequence as a list of Python strings or numbers; refuse an empty or invalid one.

    Example:
        >>> labels(np.array([2, 1]))
        [2, 1]
    """
    found = sequence.tolist() if isinstance(sequence, np.ndarray) else list(sequence)
    if not found:
        raise InputError(f"Sequence {place} is empty; remove it.")
    found = [label.item() if isinstance(label, np.generic) else label for label in found]
    for step, label in enumerate(found):
        if not isinstance(label, (str, int, float)) or label != label:
            raise InputError(
                f"Step {step} of sequence {place} is {label!r}; expected a string or a number. "
                "Split the sequence at a missing label."
            )
    return found


def state_names(classes: Sequence[Label]) -> np.ndarray:
    """Return the names of the states as an array; refuse duplicates, and strings among numbers.

    Example:
        >>> state_names(["rain", "sun"]).tolist()
        ['rain', 'sun']
    """
    names = labels(classes)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"classes has {twice!r} twice; give each state its own name.")
    _refuse_mixed(names)
    return np.asarray(names)


def _is_label(item: Any) -> bool:
    return isinstance(item, (str, np.generic)) or not hasattr(item, "__len__")


def _refuse_mixed(names: Any) -> None:
    if len({isinstance(name, str) for name in names}) > 1:
        raise InputError("Some labels are strings and some are numbers; use str(label) for all.")
