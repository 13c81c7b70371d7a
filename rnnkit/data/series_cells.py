"""Cells of tables of series: numbers, missing measurements, times."""

from __future__ import annotations

import datetime
from typing import Any

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"))
EPOCH = datetime.datetime(1970, 1, 1)
SECONDS = (3e8, 4e9)  # Unix times of the years 1979 to 2096; a thousand times as many are in ms


def is_missing(value: Any) -> bool:
    """Return whether a cell stands for a missing measurement: empty, or NA, null and the like.

    Example:
        >>> is_missing(" NA"), is_missing(None), is_missing("-"), is_missing(0)
        (True, True, False, False)
    """
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING)


def is_number(value: Any) -> bool:
    """Return whether a cell is a number; true and false are none."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def is_time(value: Any) -> bool:
    """Return whether a cell is a time, and no number."""
    try:
        parse_time(value)
    except (TypeError, ValueError):
        return False
    return not is_number(value)


def parse_time(value: Any) -> datetime.datetime:
    """Return a time in ISO format, or in Unix seconds or milliseconds; with a time zone, in UTC.

    Raises:
        ValueError: the cell is none.

    Example:
        >>> str(parse_time("2024-01-01 00:05+01:00")), str(parse_time(1_704_067_500))
        ('2023-12-31 23:05:00', '2024-01-01 00:05:00')
    """
    if is_number(value):
        return _unix_time(float(value))
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    found = value
    if not isinstance(value, datetime.datetime):
        found = datetime.datetime.fromisoformat(str(value).strip())
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found


def _unix_time(number: float) -> datetime.datetime:
    for unit in (1.0, 1e-3):
        if SECONDS[0] <= number * unit < SECONDS[1]:
            return EPOCH + datetime.timedelta(seconds=number * unit)
    raise ValueError(f"{number:g} is no Unix time in seconds or milliseconds")
