"""Labelled texts from files: tables, or a folder for each class."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.splits import Split, TextDataset, grouped_split, stratified_split
from rnnkit.data.table_files import TABLES, Records, holds_tables, known_splits, read_tables
from rnnkit.data.tables import cell, read_text
from rnnkit.data.text import check_text
from rnnkit.errors import InputError, clip, quote, suggest, suggest_sibling


def from_files(
    train: str | Path,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    text_column: str = "text",
    label_column: str = "label",
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    group_column: str | None = None,
) -> TextDataset:
    r"""Read a data set from a table, see `rnnkit.data.table_files`, or a folder with one per class.

    Classes are the labels found in train, in alphabetical order (numbers by value), or those of
    Hugging Face's `ClassLabel` in its order. In a folder each sub-folder is a class and each
    ``.txt`` file in it a text; texts in a sub-folder ``unsup``, and those of a split
    ``unsupervised``, have no label.

    Args:
        train: the training examples; where they have further splits, these are used, too.
        valid: the validation examples; without them, rows of train are held out.
        test: the test examples; without them, rows of train are held out.
        text_column: the column (or JSON key) with the texts.
        label_column: the column (or JSON key) with the labels.
        valid_fraction: the share of train held out for valid, from 0 to below 1, class by class.
        test_fraction: the share of train held out for test.
        seed: which rows are held out.
        encoding: of text files.
        delimiter: between the columns of CSV files; None = a comma, in ``.tsv`` a tab.
        group_column: the column that tells what a text is about, such as the film of a review:
            texts of one group are held out together, so that no group is in two splits.

    Raises:
        InputError: a file or column is missing, cannot be read, has an empty label, or leaves
            train empty or with one class only.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "my.csv"
        >>> _ = path.write_text("text,label\n" + "good,pos\nbad,neg\n" * 10)
        >>> data = from_files(path)
        >>> data.classes, len(data.train), len(data.valid), len(data.test)
        (('neg', 'pos'), 16, 2, 2)
    """
    for name, share in {"valid_fraction": valid_fraction, "test_fraction": test_fraction}.items():
        if not 0 <= share < 1:
            raise InputError(f"{name} is {share}: expected 0 to below 1.")
    columns = (text_column, label_column, group_column)
    reading = {"encoding": encoding, "delimiter": delimiter}
    parts, order, notes = _read(train, columns, reading)
    for split, path in {"valid": valid, "test": test}.items():
        if path is not None:
            found, *_ = _read(path, columns, reading)
            if len(found) > 1:
                raise InputError(f"{path} has the splits {', '.join(found)}: expected {split}.")
            parts[split] = found["train"]
    shares = [
        0.0 if split in parts else share
        for split, share in (("valid", valid_fraction), ("test", test_fraction))
    ]
    if sum(shares) >= 1:
        raise InputError(f"valid_fraction and test_fraction sum to {sum(shares)}: nothing is left.")
    unlabelled = [row.text for row in parts.get("unlabelled", [])]
    unlabelled += [row.text for row in parts["train"] if row.label is None]
    rows = [row for row in parts["train"] if row.label is not None]
    classes = order or class_names(row.label for row in rows if row.label is not None)
    if len(classes) == 1:
        raise InputError(
            f"All {len(rows):,} texts of {train} have the label {quote(classes[0])}: expected two "
            f"classes or more. Is {quote(label_column)} the right column?"
        )
    whole = _split(rows, classes)
    random = np.random.default_rng(seed)
    if whole.groups is None:
        drawn = stratified_split(whole.labels, shares, random)
    else:
        drawn = grouped_split(whole.labels, whole.groups, shares, random)
    valid_part, test_part, train_part = (whole.take(part) for part in drawn)
    return TextDataset(
        name=Path(train).stem,
        train=train_part,
        valid=_split(parts["valid"], classes) if "valid" in parts else valid_part,
        test=_split(parts["test"], classes) if "test" in parts else test_part,
        classes=classes,
        about=f"Read from {train}.",
        unlabelled=unlabelled,
        notes=notes,
    )


class _Row(NamedTuple):
    """One text, its label (``None`` if it has none), its file and line for messages, its group."""

    text: str
    label: str | None
    where: str
    group: str | None = None


def _read(
    path: str | Path, columns: tuple[str, str, str | None], reading: dict[str, Any]
) -> tuple[dict[str, list[_Row]], tuple[str, ...], list[str]]:
    """Return the rows of each split of a table or a folder, the order of the classes, and notes."""
    path = path if str(path).startswith("hf:") else Path(path)
    order: tuple[str, ...] = ()
    notes: list[str] = []
    if isinstance(path, Path) and not path.exists():
        raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
    if holds_tables(path):
        found, notes = known_splits(
            read_tables(path, **reading), ("train", "valid", "test", "unlabelled")
        )
        order = found["train"].class_order.get(columns[1], ())
        parts = {split: _read_table(one, *columns, split) for split, one in found.items()}
    elif isinstance(path, Path) and path.is_dir():
        if columns[2] is not None:
            raise InputError(
                f"group_column is {quote(columns[2])}: the folder {path} has no columns. Leave it "
                "out."
            )
        parts = {"train": _read_folder(path, reading["encoding"])}
    else:
        raise InputError(
            f"{path} ends in {Path(path).suffix!r}: expected {', '.join(TABLES)}, or a folder with "
            "one sub-folder of .txt files for each class."
        )
    for split, rows in parts.items():
        if split != "unlabelled" and all(row.label is None for row in rows):
            raise InputError(f"{path} has no labelled text: nothing to train on or test with.")
    return parts, order, notes


def _read_table(
    table: Records, text_column: str, label_column: str, group_column: str | None, split: str
) -> list[_Row]:
    rows = []
    for where, record in table.rows:
        option = "text_column or label_column"
        text = check_text(cell(record, text_column, where, option), f"{where}: {text_column}")
        label = None
        if split != "unlabelled":
            label = parse_label(cell(record, label_column, where, option), where)
        group = None
        if group_column is not None and split == "train":
            value = cell(record, group_column, where, "group_column")
            group = str(value if value == value and value is not None else "").strip()
            if not group:
                raise InputError(
                    f"{where}: the group, column {quote(group_column)}, is empty: fill it in, with "
                    "a name of its own where it belongs to no other text."
                )
        rows.append(_Row(text, label, where, group))
    return rows


def _read_folder(path: Path, encoding: str) -> list[_Row]:
    """Read a folder with a sub-folder for each class, with a ``.txt`` file for each text."""
    files = sorted(path.glob("*/*.txt"))
    if not files:
        raise InputError(
            f"The folder {path} has no texts: expected one sub-folder for each class, with .txt "
            "files in it, such as pos/1.txt and neg/1.txt."
        )
    named = [(file, file.parent.name) for file in files]
    return [
        _Row(read_text(file, encoding), None if name == "unsup" else name, str(file))
        for file, name in named
    ]


def parse_label(value: Any, where: str) -> str:
    """Return a label of a table as text; an empty one is an `InputError`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int) or (isinstance(value, float) and value == value):
        label = str(value).strip()
    elif value is None or isinstance(value, float):
        label = ""
    else:
        raise InputError(f"{where}: the label is {quote(value)}: expected a text or a number.")
    if not label:
        raise InputError(f"{where}: the label is empty; drop the row or give it a label.")
    return label


def class_names(found: Iterable[str]) -> tuple[str, ...]:
    """Return the classes of labels, in alphabetical order; numbers by value.

    Example:
        >>> class_names(["10", "9", "10"])
        ('9', '10')
    """
    labels = set(found)
    # Python reads no whole number of more than 4,300 digits; so long ones are names.
    if all(len(one) < 400 and one.isascii() and one.removeprefix("-").isdigit() for one in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _split(rows: list[_Row], classes: tuple[str, ...]) -> Split:
    index = {label: i for i, label in enumerate(classes)}
    rows = [row for row in rows if row.label is not None]
    for row in rows:
        if row.label not in index:
            raise InputError(
                f"{row.where}: label {quote(row.label)} does not occur in train, whose classes are "
                f"{clip(', '.join(classes))}.{suggest(str(row.label), classes)}"
            )
    labels = np.array([index[str(row.label)] for row in rows], dtype=np.int64)
    groups = None
    if rows and rows[0].group is not None:
        groups = np.unique([str(row.group) for row in rows], return_inverse=True)[1].reshape(-1)
    return Split([row.text for row in rows], labels, groups)
