"""Columns of other libraries as Python lists: pandas, polars, pyarrow, Hugging Face, tensors.

Objects are recognised by the names of their classes, so that none of these libraries is imported
before one of its objects is met.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.errors import InputError

COLUMNS = {
    "pandas.Series",
    "pandas.Index",
    "pandas.ExtensionArray",
    "polars.Series",
    "pyarrow.Array",
    "pyarrow.ChunkedArray",
    "datasets.Column",
}


def class_names(x: Any) -> set[str]:
    """Return the names of an object's classes, each with the package that defines it.

    Example:
        >>> sorted(class_names(np.float64(1)) - class_names(1.0))[:3]
        ['numpy.float64', 'numpy.floating', 'numpy.generic']
    """
    return {f"{c.__module__.partition('.')[0]}.{c.__qualname__}" for c in type(x).__mro__}


def is_column(x: Any) -> bool:
    """Return whether an object is a column of pandas, polars, pyarrow or Hugging Face.

    Example:
        >>> is_column(["a list"])
        False
    """
    return bool(class_names(x) & COLUMNS)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or what pandas writes for a missing value.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "", 0)]
        [True, True, False, False]
    """
    if isinstance(value, float | np.floating):
        return bool(value != value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def to_list(column: Any) -> list[Any]:
    """Return the values of a column as a list; pandas's index is ignored.

    Class numbers of Hugging Face's `ClassLabel` become the names of the classes.

    Example:
        >>> to_list(np.array(["a", "b"]))
        ['a', 'b']
    """
    names = class_names(column)
    if "datasets.Column" in names:
        source, name = column.source, column.column_name
        if "datasets.Dataset" in class_names(source):
            return dataset_column(source, name)
        return list(column)
    for method in ("to_pylist", "to_list", "tolist"):  # pyarrow; polars and pandas; NumPy
        if hasattr(column, method):
            return list(getattr(column, method)())
    return list(column)


def dataset_column(dataset: Any, name: str) -> list[Any]:
    """Return a column of a Hugging Face `Dataset` as a list, class numbers as names."""
    values = dataset.select_columns([name]).with_format(None)[:][name]
    return named_classes(values, dataset.features[name])


def class_order(feature: Any) -> tuple[str, ...] | None:
    """Return the names of a Hugging Face `ClassLabel` in the order of their numbers, else None."""
    return tuple(feature.names) if "datasets.ClassLabel" in class_names(feature) else None


def named_classes(values: list[Any], feature: Any) -> list[Any]:
    """Return class numbers as names, where a Hugging Face feature gives them names.

    -1, which stands for "no label" there, becomes None.
    """
    names = class_order(feature)
    if names is not None:
        return [names[v] if isinstance(v, int) and v >= 0 else _unless(v) for v in values]
    inner = getattr(feature, "feature", None)  # a list of features
    if inner is None:
        return values
    return [None if row is None else named_classes(list(row), inner) for row in values]


def _unless(value: Any) -> Any:
    return None if value == -1 else value


def to_array(x: Any) -> Any:
    """Return tensors of any framework as NumPy arrays, ragged ones as lists, others as they are.

    Example:
        >>> to_array("a text"), to_array(np.array("text", object))
        ('a text', 'text')
    """
    if isinstance(x, str | bytes | list | tuple):
        return x
    if not isinstance(x, np.ndarray):
        names = class_names(x)
        if "tensorflow.RaggedTensor" in names:
            return x.to_list()
        if "torch.Tensor" in names:
            x = x.detach().cpu()
        if not hasattr(x, "__array__") or is_column(x) or isinstance(x, np.generic):
            return x
        x = np.asarray(x)
    return x.item() if x.ndim == 0 else x


def decoded(value: Any, where: str) -> Any:
    r"""Return bytes in UTF-8 as `str`, other values as they are.

    Raises:
        InputError: bytes in another encoding; `where` names them in the message.

    Example:
        >>> decoded(b"caf\xc3\xa9", "y[0]"), decoded(3, "y[1]")
        ('café', 3)
    """
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where} holds bytes that are not UTF-8 (0x{value[error.start]:02x} at "
            f"{error.start}): decode it first, for example with text.decode('cp1252')."
        ) from None
