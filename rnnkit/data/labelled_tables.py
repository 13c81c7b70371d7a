"""Labelled series from tables: a label for each series, or for each row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.files import class_names, parse_label
from rnnkit.data.series_tables import SHARES, Rows, Table, read_table
from rnnkit.data.splits import Dataset, Split, stratified_split
from rnnkit.errors import InputError

FEWEST = 3  # series of a class, or in all: one for each split


def read_series_classes(
    path: str | Path,
    *,
    group: str | None = None,
    label_column: str = "label",
    time: str | None = None,
    columns: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Dataset:
    r"""Read labelled series from a table: one for each value of `group`, with one label each.

    Of the series of each class 15 % are drawn for valid and 15 % for test, at least one each.

    Args:
        path: the file, with a row for each step.
        group: the column whose values tell the series apart.
        label_column: the column of the label, the same in all rows of a series.
        time: see `rnnkit.data.series_tables.read_table`; only the order of times is used.
        columns: see `rnnkit.data.series_tables.read_table`.
        seed: which series are drawn.

    Raises:
        InputError: a column is missing, a series has two labels, a cell is empty, or a class has
            fewer than three series.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "walks.csv"
        >>> rows = [f"{i},{'ab'[i % 2]},{i * t}" for i in range(20) for t in range(5)]
        >>> _ = path.write_text("\n".join(["id,class,x", *rows]))
        >>> data = read_series_classes(path, group="id", label_column="class")
        >>> data.classes, len(data.train), len(data.valid), len(data.test), data.train.x[0].shape
        (('a', 'b'), 12, 4, 4, (5, 1))
    """
    if group is None:
        raise InputError(f"{path} needs a column that tells its series apart: name it with group.")
    table = _table(path, label_column, time=time, group=group, columns=columns)
    labels = []
    for name, rows in table.groups.items():
        found = _labels(rows, label_column)
        for where, label in zip(rows.places, found, strict=True):
            if label != found[0]:
                raise InputError(
                    f"{where}: the series {name!r} has the label {label!r}, and {found[0]!r} "
                    f"before: expected one label for all rows of a series, in {label_column!r}."
                )
        labels.append(found[0])
    classes = _classes(path, labels, label_column)
    numbers = np.array([classes.index(label) for label in labels])
    for label, count in zip(classes, np.bincount(numbers), strict=True):
        if count < FEWEST:
            raise InputError(
                f"{path} has {count} series of the class {label!r}: expected {FEWEST} or more, one "
                "for each split."
            )
    whole = Split([rows.values for rows in table.groups.values()], numbers)
    return _drawn(path, whole, numbers, classes, table, seed)


def read_frame_classes(
    path: str | Path,
    *,
    group: str | None = None,
    label_column: str = "label",
    time: str | None = None,
    columns: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Dataset:
    r"""Read series with a label for each row from a table.

    With a column `group` whole series are drawn, 15 % for valid and 15 % for test. Without it the
    file is one series, split in its order: 70 % train, 15 % valid, 15 % test.

    Args:
        path: the file, with a row for each step.
        group: the column whose values tell several series apart.
        label_column: the column of the label.
        time: see `rnnkit.data.series_tables.read_table`; only the order of times is used.
        columns: see `rnnkit.data.series_tables.read_table`.
        seed: which series are drawn.

    Raises:
        InputError: a column is missing, a cell is empty, or there are one or two series only.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "phases.csv"
        >>> rows = [f"{t % 10},{'up' if t % 10 < 5 else 'down'}" for t in range(100)]
        >>> _ = path.write_text("\n".join(["x,phase", *rows]))
        >>> data = read_frame_classes(path, label_column="phase")
        >>> data.classes, data.train.x[0].shape, data.test.y[0].shape
        (('down', 'up'), (70, 1), (15,))
    """
    table = _table(path, label_column, time=time, group=group, columns=columns)
    labels = {name: _labels(rows, label_column) for name, rows in table.groups.items()}
    classes = _classes(path, [label for found in labels.values() for label in found], label_column)
    x = [rows.values for rows in table.groups.values()]
    y = [np.array([classes.index(label) for label in found]) for found in labels.values()]
    if group is not None:
        if len(x) < FEWEST:
            raise InputError(
                f"{path} has {len(x)} series: expected {FEWEST} or more, one for each split."
            )
        return _drawn(path, Split(x, y), np.zeros(len(x), np.int64), classes, table, seed)
    later = [round(share * len(x[0])) for share in SHARES]
    bounds = np.cumsum([0, len(x[0]) - sum(later), *later])
    if not min(later):
        raise InputError(f"{path} has {len(x[0])} rows: too few to split them by time.")
    train, valid, test = (
        Split([x[0][i:j]], [y[0][i:j]]) for i, j in itertools.pairwise(bounds.tolist())
    )
    about = f"Read from {path}; 70 % train, 15 % valid and 15 % test, in the order of the rows."
    return _dataset(path, (train, valid, test), classes, about, table)


def _table(path: str | Path, label_column: str, **options: Any) -> Table:
    table = read_table(path, leave_out=(label_column,), **options)
    for rows in table.groups.values():
        if np.isnan(rows.values).any():
            row, column = np.argwhere(np.isnan(rows.values))[0]
            raise InputError(
                f"{rows.places[row]}, column {table.columns[column]!r} is empty: labelled series "
                "have no missing values. Fill it in, or choose other columns with columns."
            )
    return table


def _labels(rows: Rows, column: str) -> list[str]:
    pairs = zip(rows.places, rows.records, strict=True)
    return [parse_label(record[column], where) for where, record in pairs]


def _classes(path: str | Path, labels: Sequence[str], column: str) -> tuple[str, ...]:
    classes = class_names(labels)
    if len(classes) == 1:
        raise InputError(
            f"All labels of {path} are {classes[0]!r}: expected two classes or more. Is "
            f"{column!r} the right column?"
        )
    return classes


def _drawn(
    path: str | Path,
    whole: Split,
    strata: np.ndarray,
    classes: tuple[str, ...],
    table: Table,
    seed: int,
) -> Dataset:
    drawn = stratified_split(strata, list(SHARES), np.random.default_rng(seed))
    valid, test, train = (whole.take(np.sort(rows)) for rows in drawn)
    about = f"Read from {path}; of the series 15 % are valid and 15 % test, drawn at random."
    return _dataset(path, (train, valid, test), classes, about, table)


def _dataset(
    path: str | Path,
    splits: tuple[Split, Split, Split],
    classes: tuple[str, ...],
    about: str,
    table: Table,
) -> Dataset:
    notes = [f"Columns left out: {', '.join(table.ignored)}."] if table.ignored else []
    name = Path(path).stem
    return Dataset(name, *splits, classes, about, notes=notes, columns=table.columns)
