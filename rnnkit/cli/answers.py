"""The inputs of `rnnkit predict`, and its answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnkit.data.table_files import read_texts
from rnnkit.data.tables import decode, split_lines
from rnnkit.errors import InputError, quote
from rnnkit.progress import showing

NOTHING = (
    'No text to predict; give one or more, "-" for stdin, or --file PATH. (Of a model of series, '
    "give CSV files.)"
)


def print_answers(
    model: Any,
    inputs: list[str],
    file: str | None,
    read: Callable[[str], tuple[list[Any], list[str]]],
    *,
    data: str | None = None,
    text_column: str | None = None,
    **reading: Any,
) -> None:
    """Print the answers of a model: a table in a terminal, lines in a file or a pipe.

    Args:
        model: it has `answer`, and `reads_series` if its inputs are CSV files.
        inputs: texts, or paths of CSV files; "-" reads texts from stdin.
        file: a file with a text on each line; of a model of series, one more CSV file.
        read: reads the series of a file, and a name for each.
        data: a table of texts or series.
        text_column: the column of texts in it.
        **reading: how it is read, see `rnnkit.data.table_files.read_texts`.
    """
    from rnnkit.cli import show

    if model.reads_series:
        series: list[Any] = []
        names: list[str] = []
        if text_column is not None:
            raise InputError(
                f"text_column is {quote(text_column)}, and {type(model).__name__} reads series: "
                "leave "
                "it out."
            )
        for path in [*inputs, *(one for one in (file, data) if one is not None)]:
            found, called = read(path)
            series, names = [*series, *found], [*names, *called]
        with showing(True):
            answers = model.answer(series, names)
    else:
        table = None
        if data is not None:
            column = model.form.text_column
            table = read_texts(data, column, text_column=text_column, **reading)
        texts = gather_texts(inputs, file, table, reading.get("encoding", "utf-8"))
        with showing(True):
            answers = model.answer(texts)
    show.answers(*answers)


def gather_texts(
    texts: list[str],
    file: str | None,
    table: list[str] | None = None,
    encoding: str = "utf-8",
) -> list[str]:
    """Return the texts given as arguments, on stdin (``-``), in a file and a table, in this order.

    `encoding` is that of stdin and of the file.

    Example:
        >>> gather_texts(["A fine film."], None)
        ['A fine film.']
    """
    found: list[str] = []
    for text in texts:
        found += _lines(sys.stdin.buffer.read(), "stdin", encoding) if text == "-" else [text]
    if file is not None:
        found += _lines(Path(file).read_bytes(), file, encoding)
    found += table or []
    if not found:
        raise InputError(NOTHING)
    return found


def _lines(raw: bytes, where: str, encoding: str) -> list[str]:
    """Split into lines; an empty line is a text, so that answers correspond to lines."""
    text = decode(raw, where, encoding)
    return split_lines(text.removesuffix("\n")) if text else []
