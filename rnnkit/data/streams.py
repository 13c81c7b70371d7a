"""Streams as lists: generators, `PyDataset`, `tf.data`, torch's `DataLoader` and data sets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rnnkit.data.columns import (
    class_names,
    class_order,
    is_column,
    named_classes,
    to_array,
    to_list,
)
from rnnkit.data.frames import Columns, InputForm, Inputs, is_table, read_table
from rnnkit.data.series import Series
from rnnkit.errors import InputError, quote, quote_all, suggest

STREAMS = {
    "keras.PyDataset",
    "tensorflow.DatasetV2",
    "tensorflow.DatasetV1",
    "tensorflow.DistributedDatasetInterface",
    "torch.DataLoader",
    "torch.Dataset",
    "datasets.IterableDataset",
}

_TRANSPOSED = (
    "is collated by torch's default, which transposes lists: the first words or labels of all "
    "examples come first, then the second ones. Give the DataLoader "
    "collate_fn=lambda pairs: tuple(zip(*pairs)), or give the data set itself."
)


def is_stream(x: Any) -> bool:
    """Return whether an object is read element by element, once.

    Example:
        >>> is_stream(iter(["a", "b"])), is_stream(["a", "b"])
        (True, False)
    """
    return isinstance(x, Iterator) or bool(class_names(x) & STREAMS)


def read_stream(
    stream: Any,
    form: InputForm,
    columns: Columns,
    *,
    targets: bool,
    steps: int | None = None,
    option: str = "steps_per_epoch",
) -> Inputs:
    """Return all examples and targets of a stream.

    A **tuple** is `(x, y)` or `(x, y, sample_weight)`, where x is a batch or a single example; so
    is a list from torch's `DataLoader`, whose collation makes lists of tuples and tensors. A
    mapping or a table has columns. Anything else is x. A text is a single example; so is a list of
    words where sentences are read, and an array `(T, D)` where series are; what is nested
    deeper by one is a batch.

    Args:
        stream: the stream.
        form: what the task takes.
        columns: those that were named, for mappings and tables.
        targets: whether targets are read; False to predict.
        steps: the number of elements to read; None = all.
        option: the argument that gave `steps`, for messages.

    Raises:
        InputError: the stream is endless and `steps` is None, ends before `steps`, has no element,
            or elements that differ in kind.

    Example:
        >>> read_stream(iter([(["a", "b"], [1, 0]), (["c"], [1])]), InputForm(), Columns(),
        ...             targets=True)[:2]
        (['a', 'b', 'c'], [1, 0, 1])
    """
    kind = type(stream).__name__
    found: list[Inputs] = []
    lists = "torch.DataLoader" in class_names(stream)
    collate = getattr(getattr(stream, "collate_fn", None), "__name__", "")
    transposed = lists and collate == "default_collate"
    if transposed and form.depth == 1:
        raise InputError(f"The {kind} {_TRANSPOSED}")
    features = getattr(stream, "features", None)
    for number, element in enumerate(_elements(stream, steps, kind, option)):
        where = f"Element {number} of the {kind}"
        part = _parts(element, form, columns, features, where, lists, transposed, targets)
        if found and (part.y is None, part.sample_weight is None) != (
            found[0].y is None,
            found[0].sample_weight is None,
        ):
            raise InputError(f"{where} has other parts than the first one: expected as many.")
        found.append(part)
    if not found:
        raise InputError(f"The {kind} has no element: it is empty, or was read before.")
    x, y, weight = (
        None if parts[0] is None else list(itertools.chain.from_iterable(parts))
        for parts in list(zip(*found, strict=True))[:3]
    )
    return Inputs(x, y, weight, found[0].classes)


def _elements(stream: Any, steps: int | None, kind: str, option: str) -> Iterator[Any]:
    """Yield the elements of a stream; exactly `steps` where it is given."""
    names = class_names(stream)
    length: int | None = None
    if "keras.PyDataset" in names:
        length = stream.num_batches
        numbers = itertools.count() if length is None else range(length)
        elements: Iterator[Any] = (stream[i] for i in numbers)
        endless = length is None
    elif "torch.Dataset" in names and not hasattr(stream, "__iter__"):
        if not hasattr(stream, "__len__"):
            raise InputError(f"The {kind} has no __len__: its number of examples is unknown.")
        elements, endless = (stream[i] for i in range(len(stream))), False
    else:
        endless = "tensorflow.DatasetV2" in names and int(stream.cardinality()) == -1
        elements = iter(stream)
    if steps is None:
        if endless:
            raise InputError(f"The {kind} is endless: say how many batches to read with {option}.")
        yield from elements
        return
    came = 0
    for came, element in enumerate(itertools.islice(elements, steps), start=1):  # noqa: B007
        yield element
    if came < steps:
        raise InputError(
            f"{option} is {steps}, and the {kind} ended after {came} "
            f"{'element' if came == 1 else 'elements'}. Lower it, or leave it out to read all."
        )


def _parts(
    element: Any,
    form: InputForm,
    columns: Columns,
    features: Any,
    where: str,
    lists: bool,
    transposed: bool,
    targets: bool,
) -> Inputs:
    """Return the examples and targets of one element, each a list."""
    if is_table(element):
        part = read_table(element, form, columns, targets=targets)
        return part if isinstance(part.x, list) else Inputs([part.x], _one(part.y))
    if isinstance(element, Mapping):
        element, classes = _record(element, form, columns, features, where, targets)
    else:
        classes = None
        if lists and isinstance(element, list) and 2 <= len(element) <= 3:
            collated = not any(isinstance(one, str | bytes | list) for one in element)
            element = tuple(element) if collated else element
        if not isinstance(element, tuple):
            element = (element,)
        if transposed and any(map(_holds_lists, element)):
            raise InputError(f"{where} {_TRANSPOSED}")
    if not 1 <= len(element) <= 3:
        raise InputError(
            f"{where} is a tuple of {len(element)}: expected (x, y) or (x, y, sample_weight)."
        )
    x, y, weight = (*(_plain(one) for one in element), None, None)[:3]
    if is_table(x):  # a series
        x = read_table(x, form, columns, targets=False).x
    if not targets:
        y = weight = None
    if nesting(x) <= form.depth:
        return Inputs([x], _one(y), _one(weight), classes)
    batch: list[Any] = [_rows(one) for one in (x, y, weight)]
    for what, one in zip(("targets", "weights"), batch[1:], strict=True):
        if one is not None and len(one) != len(batch[0]):
            raise InputError(f"{where} has {len(batch[0])} examples and {len(one)} {what}.")
    return Inputs(batch[0], batch[1], batch[2], classes)


def _holds_lists(part: Any) -> bool:
    return isinstance(part, list | tuple) and any(not isinstance(one, str | bytes) for one in part)


def _record(
    record: Mapping[str, Any],
    form: InputForm,
    columns: Columns,
    features: Any,
    where: str,
    targets: bool,
) -> tuple[tuple[Any, ...], tuple[str, ...] | None]:
    """Return the parts of a mapping from columns to values, and the order of its classes."""
    text = form.text_column if columns.text is None else columns.text
    label = columns.label
    if label is None and not form.optional:
        label = form.label_column
    wanted = [("text_column", text)]
    if targets and label is not None:
        wanted.append(("label_column", label))
    if targets and columns.weight is not None:
        wanted.append(("sample_weight", columns.weight))
    parts = []
    for option, column in wanted:
        if column not in record:
            raise InputError(
                f"{where} has no column {quote(column)}: it has {quote_all(record)}."
                f"{suggest(str(column), map(str, record))} Name it with {option}."
            )
        value = record[column]
        feature = None if features is None else features[column]
        if feature is not None and option == "label_column":
            (value,) = named_classes([value], feature)
        parts.append(value)
    order = None
    if features is not None and targets and label is not None:
        order = class_order(features[label])
    return tuple(parts), order


def nesting(x: Any) -> int:
    """Return how deep an example or a batch is nested: 0 = a text, 1 = a list of texts or words.

    Example:
        >>> nesting("a"), nesting(["a"]), nesting([["a"]]), nesting(np.zeros((3, 2)))
        (0, 1, 2, 2)
    """
    if isinstance(x, Series) or is_table(x):
        return 2
    if isinstance(x, np.ndarray):
        return x.ndim + (nesting(x.flat[0]) if x.dtype == object and x.size else 0)
    if isinstance(x, list | tuple):
        return 1 + (nesting(x[0]) if len(x) else 0)
    return 0


def _plain(part: Any) -> Any:
    """Return a part of an element as NumPy array, list or scalar."""
    if is_column(part):
        return to_list(part)
    part = to_array(part)
    if isinstance(part, list | tuple):
        return [_plain(one) for one in part]
    return part


def _rows(part: Any) -> list[Any] | None:
    """Return the rows of a batch; texts and labels as Python's own values."""
    if not isinstance(part, np.ndarray):
        return part if part is None or isinstance(part, list) else [part]
    if part.ndim == 2 and part.shape[1] == 1:  # labels (N, 1)
        part = part[:, 0]
    return list(part) if part.ndim > 1 and part.dtype.kind in "biuf" else part.tolist()


def _one(part: Any) -> list[Any] | None:
    return None if part is None else [part]
