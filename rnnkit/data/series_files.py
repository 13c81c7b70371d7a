"""Series from CSV files without a description: a row per step, a column per feature."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.series import Series, number
from rnnkit.errors import InputError


def read_series(path: str) -> Series:
    r"""Read a series from a CSV file: a row per step, a column per feature, in order of time.

    A header is skipped. A first column of times, such as 2016-01-04 00:05, gives the times.

    Raises:
        InputError: a cell is not a number, or the rows have unequal lengths.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "walk.csv"
        >>> _ = path.write_text("x,y\n1,2\n3,4\n5,6\n")
        >>> read_series(str(path)).values.shape
        (3, 2)
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV file in UTF-8: {error}.") from error
    if rows and _header(rows[0]):
        rows = rows[1:]
    timed = bool(rows) and _is(rows[0][0], _time) and not _is(rows[0][0], float)
    try:
        values = np.array([[number(cell) for cell in row[timed:]] for row in rows])
        times = np.array([_time(row[0]) for row in rows], "datetime64[m]") if timed else None
    except ValueError as error:
        raise InputError(
            f"{path} is no series: {error}. Expected a row per step, and as many numbers in each."
        ) from error
    if values.size == 0:
        raise InputError(f"{path} holds no step of a series: expected a row of numbers per step.")
    return Series(values, times)


def step_label(series: Series, step: int) -> str:
    """Return the time of a step, extrapolated beyond the end; without times, its number."""
    if series.times is None or len(series) < 2:
        return str(step)
    beyond = max(0, step - len(series) + 1)
    distance = np.median(np.diff(series.times).astype(int)).astype("timedelta64[m]")
    return str(series.times[step - beyond] + beyond * distance).replace("T", " ")


def _header(row: list[str]) -> bool:
    return not any(_is(cell, float) for cell in row) and not _is(row[0], _time)


def _is(cell: str, kind: Callable[[str], Any]) -> bool:
    try:
        kind(cell)
    except ValueError:
        return False
    return True


def _time(cell: str) -> np.datetime64:
    return np.datetime64(cell.strip().replace(" ", "T"), "m")
