"""Reader of tables: CSV, TSV and JSON lines, each record with its file and line for messages."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError, quote, quote_all, suggest, suggest_sibling

TABLES = (".csv", ".tsv", ".jsonl")  # the endings that `records` reads
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"))
MAX_FIELD = 2**31 - 1  # characters; the limit of the csv module, 131,072, is a long review


_LINE_END = re.compile(r"\r*\n|\r(?!\r*\n)")  # a file that was converted twice has \r\r\n


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
        raise InputError(f"{path} ends in {quote(suffix)}: expected {', '.join(TABLES)}.")
    if delimiter is None:
        yield from _FORMATS[suffix](read_text(path, encoding), path)
        return
    if suffix == ".jsonl":
        raise InputError(f"delimiter is {quote(delimiter)}, and {path} is no .csv or .tsv file.")
    yield from csv_records(read_text(path, encoding), path, check_delimiter(delimiter))


def check_delimiter(delimiter: str) -> str:
    r"""Return the character between columns; "tab" and a backslash with a t are the tab.

    Example:
        >>> check_delimiter(";"), check_delimiter("tab")
        (';', '\t')
    """
    found = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n':
        raise InputError(
            f"delimiter is {quote(delimiter)}: expected one character, such as ';' or tab."
        )
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
        raise InputError(f"encoding is {quote(encoding)}, which Python does not know.") from error
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise undecodable(data, start, source, encoding) from error


def undecodable(
    data: bytes, start: int, source: str | Path, encoding: str, lines: int = 0
) -> InputError:
    """Return the error of bytes that are in another encoding.

    Args:
        data: the bytes.
        start: the index of the first one that is none of the encoding.
        source: their file, for the message.
        encoding: the encoding.
        lines: how many lines come before the bytes.
    """
    line = lines + data.count(b"\n", 0, start) + 1
    guess = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"
    return InputError(
        f"{source}, line {line}: byte 0x{data[start]:02x} is not {encoding}. Save the file as "
        f"UTF-8, or read it with encoding={guess!r} (--encoding {guess})."
    )


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text, which end in a line feed, a carriage return, or both.

    `str.splitlines` splits at U+2028 and other characters, too, which occur within texts.

    Example:
        >>> split_lines("a\nb\r\nc\rd\r\r\ne")
        ['a', 'b', 'c', 'd', 'e']
    """
    return _LINE_END.split(text)


def csv_rows(
    text: str | Iterable[str], source: str | Path, delimiter: str = ","
) -> Iterator[tuple[str, list[str]]]:
    r"""Yield place and cells of each row of a CSV file; empty lines are skipped.

    `text` is that of the file, or its lines with their ends, which are read one by one.

    Raises:
        InputError: a quote is not closed, or within an unquoted field; the message names the line.

    Example:
        >>> list(csv_rows('a,"b, c"\n\nd,e\n', "my.csv"))
        [('my.csv, line 1', ['a', 'b, c']), ('my.csv, line 3', ['d', 'e'])]
    """
    lines = io.StringIO(text, newline="") if isinstance(text, str) else text
    first: list[str] = []  # the first line of the row that is read, for messages

    def noticed() -> Iterator[str]:
        for line in lines:
            if not first:
                first.append(line)
            yield line

    limit = csv.field_size_limit(MAX_FIELD)
    rows = csv.reader(noticed(), delimiter=delimiter, strict=True)
    begin = 0  # lines before the row
    try:
        for cells in rows:
            begin = rows.line_num
            first.clear()
            if cells:
                yield f"{source}, line {begin}", cells
    except csv.Error as error:
        line = "".join(first).rstrip("\r\n")
        column = _column_of_quote(line, delimiter)
        raise InputError(
            f"{source}, line {begin + 1}{f', column {column}' if column else ''}: {error}: a quote "
            f"that begins a field is not closed before the next separator. The line is "
            f"{quote(line)}. Put the field in quotes and double those inside it, or, if columns "
            "are separated by another character, name it with delimiter (--delimiter)."
        ) from error
    finally:
        csv.field_size_limit(limit)


def _column_of_quote(line: str, delimiter: str) -> int | None:
    """Return the number, from 1, of the first field that a quote begins and none ends."""
    field = re.compile(r'"(?:[^"]|"")*"(?=[{0}\r]|$)|(?!")[^{0}]*'.format(re.escape(delimiter)))
    start = 0
    for number in range(1, len(line) + 2):
        found = field.match(line, start)
        if found is None:
            return number
        if found.end() >= len(line):
            return None
        start = found.end() + 1
    return None


