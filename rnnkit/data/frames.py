"""Tables in memory as examples and targets: pandas, polars, pyarrow, Hugging Face `datasets`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.columns import (
    class_names,
    class_order,
    dataset_column,
    is_missing,
    to_list,
)
from rnnkit.data.series import Series
from rnnkit.errors import InputError, quote, suggest

TABLES = {
    "pandas.DataFrame",
    "polars.DataFrame",
    "polars.LazyFrame",
    "pyarrow.Table",
    "pyarrow.RecordBatch",
    "datasets.Dataset",
}


class InputForm(NamedTuple):
    """The examples and targets that a task takes.

    Attributes:
        text_column: the column of the examples in a table, unless another one is named.
        label_column: the column of the targets; None where examples are their own targets.
        depth: how deep an example is nested: 0 = a text, 1 = a list of words, 2 = an array
            `(T, D)`.
        label_depth: the same of the labels: 0 = one for each example, 1 = one for each of its
            steps; None = the targets are no labels.
        optional: the targets may be left out: a table's are used only where their column is named.
        soft: a label may be a row with the probability of each class.
    """

    text_column: str = "text"
    label_column: str | None = "label"
    depth: int = 0
    label_depth: int | None = None
    optional: bool = False
    soft: bool = False


class Columns(NamedTuple):
    """The columns of a table that `fit`, `evaluate` and `predict` were told to read."""

    text: Any = None
    label: Any = None
    weight: Any = None


class Inputs(NamedTuple):
    """Examples, their targets and weights in Python's own types.

    Attributes:
        x: the examples.
        y: the targets, or None.
        sample_weight: the weights, or None.
        classes: the names of the classes in the order of their numbers, where the data have one.
    """

    x: Any
    y: Any = None
    sample_weight: Any = None
    classes: tuple[str, ...] | None = None


def is_table(x: Any) -> bool:
    """Return whether an object is a table of pandas, polars, pyarrow or Hugging Face.

    Example:
        >>> is_table({"text": ["a"]})
        False
    """
    return bool(class_names(x) & TABLES)


class Table:
    """The columns of a table of any library.

    Args:
        source: the table.

    Raises:
        InputError: two columns have the same name.
    """

    def __init__(self, source: Any) -> None:
        names = class_names(source)
        self.kind = sorted(names & TABLES)[0]
        self.source = source.collect() if "polars.LazyFrame" in names else source
        found = self.source.columns if "pandas.DataFrame" in names else None
        if found is None:
            pyarrow_like = hasattr(self.source, "column_names")
            found = self.source.column_names if pyarrow_like else self.source.columns
        self.columns = list(found)
        twice = [name for name in self.columns if self.columns.count(name) > 1]
        if twice:
            raise InputError(
                f"The {self.kind} has two columns {quote(twice[0])}: rename one of them."
            )

    def require(self, column: Any, option: str, what: str) -> Any:
        """Return a column's name, or refuse one that the table does not have."""
        if column in self.columns:
            return column
        outer = str(column).partition(".")[0]
        if outer != column and outer in self.columns:
            raise InputError(
                f"The {self.kind} has no column {column!r} for the {what}: {outer!r} holds "
                "records. Flatten it first, in Hugging Face with x.flatten()."
            )
        shown = ", ".join(map(repr, self.columns)) or "none"
        raise InputError(
            f"The {self.kind} has no column {quote(column)} for the {what}: it has {shown}."
            f"{suggest(str(column), map(str, self.columns))} Name it with {option}."
        )

    def values(self, column: Any) -> list[Any]:
        """Return the values of a column."""
        if self.kind == "datasets.Dataset":
            return dataset_column(self.source, column)
        return to_list(self.source[column])

    def present(self, column: Any, what: str) -> list[Any]:
        """Return the values of a column; refuse a missing one by its row."""
        values = self.values(column)
        for row, value in enumerate(values):
            if is_missing(value):
                raise InputError(
                    f"Column {quote(column)} of the {self.kind} has no {what} in row {row} "
                    f"({value}): drop the row, or fill it in."
                )
            if isinstance(value, dict):
                raise InputError(
                    f"Column {column!r} of the {self.kind}: row {row} is a record with "
                    f"{', '.join(map(repr, value))}, no {what}. Flatten it first, in Hugging Face "
                    f"with x.flatten(), and name one of its columns."
                )
        return values

    def class_order(self, column: Any) -> tuple[str, ...] | None:
        """Return the names of the classes in the order of their numbers, where there is one."""
        if self.kind != "datasets.Dataset":
            return None
        return class_order(self.source.features[column])


