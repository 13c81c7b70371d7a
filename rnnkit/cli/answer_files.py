"""`rnnkit predict` with `--out` or `--json`: answers beside the input's own columns."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.cli.answers import BATCH, NOTHING, default_column, refuse_text_column
from rnnkit.cli.series_columns import (
    TIME,
    columns_of_series,
    columns_of_steps,
    measured_columns,
)
from rnnkit.cli.text_sources import STDIN_FORMATS, text_rows, text_sources
from rnnkit.data.arriving import in_batches
from rnnkit.data.series_files import time_text
from rnnkit.data.table_files import TextRow
from rnnkit.data.table_writing import Column, check_format, write_table
from rnnkit.errors import InputError, check_choice, quote
from rnnkit.progress import showing


class Wanted(NamedTuple):
    """What is to become of the answers.

    Attributes:
        out: the file to write; None = JSON lines on the standard output.
        prefix: begins the names of the answers' columns.
        stdin: what the standard input holds, one of `STDIN_FORMATS`.
    """

    out: Path | None
    prefix: str = ""
    stdin: str = "lines"


def check_wanted(
    out: Path | None,
    as_json: bool,
    prefix: str | None,
    stdin: str | None,
    inputs: Sequence[str],
    files: Iterable[str | None] = (),
) -> Wanted | None:
    """Return what is to become of the answers; None = they are printed for people.

    Args:
        out: as typed, like all others.
        as_json: see above.
        prefix: see above.
        stdin: see above.
        inputs: the arguments.
        files: the files that are read.

    Raises:
        InputError: options that do not go together, or a file that cannot be written as asked.

    Example:
        >>> check_wanted(Path("answers.xls"), False, None, None, ["A fine film."])
        Traceback (most recent call last):
        rnnkit.errors.InputError: out is 'answers.xls'; expected a name that ends in .csv, .tsv, \
.jsonl or .parquet.
    """
    wanted = out is not None or as_json
    for name, value in (("prefix", prefix), ("stdin", stdin)):
        if value is not None and not wanted:
            raise InputError(
                f"{name} is {quote(value)}, and is for answers as a table: add --out or --json."
            )
    if stdin is not None:
        check_choice("stdin", stdin, STDIN_FORMATS)
        if "-" not in inputs:
            raise InputError(f"stdin is {quote(stdin)}, and no argument is -: add it.")
    if not wanted:
        return None
    if out is not None:
        if as_json:
            raise InputError(
                f"out is {quote(str(out))}, and --json prints the answers: leave one of them out. "
                "A file of JSON lines is --out answers.jsonl."
            )
        check_format(out, "out")
        if out.is_dir():
            raise InputError(f"out is {quote(str(out))}, which is a folder; expected a file.")
        if _belongs_to_run(out):
            raise InputError(
                f"out is {quote(str(out))}, which belongs to a run: choose another name."
            )
        for path in (*inputs, *files):
            if path is not None and _is_same(out, path):
                raise InputError(
                    f"out is {quote(str(out))}, which is the input, too: choose another name."
                )
    return Wanted(out, prefix or "", stdin or "lines")


def _is_same(out: Path, path: str) -> bool:
    """Return whether a file is the input, or one of the files in a folder that is the input."""
    with contextlib.suppress(OSError, ValueError):  # there is no such file, or it is a text
        return out.samefile(path) or (out.is_file() and out.parent.samefile(path))
    return False


def _belongs_to_run(out: Path) -> bool:
    """Return whether a file is the table of a run's epochs, or in one of its own folders."""
    path = out.absolute()
    for depth, folder in enumerate(path.parents[:3]):
        if (folder / "settings.json").is_file() and (folder / "environment.json").is_file():
            return path.name == "metrics.csv" if depth == 0 else path.is_file()
    return False


def answer(
    model: Any,
    sources: tuple[Sequence[str], Sequence[str | None]],
    read: Callable[[str], tuple[list[Any], list[str]]],
    wanted: Wanted,
    *,
    as_text: bool = False,
    text_column: str | None = None,
    **reading: Any,
) -> None:
    """Write what a model answers to texts or series, see `answer_texts` and `answer_series`.

    Args:
        model: it has `answer_table`.
        sources: the arguments, and more files.
        read: see `answer_series`.
        wanted: what is to become of the answers.
        as_text: see `text_sources`.
        text_column: see `text_rows`.
        **reading: `encoding` and `delimiter`, see `text_rows`.
    """
    inputs, files = sources
    if model.reads_series:
        refuse_text_column(model, text_column)
        answer_series(model, [*inputs, *(one for one in files if one)], read, wanted)
        return
    found = text_sources(inputs, files, as_text)
    options = {"text_column": text_column, **reading}
    rows = text_rows(found, default_column(model), wanted.stdin, **options)
    answer_texts(model, rows, wanted)