def csv_records(
    text: str | Iterable[str], source: str | Path, delimiter: str = ","
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield place and values by column of each row below the header of a CSV file, see `csv_rows`.

    Columns without a name are left out, where they are empty.

    Raises:
        InputError: a row with more or fewer fields than the header; two columns of one name; a
            value in a column without one, where there are several such.
    """
    rows = csv_rows(text, source, delimiter)
    place, header = next(rows, ("", []))
    _check_header(header, place)
    unnamed = [i for i, name in enumerate(header) if not name.strip()]
    for where, cells in rows:
        if len(cells) != len(header):
            odd = min(len(cells), len(header)) + 1
            raise InputError(
                f"{where} has {len(cells)} fields, the header {len(header)}: column {odd} is "
                f"{'too many' if len(cells) > len(header) else 'missing'}. The last field is "
                f"{quote(cells[-1])}. Put fields that contain the separator, a quote or a line "
                "break in double quotes; another separator is named with delimiter (--delimiter)."
            )
        if len(unnamed) > 1:
            for i in unnamed:
                if cells[i].strip():
                    raise InputError(
                        f"{where}, column {i + 1}: {quote(cells[i])} is in a column without a "
                        "name. Name it in the first line, or leave it out."
                    )
        yield where, dict(zip(header, cells, strict=True))


def _check_header(header: list[str], place: str) -> None:
    first: dict[str, int] = {}
    for number, name in enumerate(header, start=1):
        if name.strip() and name in first:
            raise InputError(
                f"{place} has two columns of the name {quote(name)}, numbers {first[name]} and "
                f"{number}: rename or leave out one of them."
            )
        first.setdefault(name, number)


def check_one_line(record: Mapping[str, Any], where: str) -> None:
    r"""Refuse a cell that holds lines of a table: a quote before them was opened by mistake.

    For tables of numbers, where a text of several lines is no value.

    Example:
        >>> check_one_line({"time": "00:05", "note": 'ok\n00:10,8'}, "my.csv, line 3")
        Traceback (most recent call last):
        rnnkit.errors.InputError: my.csv, line 3, column 'note': a quoted cell of 2 lines holds ...
    """
    for name, value in record.items():
        if isinstance(value, str) and "\n" in value:
            lines = value.split("\n")
            if any(line.count(mark) == len(record) - 1 for line in lines[1:] for mark in ",;\t|"):
                raise InputError(
                    f"{where}, column {quote(name)}: a quoted cell of {len(lines)} lines holds "
                    f"what looks like rows of the table: {quote(lines[1])}. Remove the quotes "
                    "that begin and end it, or write the cell on one line."
                )


def json_records(
    text: str | Iterable[str], source: str | Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and object of each line of a JSON lines file; empty lines are skipped.

    `text` is that of the file, or its lines, which are read one by one. A line that is no JSON
    object is an `InputError` that names it.
    """
    for number, line in enumerate(split_lines(text) if isinstance(text, str) else text, start=1):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        try:
            record = json.loads(line, object_pairs_hook=_unique)
        except _RepeatedKey as error:
            raise InputError(
                f"{where} has two values for {quote(error.args[0])}: leave one out."
            ) from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where} is damaged JSON: {error}. It is {quote(line)}.") from error
        if not isinstance(record, dict):
            raise InputError(f"{where} is a {type(record).__name__}: expected an object {{...}}.")
        yield where, record


class _RepeatedKey(Exception):
    """A key that stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RepeatedKey(key)
        found[key] = value
    return found


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
        other = ""
        if len(record) == 1 and (marks := [m for m in ";\t|," if m in next(iter(record))]):
            shown = "tab" if marks[0] == "\t" else marks[0]
            other = f" If columns are separated by {shown!r}, say so with delimiter (--delimiter)."
        raise InputError(
            f"{where} has no column {quote(column)}: it has {quote_all(record)}."
            f"{suggest(column, record)} Name it with {option}.{other}"
        )
    return record[column]


def is_missing(value: Any) -> bool:
    """Return whether a cell stands for a missing measurement: empty, or NA, null and the like.

    Example:
        >>> is_missing(" NA"), is_missing(None), is_missing("-"), is_missing(0)
        (True, True, False, False)
    """
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING)


def parse_number(text: str, where: str, column: str | int, decimal: str = ".") -> float:
    r"""Return the number in a cell, NaN where it is missing (see `is_missing`).

    A number is written in the digits 0 to 9, with a point or what `decimal` says, and an exponent
    or none: Python's `1_000`, `inf` and digits of other scripts are none.

    Raises:
        InputError: other text, or a number too large for float64; the message names the column.

    Example:
        >>> parse_number(" 3.5", "my.csv, line 2", "cars"), parse_number("", "my.csv, line 3", 0)
        (3.5, nan)
        >>> parse_number("3,5", "my.csv, line 2", "cars", decimal=",")
        3.5
    """
    found = text.strip()
    if is_missing(found):
        return float("nan")
    if decimal not in (".", ","):
        raise InputError(f"decimal is {quote(decimal)}: expected '.' or ','.")
    pattern = _NUMBERS[decimal]
    if not pattern.fullmatch(found):
        other = "," if decimal == "." else "."
        hint = ""
        if _NUMBERS[other].fullmatch(found):
            hint = f" Numbers with {other!r} before their fraction are read with decimal={other!r}."
            hint += f" (--decimal {other})"
        raise InputError(f"{where}, column {quote(column)}: {quote(text)} is not a number.{hint}")
    number = float(found.replace(",", "."))
    if number in (float("inf"), float("-inf")):
        raise InputError(f"{where}, column {quote(column)}: {quote(text)} is not finite.")
    return number


def looks_like_number(value: Any) -> bool:
    """Return whether a cell is a number or is meant as one, such as 3,5 or 1_000.

    Example:
        >>> looks_like_number("3,5"), looks_like_number(2), looks_like_number("ok")
        (True, True, False)
    """
    if isinstance(value, str) and _NUMBERS[","].fullmatch(value.strip()):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    except OverflowError:
        return True
    return not isinstance(value, bool)


_NUMBERS = {
    mark: re.compile(rf"[+-]?(?:[0-9]+[{mark}]?[0-9]*|[{mark}][0-9]+)(?:[eE][+-]?[0-9]+)?")
    for mark in ".,"
}
_FORMATS: dict[str, Callable[..., Iterator[tuple[str, dict[str, Any]]]]] = {
    ".csv": csv_records,
    ".tsv": functools.partial(csv_records, delimiter="\t"),
    ".jsonl": json_records,
}
