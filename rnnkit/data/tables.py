"""Reader of tables: CSV, TSV and JSON lines, each record with its file and line for messages."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError, suggest, suggest_sibling

TABLES = (".csv", ".tsv", ".jsonl")  # the endings that `records` reads
MAX_FIELD = 2**31 - 1  # characters; the limit of the csv module, 131,072, is a long review


def records(
    path: str | Path, encoding: str = "utf-8", delimiter: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    r"""Yield the records of a ``.csv``, ``.tsv`` or ``.jsonl`` file: place and values by column.

    The first row of a ``.csv`` or ``.tsv`` file names the columns. `delimiter` stands between them;
    None = a comma, in ``.tsv`` a tab.

    Raises:
        InputError: the file is missing, has another ending, or has a line that cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cars.csv"
        >>> _ = path.write_text("time,cars\n00:05,7\n")
        >>> [(where.rpartition(", ")[2], record) for where, record in records(path)]
        [('line 2', {'time': '00:05', 'cars': '7'})]
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in TABLES:
        raise InputError(f"{path} ends in {suffix!r}: expected {', '.join(TABLES)}.")
    if delimiter is None:
        yield from _FORMATS[suffix](read_text(path, encoding), path)
        return
    if suffix == ".jsonl":
        raise InputError(f"delimiter is {delimiter!r}, and {path} is no .csv or .tsv file.")
    yield from csv_records(read_text(path, encoding), path, check_delimiter(delimiter))


def check_delimiter(delimiter: str) -> str:
    r"""Return the character between columns; "tab" and a backslash with a t are the tab.

    Example:
        >>> check_delimiter(";"), check_delimiter("tab")
        (';', '\t')
    """
    found = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n':
        raise InputError(f"delimiter is {delimiter!r}: expected one character, such as ';' or tab.")
    return found


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """Return the text of a file, without a byte order mark; line ends stay as they are.

    A file that is missing or in another encoding is an `InputError`.
    """
    path = Path(path)
    try:
        return decode(path.read_bytes(), path, encoding)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {str(path)!r}.{suggest_sibling(path)}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def decode(data: bytes, source: str | Path, encoding: str = "utf-8") -> str:
    r"""Return the text of bytes, without a byte order mark; `source` is their file, for messages.

    Raises:
        InputError: the contents are in another encoding; the message names line and byte.

    Example:
        >>> decode(b"one\ncaf\xe9", "my.txt")
        Traceback (most recent call last):
        rnnkit.errors.InputError: my.txt, line 2: byte 0xe9 is not utf-8. Save the file as ...
    """
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
            f"{source}, line {line}: byte 0x{data[start]:02x} is not {encoding}. Save the file as "
            f"UTF-8, or read it with encoding={guess!r}."
        ) from error


def split_lines(text: str) -> list[str]:
    """Return the lines of a text; only line feeds end them, with or without a carriage return.

    `str.splitlines` splits at U+2028 and other characters, too, which occur within texts.
    """
    return [line.removesuffix("\r") for line in text.split("\n")]


def csv_rows(
    text: str, source: str | Path, delimiter: str = ","
) -> Iterator[tuple[str, list[str]]]:
    r"""Yield place and cells of each row of a CSV file; empty lines are skipped.

    Raises:
        InputError: a quote is not closed, or within an unquoted field; the message names the line.

    Example:
        >>> list(csv_rows('a,"b, c"\n\nd,e\n', "my.csv"))
        [('my.csv, line 1', ['a', 'b, c']), ('my.csv, line 3', ['d', 'e'])]
    """
    limit = csv.field_size_limit(MAX_FIELD)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in rows:
            if cells:
                yield f"{source}, line {rows.line_num}", cells
    except csv.Error as error:
        raise InputError(
            f"{source}, line {rows.line_num}: {error}. A quote inside a quoted field is doubled."
        ) from error
    finally:
        csv.field_size_limit(limit)


def csv_records(
    text: str, source: str | Path, delimiter: str = ","
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield place and values by column of each row below the header of a CSV file.

    A row with more or fewer fields than the header is an `InputError`.
    """
    rows = csv_rows(text, source, delimiter)
    _, header = next(rows, ("", []))
    for where, cells in rows:
        if len(cells) != len(header):
            raise InputError(
                f"{where} has {len(cells)} fields, the header {len(header)}: put fields that "
                "contain the separator, a quote or a line break in double quotes."
            )
        yield where, dict(zip(header, cells, strict=True))


def json_records(text: str, source: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and object of each line of a JSON lines file; empty lines are skipped.

    A line that is no JSON object is an `InputError` that names it.
    """
    for number, line in enumerate(split_lines(text), start=1):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where} is damaged JSON: {error}.") from error
        if not isinstance(record, dict):
            raise InputError(f"{where} is a {type(record).__name__}: expected an object {{...}}.")
        yield where, record


def cell(record: Mapping[str, Any], column: str, where: str, option: str) -> Any:
    """Return the value of a column of a record.

    `where` (file and line) and `option` (the argument that names the column) are for the message.

    Raises:
        InputError: there is no such column; the message names the closest.

    Example:
        >>> cell({"lable": "1"}, "label", "my.csv, line 2", "label_column")
        Traceback (most recent call last):
        rnnkit.errors.InputError: my.csv, line 2 has no column 'label': it has 'lable'. Did you \
mean 'lable'? Name it with label_column.
    """
    if column not in record:
        raise InputError(
            f"{where} has no column {column!r}: it has {', '.join(map(repr, record))}."
            f"{suggest(column, record)} Name it with {option}."
        )
    return record[column]


def parse_number(text: str, where: str, column: str | int) -> float:
    """Return the number in a cell, NaN where it is empty; other text is an `InputError`.

    Example:
        >>> parse_number(" 3.5", "my.csv, line 2", "cars"), parse_number("", "my.csv, line 3", 0)
        (3.5, nan)
    """
    try:
        return float(text.strip() or "nan")
    except ValueError as error:
        raise InputError(f"{where}, column {column!r}: {text!r} is not a number.") from error


_FORMATS: dict[str, Callable[..., Iterator[tuple[str, dict[str, Any]]]]] = {
    ".csv": csv_records,
    ".tsv": functools.partial(csv_records, delimiter="\t"),
    ".jsonl": json_records,
}
