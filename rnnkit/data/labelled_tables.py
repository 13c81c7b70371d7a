"""Labelled series from tables: a label for each series, or for each row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.files import class_names, parse_label
from rnnkit.data.series_tables import LATER, SHARES, Rows, Table, read_splits
from rnnkit.data.splits import Dataset, Split, stratified_split
from rnnkit.errors import InputError, clip, quote

FEWEST = 3  # series of a class, or in all: one for each split


def read_series_classes(
    path: str | Path,
    *,
    group: str | None = None,
    label_column: str = "label",
    time: str | None = None,
    columns: str | Sequence[str] | None = None,
    seed: int = 0,
    decimal: str = ".",
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Dataset:
    r"""Read labelled series from a table: one for each value of `group`, with one label each.

    Of the series of each class 15 % are drawn for valid and 15 % for test, at least one each.

    Args:
        path: the file, with a row for each step; or several, one for each split, see
            `rnnkit.data.table_files`.
        group: the column whose values tell the series apart.
        label_column: the column of the label, the same in all rows of a series.
        time: see `rnnkit.data.series_tables.read_table`; only the order of times is used.
        columns: see `rnnkit.data.series_tables.read_table`.
        seed: which series are drawn.
        decimal: see `rnnkit.data.series_tables.read_table`.
        encoding: see `rnnkit.data.series_tables.read_table`.
        delimiter: see `rnnkit.data.series_tables.read_table`.

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
    reading = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
    options = {"time": time, "group": group, "columns": columns, **reading}
    tables, notes = _tables(path, label_column, **options)
    labels = {split: _one_each(table, label_column) for split, table in tables.items()}
    classes = _classes(path, labels["train"], label_column)
    whole = {}
    for split, table in tables.items():
        numbers = np.array(_numbers(labels[split], classes, f"{path}, {split}"))
        whole[split] = Split(
            [rows.values.astype("float32") for rows in table.groups.values()], numbers
        )
    fewest = FEWEST + 1 - len(tables)
    for label, count in zip(classes, np.bincount(whole["train"].y), strict=True):
        if count < fewest:
            raise InputError(
                f"{path} has {count} series of the class {quote(label)}: expected {fewest} or "
                "more, one "
                "for each split."
            )
    return _drawn(path, whole, classes, tables["train"], notes, seed)


