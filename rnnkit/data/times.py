"""Times of the rows of a table: written in several ways, read in UTC or as the clock shows them."""

from __future__ import annotations

import bisect
import datetime
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.errors import InputError, quote

EXPECTED = "a time such as 2016-01-04 00:05"
# Names of columns that hold times, where their values are numbers.
TIME_NAMES = {"time", "times", "timestamp", "timestamps", "date", "datetime", "ts", "ds", "epoch"}
TIME_NAMES |= {"unix", "unixtime", "unix_time", "unix_timestamp", "date_time", "when"}
# Numbers between these are times since 1970 (from 1973 on), in units of so many microseconds.
UNIX = {
    "seconds": (10**8, 10**10, 1_000_000.0),
    "milliseconds": (10**11, 10**13, 1_000.0),
    "microseconds": (10**14, 10**16, 1.0),
    "nanoseconds": (10**17, 10**19, 0.001),
}
_COMPACT = {4: "%Y", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_MONTH = re.compile(r"\d{4}-\d{2}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Moments(NamedTuple):
    """Times, and what readers of results should know about how they were read.

    Attributes:
        times: `(T,)` datetime64 in microseconds.
        notes: a sentence for each conversion.
    """

    times: np.ndarray
    notes: list[str]


def read_times(
    values: Sequence[Any], places: Sequence[str], column: str | int | None = None
) -> Moments:
    """Read the times of a column: in ISO format, Unix seconds or milliseconds, 20160104, 2016.

    Times with a time zone become UTC; a column has them in all rows, or in none.

    Args:
        values: the cells: texts, numbers, or objects of `datetime`.
        places: file and line of each, for messages.
        column: its name, for messages.

    Raises:
        InputError: a cell that is no time; numbers that are none; time zones in some rows only.

    Example:
        >>> read_times(["1704067200", "1704070800"], ["line 2", "line 3"]).times.tolist()[1]
        datetime.datetime(2024, 1, 1, 1, 0)
        >>> read_times(["2024-01-01T01:00+01:00"], ["line 2"]).notes
        ['Times with a time zone were converted to UTC.']
    """
    if all(map(_is_number, values)):
        return _read_numbers(values, places, column)
    found: list[datetime.datetime] = []
    for value, where in zip(values, places, strict=True):
        moment = parse_time(value)
        if moment is None:
            raise InputError(f"{_cell(where, column)}: {quote(value)} is not {EXPECTED}.")
        if found and (moment.tzinfo is None) != (found[0].tzinfo is None):
            raise InputError(
                f"{_cell(where, column)}: {quote(value)} has {'no' if found[0].tzinfo else 'a'} "
                "time zone, unlike the rows before it: write all times with one, or none."
            )
        found.append(moment)
    notes = []
    if found and found[0].tzinfo is not None:
        found = [one.astimezone(datetime.UTC).replace(tzinfo=None) for one in found]
        notes.append("Times with a time zone were converted to UTC.")
    return Moments(np.array(found, "datetime64[us]"), notes)


def is_time(value: Any) -> bool:
    """Return whether a cell is a time that is no number; 2016 and 1704067200 are numbers.

    Example:
        >>> is_time("2016-01-04 00:05"), is_time("2016"), is_time("now")
        (True, False, False)
    """
    return not _is_number(value) and parse_time(value) is not None


def are_numeric_times(name: str, values: Sequence[Any]) -> bool:
    """Return whether the numbers of a column are times: its name and all of them say so.

    Example:
        >>> are_numeric_times("Timestamp", ["1704067200"]), are_numeric_times("cars", [1704067200])
        (True, False)
    """
    if name.strip().lower() not in TIME_NAMES or not all(map(_is_number, values)):
        return False
    return bool(values) and _parse_numbers(values) is not None


def parse_time(value: Any) -> datetime.datetime | None:
    """Return the time in a text in ISO format, or of an object of `datetime`, else None.

    Example:
        >>> parse_time("2016-01"), parse_time("4 January")
        (datetime.datetime(2016, 1, 1, 0, 0), None)
    """
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    text = str(value).strip()
    if not text.isascii():  # Python would read digits of other scripts
        return None
    if text.isdigit() and len(text) != 8:
        return None
    try:
        return datetime.datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | datetime.date):
        return False
    if isinstance(value, int | float | np.number):
        return True
    return bool(_NUMBER.fullmatch(str(value).strip()))


def _cell(where: str, column: str | int | None) -> str:
    return where if column is None else f"{where}, column {quote(column)}"


def _parse_numbers(values: Sequence[Any]) -> tuple[str, list[Any]] | None:
    """Return the unit of Unix times ("" for others) and the times of numbers; None = no times."""
    texts = [str(value).strip() for value in values]
    for length, pattern in _COMPACT.items():
        if all(len(text) == length for text in texts):
            found = [_compact(text, pattern) for text in texts]
            if all(one is not None and 1800 <= one.year < 2200 for one in found):
                return "", found
    sizes = [float(text) for text in texts]
    for unit, (least, most, scale) in UNIX.items():
        if all(least <= size < most for size in sizes):
            # Whole numbers stay whole: a float has no room for nanoseconds.
            return unit, [np.datetime64(round(_exact(text) * scale), "us") for text in texts]
    return None


def _unread(values: Sequence[Any]) -> bool:
    return _parse_numbers(values) is None


def _exact(text: str) -> float | int:
    return int(text) if text.isdigit() else float(text)


def _read_numbers(
    values: Sequence[Any], places: Sequence[str], column: str | int | None
) -> Moments:
    found = _parse_numbers(values)
    if found is None:
        odd = bisect.bisect_left(range(len(values)), True, key=lambda i: _unread(values[: i + 1]))
        raise InputError(
            f"{_cell(places[odd], column)}: {quote(values[odd])} is not {EXPECTED}, nor are all "
            "rows Unix seconds or milliseconds, or days such as 20160104. Write the times in ISO "
            'format, or give time="-" (--time -) to take each row as one step.'
        )
    unit, moments = found
    notes = [f"Times are Unix {unit}: they were converted to UTC."] if unit else []
    return Moments(np.array(moments, "datetime64[us]"), notes)


def _compact(text: str, pattern: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, pattern)
    except ValueError:
        return None
