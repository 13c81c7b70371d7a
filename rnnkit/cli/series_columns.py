"""The own columns of series in the answers of `rnnkit predict`: those of the files they are in."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from rnnkit.data.series_files import time_text
from rnnkit.data.times import is_time

TIME = "time"  # the column of times in the answers


def measured_columns(series: Any) -> Sequence[str]:
    """Return the names of what the model reads of a series; numbered ones where it has none.

    Example:
        >>> from rnnkit.data.series import Series
        >>> measured_columns(Series([[1.5, 2.0]]))
        ['column_0', 'column_1']
    """
    return series.columns or [f"column_{number}" for number in range(series.values.shape[1])]


def columns_of_steps(series: Any) -> list[dict[str, Any]]:
    """Return the columns of each step of a series, those that the model reads as numbers.

    A series that was not read from a table has the columns that the model reads. A step that has no
    row, because the table lacks it, has them too, as NaN; and the column `time`, if its rows have
    one of times.

    Args:
        series: a `rnnkit.data.series.Series`.

    Example:
        >>> from rnnkit.data.series import Series
        >>> rows = [{"id": "a", "load": "1,5"}, {"id": "b", "load": "2"}]
        >>> columns_of_steps(Series([1.5, 2.0], columns=("load",), records=rows))
        [{'id': 'a', 'load': 1.5}, {'id': 'b', 'load': 2.0}]
    """
    names = measured_columns(series)
    records = series.records or [{}] * len(series)
    sample = next((record.get(TIME) for record in records if record), None)
    found = []
    for step, (record, values) in enumerate(zip(records, series.values.tolist(), strict=True)):
        own = dict(record or {})
        if record is None and (time := _time_like(sample, series, step)) is not None:
            own[TIME] = time
        found.append(own | dict(zip(names, values, strict=True)))
    return found


def columns_of_series(series: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the columns of each series that do not change within any, such as an identifier.

    Args:
        series: several `rnnkit.data.series.Series`. What the model reads is left out.

    Example:
        >>> from rnnkit.data.series import Series
        >>> rows = [{"id": 7, "load": 1, "hour": 0}, {"id": 7, "load": 2, "hour": 1}]
        >>> columns_of_series([Series([1, 2], columns=("load",), records=rows)])
        [{'id': 7}]
    """
    first: list[dict[str, Any]] = []
    changing: set[str] = set()
    for one in series:
        records = [record for record in one.records if record is not None]
        first.append(records[0] if records else {})
        changing |= set(measured_columns(one))
        for record in records[1:]:
            changing |= {name for name, value in record.items() if value != first[-1].get(name)}
    return [{name: own[name] for name in own if name not in changing} for own in first]


def _time_like(sample: Any, series: Any, step: int) -> Any:
    """Return the time of a step as the rows beside it write theirs; None = they write no times."""
    if series.times is None:
        return None
    if isinstance(sample, str):
        return time_text(series.times[step]) if is_time(sample) else None
    moment = series.times[step].item()
    return moment if isinstance(sample, datetime.datetime) and sample.tzinfo is None else None