def read_frame_classes(
    path: str | Path,
    *,
    group: str | None = None,
    label_column: str = "label",
    time: str | None = None,
    columns: str | Sequence[str] | None = None,
    seed: int = 0,
    decimal: str = ".",
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Dataset:
    r"""Read series with a label for each row from a table.

    With a column `group` whole series are drawn, 15 % for valid and 15 % for test. Without it the
    file is one series, split in its order: 70 % train, 15 % valid, 15 % test.

    Args:
        path: the file, with a row for each step; or several, one for each split, see
            `rnnkit.data.table_files`.
        group: the column whose values tell several series apart.
        label_column: the column of the label.
        time: see `rnnkit.data.series_tables.read_table`; only the order of times is used.
        columns: see `rnnkit.data.series_tables.read_table`.
        seed: which series are drawn.
        decimal: see `rnnkit.data.series_tables.read_table`.
        encoding: see `rnnkit.data.series_tables.read_table`.
        delimiter: see `rnnkit.data.series_tables.read_table`.

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
    reading = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
    options = {"time": time, "group": group, "columns": columns, **reading}
    tables, notes = _tables(path, label_column, **options)
    labels = {
        split: [_labels(rows, label_column) for rows in table.groups.values()]
        for split, table in tables.items()
    }
    classes = _classes(path, [one for rows in labels["train"] for one in rows], label_column)
    whole = {}
    for split, table in tables.items():
        x = [rows.values.astype("float32") for rows in table.groups.values()]
        y = [np.array(_numbers(row, classes, f"{path}, {split}")) for row in labels[split]]
        whole[split] = Split(x, y)
    if group is not None:
        fewest = FEWEST + 1 - len(tables)
        if len(whole["train"]) < fewest:
            raise InputError(
                f"{path} has {len(whole['train'])} series: expected {fewest} or more, one for each "
                "split."
            )
        return _drawn(path, whole, classes, tables["train"], notes, seed)
    x, y = whole["train"].x[0], whole["train"].y[0]
    later = [
        0 if split in whole else round(share * len(x))
        for split, share in zip(LATER, SHARES, strict=True)
    ]
    bounds = np.cumsum([0, len(x) - sum(later), *later]).tolist()
    for split, (i, j) in zip(("train", *LATER), itertools.pairwise(bounds), strict=True):
        if split == "train" or split not in whole:
            whole[split] = Split([x[i:j]], [y[i:j]])
        if not len(whole[split].x[0]):
            raise InputError(f"{path} has {len(x)} rows: too few to split them by time.")
    about = f"Read from {path}; 70 % train, 15 % valid and 15 % test, in the order of the rows."
    if len(tables) > 1:
        about = f"Read from {path}; splits without a table are cut from train in its order."
    return _dataset(path, whole, classes, about, tables["train"], notes)


def _tables(
    path: str | Path, label_column: str, **options: Any
) -> tuple[dict[str, Table], list[str]]:
    tables, notes = read_splits(path, leave_out=(label_column,), **options)
    for table in tables.values():
        for rows in table.groups.values():
            if np.isnan(rows.values).any():
                row, column = np.argwhere(np.isnan(rows.values))[0]
                raise InputError(
                    f"{rows.places[row]}, column {quote(table.columns[column])} is empty: labelled "
                    "series have no missing values. Fill it in, or choose other columns with "
                    "columns."
                )
    return tables, notes


def _one_each(table: Table, column: str) -> list[str]:
    """Return the label of each series of a table; refuse a series with two."""
    labels = []
    for name, rows in table.groups.items():
        found = _labels(rows, column)
        for where, label in zip(rows.places, found, strict=True):
            if label != found[0]:
                raise InputError(
                    f"{where}: the series {quote(name)} has the label {quote(label)}, and "
                    f"{quote(found[0])} "
                    f"before: expected one label for all rows of a series, in {quote(column)}."
                )
        labels.append(found[0])
    return labels


def _labels(rows: Rows, column: str) -> list[str]:
    pairs = zip(rows.places, rows.records, strict=True)
    return [parse_label(record[column], where) for where, record in pairs]


def _numbers(labels: Sequence[str], classes: tuple[str, ...], where: str) -> list[int]:
    for label in labels:
        if label not in classes:
            raise InputError(
                f"{where}: label {quote(label)} does not occur in train, whose classes are "
                f"{clip(', '.join(classes))}."
            )
    return [classes.index(label) for label in labels]


def _classes(path: str | Path, labels: Sequence[str], column: str) -> tuple[str, ...]:
    classes = class_names(labels)
    if len(classes) == 1:
        raise InputError(
            f"All labels of {path} are {quote(classes[0])}: expected two classes or more. Is "
            f"{quote(column)} the right column?"
        )
    return classes


def _drawn(
    path: str | Path,
    whole: dict[str, Split],
    classes: tuple[str, ...],
    table: Table,
    notes: list[str],
    seed: int,
) -> Dataset:
    """Return the data set; splits without a table are drawn from train."""
    shares = [0.0 if split in whole else share for split, share in zip(LATER, SHARES, strict=True)]
    train = whole["train"]
    drawn = stratified_split(train.strata, shares, np.random.default_rng(seed))
    valid, test, rest = (train.take(np.sort(rows)) for rows in drawn)
    about = f"Read from {path}; of the series 15 % are valid and 15 % test, drawn at random."
    if len(whole) > 1:
        about = f"Read from {path}; splits without a table are drawn from train, 15 % each."
    parts = {"valid": valid, "test": test, **whole, "train": rest}
    return _dataset(path, parts, classes, about, table, notes)


def _dataset(
    path: str | Path,
    parts: dict[str, Split],
    classes: tuple[str, ...],
    about: str,
    table: Table,
    notes: list[str],
) -> Dataset:
    train, valid, test = (parts[split] for split in ("train", *LATER))
    name = Path(path).stem
    return Dataset(name, train, valid, test, classes, about, notes=notes, columns=table.columns)