def answer_texts(model: Any, rows: Iterator[TextRow], wanted: Wanted) -> None:
    """Write what a model answers to texts: to a file at once, as JSON lines as they come.

    Args:
        model: it has `answer_table`.
        rows: the texts.
        wanted: what is to become of the answers.

    Raises:
        InputError: there is no text, or a column has the name of an answer.
    """
    if wanted.out is not None:
        with showing(True):
            columns, found = _beside(model, list(rows), wanted.prefix)
        _write(wanted.out, columns, found)
        return
    from rnnkit.cli.json_output import print_line

    count = 0
    for batch in in_batches(rows, BATCH):
        for row in _beside(model, batch, wanted.prefix)[1]:
            print_line(row)
        sys.stdout.flush()
        count += len(batch)
    if not count:
        raise InputError(NOTHING)


def _beside(
    model: Any, rows: Sequence[TextRow], prefix: str
) -> tuple[list[Column], list[dict[str, Any]]]:
    """Return the texts' own columns and the answers to them, and a row for each text."""
    if not rows:
        raise InputError(NOTHING)
    found = model.answer_table([row.text for row in rows])
    columns = [column._replace(name=prefix + column.name) for column in found.columns]
    own = list(dict.fromkeys(name for row in rows for name in row.record))
    refuse_collision(own, columns)
    names = [column.name for column in columns]
    answers = (answer for (answer,) in found.rows)
    return [*map(Column, own), *columns], [
        {**row.record, **dict(zip(names, answer, strict=True))}
        for row, answer in zip(rows, answers, strict=True)
    ]


def answer_series(
    model: Any,
    paths: Sequence[str],
    read: Callable[[str], tuple[list[Any], list[str]]],
    wanted: Wanted,
) -> None:
    """Write what a model answers to series: a row for each, or for each of their steps.

    Beside the answer to a step stand series, step and time, and the columns of its row. Beside the
    answer to a series stand those of its columns that do not change within a series.

    Args:
        model: it has `answer_table`.
        paths: of the files.
        read: reads the series of a file, and a name for each.
        wanted: what is to become of the answers.

    Raises:
        InputError: a column has the name of an answer.
    """
    series: list[Any] = []
    called: list[str] = []
    for path in paths:
        found, titles = read(path)
        series, called = [*series, *found], [*called, *titles]
    with showing(True):
        table = model.answer_table(series)
    if table.by_step:
        own = [columns_of_steps(one) for one in series]
    else:
        own = [[row] for row in columns_of_series(series)]
    measured = {name for one in series for name in measured_columns(one)}
    names = dict.fromkeys(name for rows in own for row in rows for name in row)
    places = [Column(wanted.prefix + "series", "text")]
    if table.by_step:
        places.append(Column(wanted.prefix + "step", "integer"))
        time = wanted.prefix + TIME
        if time not in names and any(one.times is not None for one in series):
            places.append(Column(time, "text"))
    columns = [column._replace(name=wanted.prefix + column.name) for column in table.columns]
    refuse_collision(names, [*places, *columns])
    rows = []
    for one, title, records, answers in zip(series, called, own, table.rows, strict=True):
        for step, (record, answer) in enumerate(zip(records, answers, strict=True)):
            known = table.by_step and one.times is not None
            place = (title, step, time_text(one.times[step]) if known else None)
            rows.append(
                dict(zip((column.name for column in places), place, strict=False))
                | record
                | dict(zip((column.name for column in columns), answer, strict=True))
            )
    own_columns = [Column(name, "number" if name in measured else None) for name in names]
    if wanted.out is not None:
        _write(wanted.out, [*places, *own_columns, *columns], rows)
        return
    from rnnkit.cli.json_output import print_line

    for row in rows:
        print_line(row)


def refuse_collision(own: Iterable[str], columns: Iterable[Column]) -> None:
    """Refuse a column of the input that has the name of an answer.

    Example:
        >>> refuse_collision(["text", "prediction"], [Column("prediction")])
        Traceback (most recent call last):
        rnnkit.errors.InputError: The input has a column 'prediction', and so have the answers: \
rename it, or begin the names of the answers otherwise, such as --prefix new_
    """
    names = {column.name for column in columns}
    taken = next((name for name in own if name in names), None)
    if taken is not None:
        raise InputError(
            f"The input has a column {quote(taken)}, and so have the answers: rename it, or begin "
            "the names of the answers otherwise, such as --prefix new_"
        )


def _write(out: Path, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    from rnnkit.cli import show

    write_table(out, columns, rows)
    show.note(f"{len(rows):,} row{'s' * (len(rows) != 1)} in {out}")
