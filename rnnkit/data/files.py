"""Labelled texts from the user's own files: CSV, TSV, JSON lines, folders of text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnnkit.data.readers import Row, read_folder, read_rows
from rnnkit.data.splits import Split, TextDataset, stratified_split
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

    Classes are the labels found in train, in the order of the alphabet (numbers by value). In a
    folder each sub-folder is a class and each ``.txt`` file in it a text; texts in a sub-folder
    ``unsup`` have no label.

    Args:
        train: file or folder to learn from.
        valid: another to choose settings by; without it, rows of train are held out.
        test: another to measure with; without it, rows of train are held out.
        text_column: the column (or JSON key) with the texts.
        label_column: the column (or JSON key) with the labels.
        valid_fraction: how much of train is held out for valid, from 0 to below 1, class by class.
        test_fraction: how much of train is held out for test.
        seed: which rows are held out.
        encoding: of the files.

    Raises:
        InputError: if a file or column is not there, cannot be read, has an empty label, or leaves
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

    def read(path: str | Path) -> list[Row]:
        path = Path(path)
        if not path.exists():
            raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
        if path.is_dir():
            rows = read_folder(path, encoding)
        else:
            rows = read_rows(path, text_column, label_column, encoding)
        if all(row.label is None for row in rows):
            raise InputError(f"{path} holds no labelled text: nothing to learn from or measure.")
        return rows

    rows = read(train)
    unlabelled = [row.text for row in rows if row.label is None]
    rows = [row for row in rows if row.label is not None]

    classes = _classes(rows)
    if len(classes) == 1:
        raise InputError(
            f"All {len(rows):,} texts of {train} have the label {classes[0]!r}: expected two "
            f"classes or more. Is {label_column!r} the right column?"
        )
    everything = _split(rows, classes)
    piles = stratified_split(everything.labels, shares, np.random.default_rng(seed))
    held_valid, held_test, kept = (everything.take(pile) for pile in piles)
    return TextDataset(
        name=Path(train).stem,
        train=kept,
        valid=held_valid if valid is None else _split(read(valid), classes),
        test=held_test if test is None else _split(read(test), classes),
        classes=classes,
        about=f"Read from {train}.",
        unlabelled=unlabelled,
    )


def _classes(rows: list[Row]) -> tuple[str, ...]:
    labels = {row.label for row in rows if row.label is not None}
    if all(label.isascii() and label.removeprefix("-").isdigit() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _split(rows: list[Row], classes: tuple[str, ...]) -> Split:
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
