"""One file or folder -> rows of text and label; every refusal names file and line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.data.text import check_text
from rnnkit.errors import InputError, suggest

_LARGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit, 131,072, is a long review


class Row(NamedTuple):
    """One text, its label (``None`` if it has none) and where it stands, for messages."""

    text: str
    label: str | None
    where: str


def read_rows(path: Path, text_column: str, label_column: str, encoding: str) -> list[Row]:
    """Read a ``.csv``, ``.tsv`` or ``.jsonl`` file.

    Raises:
        InputError: if the ending is another, a column is missing, or a line cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in _RECORDS:
        raise InputError(
            f"{path} ends in {suffix!r}: expected {', '.join(_RECORDS)}, or a folder with one "
            "sub-folder of .txt files for each class."
        )
    rows = []
    for where, record in _RECORDS[suffix](path, decoded(path, encoding)):
        for column in (text_column, label_column):
            if column not in record:
                raise InputError(
                    f"{where} has no column {column!r}: it has {', '.join(map(repr, record))}."
                    f"{suggest(column, record)} Name it with text_column or label_column."
                )
        text = check_text(record[text_column], f"{where}: {text_column}")
        rows.append(Row(text, _label(record[label_column], where), where))
    return rows


def read_folder(path: Path, encoding: str) -> list[Row]:
    """Read a folder whose sub-folders are classes and hold one ``.txt`` file for each text.

    Raises:
        InputError: if there is no such sub-folder, or a file cannot be read.
    """
    files = sorted(path.glob("*/*.txt"))
    if not files:
        raise InputError(
            f"The folder {path} holds no texts: expected one sub-folder for each class, with .txt "
            "files in it, such as pos/1.txt and neg/1.txt."
        )
    rows = []
    for file in files:
        label = None if file.parent.name == "unsup" else file.parent.name
        rows.append(Row(decoded(file, encoding), label, str(file)))
    return rows


def decoded(path: Path, encoding: str) -> str:
    """Return a file's text.

    Raises:
        InputError: it is in another encoding; the message names the byte.
    """
    data = path.read_bytes()
    try:
        # Spreadsheets put a byte order mark before UTF-8; it is no part of the first column's name.
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise InputError(f"encoding is {encoding!r}, which Python does not know.") from error
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data.count(b"\n", 0, start) + 1
        guess = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"
        raise InputError(
            f"{path}, line {line}: byte 0x{data[start]:02x} is not {encoding}. "
            f"Try encoding={guess!r}, or save the file as UTF-8."
        ) from error


def _table_records(path: Path, content: str, dialect: str) -> Iterator[tuple[str, dict[str, Any]]]:
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        lines = csv.reader(io.StringIO(content, newline=""), dialect, strict=True)
        header = next(lines, [])
        for fields in lines:
            where = f"{path}, line {lines.line_num}"
            if fields and len(fields) != len(header):
                raise InputError(
                    f"{where} has {len(fields)} fields, the header {len(header)}: put fields that "
                    "hold the separator, a quote or a line break in double quotes."
                )
            if fields:
                yield where, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {lines.line_num}: {error}. A quote inside a quoted field is doubled."
        ) from error
    finally:
        csv.field_size_limit(before)


def _csv(path: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return _table_records(path, content, "excel")


def _tsv(path: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return _table_records(path, content, "excel-tab")


def json_lines(path: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where it stands and the object of each line that is not empty.

    Raises:
        InputError: a line that is no JSON object; the message names it.
    """
    # Not splitlines(): a text may hold U+2028 and other line ends of Unicode.
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where} is damaged JSON: {error}.") from error
        if not isinstance(record, dict):
            raise InputError(f"{where} is a {type(record).__name__}: expected an object {{...}}.")
        yield where, record


_RECORDS = {".csv": _csv, ".tsv": _tsv, ".jsonl": json_lines}


def _label(value: Any, where: str) -> str:
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
