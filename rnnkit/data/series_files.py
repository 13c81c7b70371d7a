"""One series from a CSV file, and labels for its steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnnkit.data.series import Series
from rnnkit.data.table_files import holds_tables, read_tables
from rnnkit.data.tables import (
    check_delimiter,
    check_one_line,
    csv_rows,
    looks_like_number,
    parse_number,
    read_text,
)
from rnnkit.data.times import are_numeric_times, is_time, read_times
from rnnkit.errors import InputError


def read_series(
    path: str | Path,
    *,
    named: bool = False,
    decimal: str = ".",
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Series:
    r"""Read a series from a file: a row for each step, a column for each feature, time rising.

    A header is skipped, unless `named` keeps its names. If the first column contains times, such
    as 2016-01-04 00:05, they are kept. An empty cell is a missing measurement. Parquet, Arrow and
    folders of Hugging Face are read by `rnnkit.data.table_files`.

    Args:
        path: the file.
        named: keep the names of a header as `columns`, if each column has one of its own.
        decimal: what stands before the fraction of a number, "." or ",".
        encoding: of a text file.
        delimiter: between the columns of a CSV file; None = a comma, in ``.tsv`` a tab.

    Raises:
        InputError: a cell is not a number, the rows are of unequal lengths, or the file is empty
            or cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "walk.csv"
        >>> _ = path.write_text("x,y\n1,2\n3,4\n5,6\n")
        >>> read_series(path).values.shape
        (3, 2)
    """
    rows = _cells(path, encoding, delimiter)
    header = rows[0][1] if rows and _is_header(rows[0][1]) else [""]
    if header != [""]:
        rows = rows[1:]
    first = [cells[0] for _, cells in rows]
    timed = bool(rows) and (is_time(first[0]) or are_numeric_times(header[0], first))
    values: list[list[float]] = []
    for where, cells in rows:
        if len(cells) != len(rows[0][1]):
            raise InputError(f"{where} has {len(cells)} cells, the first row {len(rows[0][1])}.")
        check_one_line({str(i): text for i, text in enumerate(cells, start=1)}, where)
        numbers = enumerate(cells[timed:], start=timed + 1)
        values.append([parse_number(cell, where, column, decimal) for column, cell in numbers])
    if not np.size(values):
        raise InputError(f"{path} has no step of a series: expected a row of numbers for each.")
    names = tuple(header[timed:]) if named and header != [""] else ()
    columns = names if all(names) and len(set(names)) == len(names) else ()
    if not timed:
        return Series(np.array(values), columns=columns)
    moments = read_times(first, [where for where, _ in rows], header[0] or 1).times
    return Series(np.array(values), moments, columns=columns)


def has_header(path: str | Path, *, encoding: str = "utf-8", delimiter: str | None = None) -> bool:
    """Return whether the first row of a file names columns; see `read_series` for the options."""
    first = next(iter(_cells(path, encoding, delimiter)), None)
    return first is not None and _is_header(first[1])


def step_label(series: Series, step: int) -> str:
    """Return the time of a step, which may lie after the last one, or its number.

    Example:
        >>> times = np.datetime64("2024-01-01T00:00") + 15 * np.arange(3)
        >>> step_label(Series([1, 2, 3], times), 4), step_label(Series([1, 2, 3]), 4)
        ('2024-01-01 01:00', '4')
    """
    if series.times is None or len(series) < 2:
        return str(step)
    beyond = max(0, step - len(series) + 1)
    if not beyond:  # the distance takes as long as the series, and is asked for each of its steps
        return time_text(series.times[step])
    distance = np.median(np.diff(series.times).astype(int)).astype("timedelta64[m]")
    return time_text(series.times[-1] + beyond * distance)


def time_text(moment: np.datetime64) -> str:
    """Return the time of a step as text, to the minute.

    Example:
        >>> time_text(np.datetime64("2024-01-01T00:15"))
        '2024-01-01 00:15'
    """
    return str(moment).replace("T", " ")


def _cells(path: str | Path, encoding: str, delimiter: str | None) -> list[tuple[str, list[str]]]:
    """Return place and cells of each row, as they would stand in a CSV file."""
    suffix = Path(path).suffix.lower()
    if holds_tables(path) and suffix not in (".csv", ".tsv"):
        parts = read_tables(path, encoding=encoding, delimiter=delimiter)
        if len(parts) > 1:
            raise InputError(f"{path} has the splits {', '.join(parts)}: give one of them.")
        rows = parts["train"].rows
        named = [("", list(rows[0][1]))] if rows else []
        return named + [
            (where, ["" if value is None else str(value) for value in record.values()])
            for where, record in rows
        ]
    separator = "\t" if suffix == ".tsv" else ","
    separator = separator if delimiter is None else check_delimiter(delimiter)
    return list(csv_rows(read_text(path, encoding), path, separator))


def _is_header(cells: list[str]) -> bool:
    return not any(map(looks_like_number, cells)) and not is_time(cells[0])
