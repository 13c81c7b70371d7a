"""The series that `predict` is asked about: one CSV file each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.data.series import Series


def read(path: str) -> Series:
    r"""Read a series from a CSV file: a row a step, a column a feature, in the order of time.

    A header is skipped. If the first column holds times, such as 2016-01-04 00:05, they are kept.

    Raises:
        InputError: a cell is no number, or the rows are of unequal lengths.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "walk.csv"
        >>> _ = path.write_text("x,y\n1,2\n3,4\n5,6\n")
        >>> read(str(path)).values.shape
        (3, 2)
    """
    from rnnkit.data.series import Series, number

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
            f"{path} is no series: {error}. Expected a row a step and as many numbers in each."
        ) from error
    if values.size == 0:
        raise InputError(f"{path} holds no step of a series: expected a row of numbers a step.")
    return Series(values, times)


def print_classes(model: Any, paths: list[str]) -> None:
    """Print label, probability and file of each series."""
    from rnnkit.cli.texts import label_all, print_answers

    labels, shares = label_all(model, [read(path) for path in paths])
    print_answers(labels, shares, paths, "series")


def print_forecasts(model: Any, paths: list[str]) -> None:
    """Print when and what is forecast from each step of the series in each file.

    When is a time where the file has times, else the number of the step, from 0 on.
    """
    from rnnkit.cli import show

    lines = []
    for path in paths:
        series = read(path)
        forecasts = model.predict(series, verbose=0)
        # Forecast number i is made at step context - 1 + i, of the step horizon later.
        first = len(series) - len(forecasts) + model.horizon
        for i, forecast in enumerate(forecasts, start=first):
            lines.append([when(series, i), f"{forecast:.6g}", path])
    if show.console.is_terminal:
        show.rows(["when", "forecast", "series"], lines)
        return
    for line in lines:
        print(*line, sep="\t")


def when(series: Series, step: int) -> str:
    """Return the time of a step, which may lie beyond the end, or its number."""
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
