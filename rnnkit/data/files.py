"""Labelled texts from files: CSV, TSV, JSON lines, or a folder for each class."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.splits import Split, TextDataset, stratified_split
from rnnkit.data.tables import TABLES, cell, read_text, records
from rnnkit.data.text import check_text
from rnnkit.errors import InputError, suggest, suggest_sibling


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
) -> TextDataset:
    r"""Read a data set from files: ``.csv``, ``.tsv``, ``.jsonl``, or a folder with one per class.

    Classes are the labels found in train, in alphabetical order (numbers by value). In a folder
    each sub-folder is a class and each ``.txt`` file in it a text; texts in a sub-folder ``unsup``
    have no label.

    Args:
        train: file or folder of the training examples.
        valid: file or folder of the validation examples; without it, rows of train are held out.
        test: file or folder of the test examples; without it, rows of train are held out.
        text_column: the column (or JSON key) with the texts.
        label_column: the column (or JSON key) with the labels.
        valid_fraction: the share of train held out for valid, from 0 to below 1, class by class.
        test_fraction: the share of train held out for test.
        seed: which rows are held out.
        encoding: of the files.

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
    shares = [valid_fraction if valid is None else 0.0, test_fraction if test is None else 0.0]
    if sum(shares) >= 1:
        raise InputError(f"valid_fraction and test_fraction sum to {sum(shares)}: nothing is left.")

    def read(path: str | Path) -> list[_Row]:
        path = Path(path)
        if not path.exists():
            raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
        if path.is_dir():
            rows = _read_folder(path, encoding)
        elif path.suffix.lower() not in TABLES:
            raise InputError(
                f"{path} ends in {path.suffix!r}: expected {', '.join(TABLES)}, or a folder with "
                "one sub-folder of .txt files for each class."
            )
        else:
            rows = _read_table(path, text_column, label_column, encoding)
        if all(row.label is None for row in rows):
            raise InputError(f"{path} has no labelled text: nothing to train on or test with.")
        return rows

    rows = read(train)
    unlabelled = [row.text for row in rows if row.label is None]
    rows = [row for row in rows if row.label is not None]

    classes = class_names(row.label for row in rows if row.label is not None)
    if len(classes) == 1:
        raise InputError(
            f"All {len(rows):,} texts of {train} have the label {classes[0]!r}: expected two "
            f"classes or more. Is {label_column!r} the right column?"
        )
    whole = _split(rows, classes)
    parts = stratified_split(whole.labels, shares, np.random.default_rng(seed))
    valid_part, test_part, train_part = (whole.take(part) for part in parts)
    return TextDataset(
        name=Path(train).stem,
        train=train_part,
        valid=valid_part if valid is None else _split(read(valid), classes),
        test=test_part if test is None else _split(read(test), classes),
        classes=classes,
        about=f"Read from {train}.",
        unlabelled=unlabelled,
    )


class _Row(NamedTuple):
    """One text, its label (``None`` if it has none), and its file and line, for messages."""

    text: str
    label: str | None
    where: str


def _read_table(path: Path, text_column: str, label_column: str, encoding: str) -> list[_Row]:
    rows = []
    for where, record in records(path, encoding):
        value, label = (
            cell(record, column, where, "text_column or label_column")
            for column in (text_column, label_column)
        )
        text = check_text(value, f"{where}: {text_column}")
        rows.append(_Row(text, parse_label(label, where), where))
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
        raise InputError(f"{where}: the label is {value!r}: expected a text or a number.")
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
    if all(label.isascii() and label.removeprefix("-").isdigit() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _split(rows: list[_Row], classes: tuple[str, ...]) -> Split:
    index = {label: i for i, label in enumerate(classes)}
    rows = [row for row in rows if row.label is not None]
    for row in rows:
        if row.label not in index:
            raise InputError(
                f"{row.where}: label {row.label!r} does not occur in train, whose classes are "
                f"{', '.join(classes)}.{suggest(str(row.label), classes)}"
            )
    labels = np.array([index[str(row.label)] for row in rows], dtype=np.int64)
    return Split([row.text for row in rows], labels)
