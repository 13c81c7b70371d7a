"""Everybody's data as lists and arrays: what `fit`, `evaluate` and `predict` of all tasks take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnkit.data.columns import (
    class_names,
    class_order,
    decoded,
    is_column,
    is_missing,
    to_array,
    to_list,
)
from rnnkit.data.frames import Columns, InputForm, Inputs, is_table, read_table
from rnnkit.data.paths import refuse_path
from rnnkit.data.series import Series
from rnnkit.data.soft_labels import soft_rows
from rnnkit.data.streams import is_stream, read_stream
from rnnkit.data.token_files import TokenTexts
from rnnkit.errors import InputError, quote, quote_all

SPLITS = {  # name in messages -> the split of a Hugging Face `DatasetDict`
    "The training set": "train",
    "The validation set": "validation",
    "The test set": "test",
    "The unlabelled set": "unsupervised",
}


def holds_targets(x: Any) -> bool:
    """Return whether an object has targets beside its examples: a table or a stream.

    Example:
        >>> holds_targets(iter([("a", 1)])), holds_targets(["a"])
        (True, False)
    """
    return is_table(x) or is_stream(x) or "datasets.DatasetDict" in class_names(x)


def read_examples(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    form: InputForm,
    name: str,
    text_column: Any = None,
    label_column: Any = None,
    steps: int | None = None,
    option: str = "steps_per_epoch",
    targets: bool = True,
) -> Inputs:
    """Return examples, targets and weights as lists and arrays, whatever holds them.

    Args:
        x: a list, an array, a column or a tensor of examples; or a table or a stream, which have
            the targets, too. See `rnnkit.data.frames` and `rnnkit.data.streams`.
        y: the targets, where x has none: a list, an array, a column or a tensor; or the name of a
            column of the table x.
        sample_weight: one weight for each example, likewise.
        form: what the task takes.
        name: the set, for messages, such as "The training set".
        text_column: the column of the examples in a table.
        label_column: the column of the targets in a table.
        steps: the number of elements to read of a stream; None = all.
        option: the argument that gave `steps`, for messages.
        targets: whether targets are read; False to predict.

    Raises:
        InputError: something that holds no examples, has no such column, a missing or mixed label.

    Example:
        >>> read_examples(np.array(["good", "bad"]), (1, 0), form=InputForm(), name="The set")[:2]
        (['good', 'bad'], [1, 0])
    """
    refuse_path(x, name)
    if "datasets.DatasetDict" in class_names(x):
        x = _split(x, name)
    if isinstance(x, Mapping):
        raise InputError(
            f"{name} is a {type(x).__name__} with {quote_all(x)}: expected the examples "
            "themselves. Give x and y apart, or a table such as pandas.DataFrame(x)."
        )
    stream, table = is_stream(x), is_table(x)
    if is_table(y):
        y = _only_column(y, "y")
    if isinstance(y, str) and table:
        if label_column is not None:
            raise InputError(
                f"y is {quote(y)} and label_column {quote(label_column)}: give one of them."
            )
        y, label_column = None, y
    weight_column = None
    if isinstance(sample_weight, str):
        weight_column, sample_weight = sample_weight, None
    if steps is not None and not stream:
        raise InputError(
            f"{option} is {steps}, and {name.lower()} is {type(x).__name__}, not a stream: its "
            "examples are all read. Leave it out."
        )
    if stream and (y is not None or sample_weight is not None):
        given = "y" if y is not None else "sample_weight"
        raise InputError(
            f"{given} was given beside a {type(x).__name__}: a stream yields (x, y) or "
            "(x, y, sample_weight) itself. Leave it out."
        )
    for column, option_name in ((label_column, "label_column"), (text_column, "text_column")):
        if column is not None and not (stream or table):
            raise InputError(
                f"{option_name} is {quote(column)}, and {name.lower()} is {type(x).__name__}, "
                "which "
                "has no columns. Leave it out, or give a table."
            )
    if label_column is not None and y is not None:
        raise InputError(
            f"y was given, and label_column is {quote(label_column)}: give one of them."
        )
    if weight_column is not None and not (stream or table):
        raise InputError(
            f"sample_weight is {quote(weight_column)}: expected a number for each example."
        )
    columns = Columns(text_column, label_column, weight_column)
    if stream:
        found = read_stream(x, form, columns, targets=targets, steps=steps, option=option)
    elif table:
        found = read_table(x, form, columns, targets=targets and y is None)
        if weight_column is not None and found.sample_weight is None:
            raise InputError(
                f"sample_weight is {quote(weight_column)}: the weights of one series are not "
                "read from "
                "its table. Leave it out."
            )
    else:
        found = Inputs(examples(x, form.depth))
    if y is not None:
        classes = _class_order(y)
        found = found._replace(y=values(y), classes=classes)
    if sample_weight is not None:
        found = found._replace(sample_weight=values(sample_weight))
    soft = soft_rows(found.y, name) if form.soft else None
    return found._replace(
        y=check_targets(found.y, form.label_depth, name) if soft is None else soft
    )


def examples(x: Any, depth: int) -> Any:
    """Return examples as a list, in which each is a text, a list of words, an array or a series.

    A single text, array `(T, D)` or `Series` stays one.
    """
    if isinstance(x, TokenTexts):
        return x
    x = values(x)
    if isinstance(x, list) and any(is_table(one) or is_column(one) for one in x[:1]):
        form = InputForm("series", None, 2)
        return [
            read_table(one, form, Columns(), targets=False).x if is_table(one) else to_list(one)
            for one in x
        ]
    if isinstance(x, list) and x and not isinstance(x[0], str | bytes | list | Series):
        x = [to_array(one) for one in x]
    if isinstance(x, np.ndarray):
        if depth < 2 or x.dtype == object:
            return x.tolist() if depth < 2 else list(x)
        return list(x) if x.ndim > 2 else x
    return x


def values(x: Any) -> Any:
    """Return a column or another sequence as a list, a tensor as an array, others as they are.

    Example:
        >>> values(("a", "b")), values(range(2)), values("a text")
        (['a', 'b'], [0, 1], 'a text')
    """
    if x is None or isinstance(x, str | bytes | list | np.ndarray | Series):
        return x
    if is_column(x) or isinstance(x, Sequence):
        return to_list(x)
    return to_array(x)


def check_targets(y: Any, depth: int | None, name: str) -> Any:
    """Return labels decoded, or refuse missing, nested and mixed ones; other targets as they are.

    Args:
        y: the targets, or None.
        depth: 0 = one label for each example, 1 = a list of labels for each; None = no labels.
        name: the set, for messages.

    Raises:
        InputError: a label that is missing, several for one example, or texts beside numbers.

    Example:
        >>> check_targets(["1", 1], 0, "The training set")
        Traceback (most recent call last):
        rnnkit.errors.InputError: The training set: y holds texts and numbers: y[0] is '1', y[1] is
        1; expected all names or all whole numbers.
    """
    if depth is None or y is None:
        return y
    if depth == 1:
        if isinstance(y, np.ndarray) and y.dtype != object:
            return y
        if isinstance(y, list | np.ndarray) and any(not np.isscalar(row) for row in y):
            return [
                _labels(values(row), f"y[{i}]", name) if not np.isscalar(row) else row
                for i, row in enumerate(y)
            ]
    return _labels(y, "y", name)


def _labels(y: Any, where: str, name: str) -> Any:
    """Return the labels of one set or series."""
    if isinstance(y, np.ndarray) and y.dtype.kind in "fSO":
        y = y.tolist()
    if not isinstance(y, list) or set(map(type, y)) in ({str}, {int}):  # the usual case, fast
        return y
    found = []
    first: dict[bool, int] = {}
    for i, label in enumerate(y):
        label = to_array(label)
        if isinstance(label, list | tuple | np.ndarray) and len(label) == 1:
            label = label[0]
        if is_missing(label):
            raise InputError(
                f"{name}: {where}[{i}] is {label}, a missing label. Drop the example, or give it a "
                "label."
            )
        if isinstance(label, list | tuple | np.ndarray):
            raise InputError(
                f"{name}: {where}[{i}] holds {len(label)} labels ({str(label)[:40]}): expected one "
                "label for each. Several labels for one example cannot be learned."
            )
        label = decoded(label, f"{name}: {where}[{i}]")
        first.setdefault(isinstance(label, str), i)
        found.append(label)
    if len(first) == 2:
        shown = ", ".join(f"{where}[{i}] is {quote(found[i])}" for i in sorted(first.values()))
        raise InputError(
            f"{name}: {where} holds texts and numbers: {shown}; expected all names "
            "or all whole numbers."
        )
    return found


def _split(x: Any, name: str) -> Any:
    split = SPLITS.get(name)
    if split in x:
        return x[split]
    shown = ", ".join(map(repr, x))
    wanted = f"no split {quote(split)}: it has {shown}" if split else f"the splits {shown}"
    raise InputError(
        f"The DatasetDict has {wanted}. Give one of them, such as x[{next(iter(x))!r}]."
    )


def _only_column(table: Any, name: str) -> Any:
    columns = list(getattr(table, "column_names", None) or table.columns)
    if len(columns) != 1:
        raise InputError(
            f"{name} is a table with the columns {quote_all(columns)}: give one of them."
        )
    return table[columns[0]]


def _class_order(y: Any) -> tuple[str, ...] | None:
    return class_order(y.features) if "datasets.Column" in class_names(y) else None
