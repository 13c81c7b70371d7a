"""Where the texts of `rnnkit predict` come from: arguments, files, the standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rnnkit.cli.paths import TO_PREDICT, refuse_paths
from rnnkit.data import tables
from rnnkit.data.arriving import arriving_lines
from rnnkit.data.paths import is_path
from rnnkit.data.table_files import TextRow, read_text_rows, text_in
from rnnkit.errors import InputError, quote

STDIN_FORMATS = ("lines", "csv", "tsv", "jsonl")


class Source(NamedTuple):
    """Where texts come from: the kind "text", "stdin" or "file", and the text or the path."""

    kind: str
    value: str


def text_sources(inputs: Iterable[str], files: Iterable[str | None], as_text: bool) -> list[Source]:
    """Return where the texts come from: arguments that are files are read.

    Args:
        inputs: the arguments; `-` is the standard input.
        files: more files.
        as_text: whether arguments that look like paths are texts.

    Raises:
        InputError: an argument looks like a file, and there is none.

    Example:
        >>> text_sources(["A fine film.", "-"], [None, "reviews.csv"], as_text=False)
        [Source(kind='text', value='A fine film.'), Source(kind='stdin', value='-'), \
Source(kind='file', value='reviews.csv')]
    """
    found = []
    for text in inputs:
        if text == "-":
            found.append(Source("stdin", text))
        elif not as_text and is_path(text):
            found.append(Source("file", text))
        else:
            if not as_text:
                refuse_paths([text], TO_PREDICT)
            found.append(Source("text", text))
    return [*found, *(Source("file", one) for one in files if one is not None)]


def text_rows(
    sources: Iterable[Source],
    default: str,
    stdin: str = "lines",
    *,
    text_column: str | None = None,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Iterator[TextRow]:
    """Yield the texts of all sources, those of the standard input as they arrive.

    Args:
        sources: see `text_sources`.
        default: the column of the text in a table, unless it has another single one.
        stdin: what the standard input holds.
        text_column: the column of the text.
        encoding: see `rnnkit.data.table_files.read_texts`.
        delimiter: see `rnnkit.data.table_files.read_texts`.

    Raises:
        InputError: a row without a text, a file that cannot be read (the rows before were yielded);
            a column of the text, and no table.
    """
    sources = list(sources)
    if text_column is not None and not any(_has_columns(one, stdin) for one in sources):
        raise InputError(
            f"text_column is {quote(text_column)}, and no table is given that has columns: leave "
            "it out, or give a file or --data."
        )
    for kind, value in sources:
        if kind == "text":
            yield TextRow(value, {"text": value})
        elif kind == "file":
            reading: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter}
            yield from read_text_rows(value, default, text_column=text_column, **reading)
        else:
            lines = arriving_lines(sys.stdin.buffer, "stdin", encoding)
            if stdin == "lines":
                for line in lines:
                    text = line.rstrip("\r\n")
                    yield TextRow(text, {"text": text})
                continue
            for where, record in _records(lines, stdin, delimiter):
                yield TextRow(text_in(record, where, default, text_column), record)


def _has_columns(source: Source, stdin: str) -> bool:
    return source.kind == "file" or (source.kind == "stdin" and stdin != "lines")


def _records(
    lines: Iterator[str], stdin: str, delimiter: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    if stdin == "jsonl":
        return tables.json_records(lines, "stdin")
    between = "," if stdin == "csv" else "\t"
    between = between if delimiter is None else tables.check_delimiter(delimiter)
    return tables.csv_records(lines, "stdin", between)