def read_table(source: Any, form: InputForm, columns: Columns, *, targets: bool) -> Inputs:
    """Return the examples and targets of a table.

    Where no column is named, that of `form` is read, or the only one. For series a table without a
    column of series is one series: its columns of numbers.

    Args:
        source: the table.
        form: what the task takes.
        columns: those that were named.
        targets: whether targets are read; False to predict.

    Raises:
        InputError: a column that the table does not have, several of which none is named, a
            missing value.
    """
    table = Table(source)
    label = None
    if targets:
        label = columns.label
        if label is None and not form.optional and form.label_column in table.columns:
            label = form.label_column
        if label is not None:
            table.require(label, "label_column", "targets")
        elif form.label_column is not None and not form.optional:
            table.require(form.label_column, "label_column", "targets")
        if columns.weight is not None:
            table.require(columns.weight, "sample_weight", "weights")
    elif form.label_column in table.columns and form.label_column != columns.text:
        label = form.label_column  # left out of the features of a series
    rest = [name for name in table.columns if name not in (label, columns.weight)]
    text = columns.text
    if text is None and (form.text_column in table.columns or form.depth < 2):
        text = rest[0] if len(rest) == 1 else form.text_column
    if form.depth == 2 and text is None:
        x: Any = table_series(table, rest)
        y: Any = None if not targets or label is None else np.asarray(table.present(label, "label"))
        return Inputs(x, y, None, table.class_order(label) if targets and label else None)
    table.require(text, "text_column", "examples")
    x = table.present(text, ("text", "words", "series")[form.depth])
    if form.depth == 2:
        x = [numbers(row) for row in x]
    if not targets:
        return Inputs(x)
    y = None if label is None else table.present(label, "target")
    weight = None if columns.weight is None else np.asarray(table.present(columns.weight, "weight"))
    return Inputs(x, y, weight, None if label is None else table.class_order(label))


def numbers(row: Any) -> Any:
    """Return nested lists or arrays of numbers as one array; others as they are, for messages.

    Example:
        >>> numbers([[1, None], [2, 3]])
        array([[ 1., nan],
               [ 2.,  3.]])
    """
    flat = _nested(row)
    if not isinstance(flat, list) or not _only_numbers(flat):
        return row
    lengths = {len(one) if isinstance(one, list) else -1 for one in flat}
    return np.asarray(flat, "float64") if len(lengths) == 1 else row


def _nested(row: Any) -> Any:
    row = row.tolist() if hasattr(row, "tolist") else row
    return [_nested(one) for one in row] if isinstance(row, list | tuple) else row


def _only_numbers(row: list[Any]) -> bool:
    return all(
        _only_numbers(one) if isinstance(one, list) else one is None or isinstance(one, int | float)
        for one in row
    )


def table_series(table: Table, columns: Iterable[Any]) -> Series:
    """Return a table as one series: its columns of numbers, and its times.

    Times are pandas's `DatetimeIndex`, or the only column of times. Missing numbers are NaN.

    Raises:
        InputError: a column of texts, two columns of times, a gap in the times, or no number.
    """
    features: list[np.ndarray] = []
    names: list[str] = []
    times: dict[Any, list[Any]] = {}
    for name in columns:
        raw = table.values(name)
        values = [None if is_missing(value) else value for value in raw]
        if all(value is None or isinstance(value, int | float | np.number) for value in values):
            features.append(np.asarray(values, "float64"))
            names.append(str(name))
        elif all(hasattr(value, "year") or isinstance(value, np.datetime64) for value in values):
            times[name] = values
        else:
            odd = next(v for v in values if not isinstance(v, int | float | np.number))
            raise InputError(
                f"Column {quote(name)} of the {table.kind} holds {quote(odd)}: a series has "
                "columns of "
                "numbers and one of times. Leave the column out, or convert it, for example with "
                "pandas.to_datetime."
            )
    index = getattr(table.source, "index", None)
    if "pandas.DatetimeIndex" in class_names(index):
        times["the index"] = to_list(index)
    if len(times) > 1:
        raise InputError(
            f"The {table.kind} has times in {' and in '.join(map(str, times))}: keep one of them."
        )
    if not features:
        raise InputError(f"The {table.kind} has no column of numbers: there is no series in it.")
    found = _times(*times.popitem()) if times else None
    return Series(np.stack(features, axis=1), found, columns=tuple(names))


def _times(column: Any, values: list[Any]) -> np.ndarray:
    """Return times as datetime64, or refuse a time zone and a gap."""
    if any(getattr(value, "tzinfo", None) is not None for value in values):
        raise InputError(
            f"The times in {column} have a time zone: expected those of a clock. Drop it, in "
            "pandas with .dt.tz_localize(None)."
        )
    if any(value is None for value in values):
        raise InputError(f"The times in {column} lack one in row {values.index(None)}.")
    times = np.asarray(values, "datetime64[m]")
    steps = np.diff(times).astype(int)
    if len(steps) and (steps > 0).all():
        usual = np.median(steps)
        odd = np.flatnonzero((steps > 1.5 * usual) | (steps < 0.5 * usual))
        if len(odd):
            raise InputError(
                f"The times in {column} are not at equal distances: {steps[odd[0]]} minutes follow "
                f"{times[odd[0]]}, where {usual:g} are usual. Insert missing steps as NaN, in "
                "pandas with .asfreq, or use rnnkit.data.series.from_arrays, which begins a new "
                "series after a gap."
            )
    return times
