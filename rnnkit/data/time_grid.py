"""Equal distances: the step of times, in minutes, months or business days, and each row's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.errors import InputError

DAY = 24 * 60  # minutes
MINUTE = 60 * 10**6  # microseconds
JITTER = 0.1  # of a step: rows that are early or late by less stand at it
_MONTHS = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}


class Grid(NamedTuple):
    """The step of times.

    Attributes:
        unit: "minutes", "months" or "business days".
        size: so many of them.
    """

    unit: str
    size: int

    @property
    def name(self) -> str:
        """The step in words, as in "a row every ..."."""
        if self.unit == "minutes":
            return f"{self.size} minutes"
        if self.unit == "business days":
            return "business day"
        return _MONTHS.get(self.size, f"{self.size} months")

    @property
    def minutes(self) -> int:
        """The step in minutes; 1, the unit of steps without times, where it is of the calendar."""
        return self.size if self.has_clock else 1

    @property
    def has_clock(self) -> bool:
        """Whether steps keep their times: those of the calendar have no time of day."""
        return self.unit == "minutes"


class Placed(NamedTuple):
    """Rows on a grid.

    Attributes:
        places: `(T,)` integers from 0, rising; a number that is left out is a missing row.
        times: `(T,)` datetime64 in minutes, those of the grid; None on a grid without a clock.
        late: the largest distance from the grid in seconds.
        odd: the first row that fits no place, or None.
    """

    places: np.ndarray
    times: np.ndarray | None
    late: float
    odd: int | None


def find_grid(times: np.ndarray) -> Grid | None:
    """Return the step of rising times, or None where there are less than two.

    It is the most common distance, in whole minutes; of rows that are a little early or late, the
    one that fits them best. Days without any Saturday and Sunday are business days; distances of 28
    days and more that are no multiples of one another are months where the day of the month stays,
    or where it is always one of its last days.

    Raises:
        InputError: a step that is no whole number of minutes.

    Example:
        >>> find_grid(np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[D]"))
        Grid(unit='months', size=1)
        >>> find_grid(np.datetime64("2024-01-01T00:00") + 15 * np.arange(3))
        Grid(unit='minutes', size=15)
    """
    times = times.astype("datetime64[us]")
    distance = np.diff(times).astype(np.int64)
    distance = distance[distance > 0]
    if not len(distance):
        return None
    values, counts = np.unique(distance, return_counts=True)
    common = int(values[counts.argmax()])
    regular = 2 * counts.max() >= len(distance) or not (distance % common).any()
    if common % MINUTE or not regular:  # some are early, some late
        usual = _slope(distance)
        common = round(usual / MINUTE) * MINUTE
        parts = max(1, round(DAY * MINUTE / usual))  # of a day, if that is as good
        days = max(1, round(usual / DAY / MINUTE))
        if DAY % parts == 0 and abs(usual * parts / days / (DAY * MINUTE) - 1) < 0.01:
            common = days * DAY * MINUTE // parts
        if abs(usual - common) > JITTER / 2 * usual:
            raise InputError(_no_minutes(usual))
    minutes = common // MINUTE
    if _on_business_days(times, minutes):
        return Grid("business days", 1)
    months = _months(times)
    if minutes >= 28 * DAY and (distance % common).any() and months:
        return Grid("months", months)
    return Grid("minutes", minutes)


def place_rows(times: np.ndarray, grid: Grid) -> Placed:
    """Return the place of each row on a grid, and its time there.

    Example:
        >>> times = np.array(["2024-01-01T00:00:03", "2024-01-01T00:04:58"], "datetime64[us]")
        >>> placed = place_rows(times, Grid("minutes", 5))
        >>> placed.places.tolist(), str(placed.times[1]), placed.late
        ([0, 1], '2024-01-01T00:05', 2.5)
    """
    if grid.unit == "business days":
        days = times.astype("datetime64[D]")
        return _without_clock(np.busday_count(days[0], days))
    if grid.unit == "months":
        count = times.astype("datetime64[M]").astype(int)
        return _without_clock((count - count[0]) // grid.size, (count - count[0]) % grid.size != 0)
    step = grid.size * MINUTE
    elapsed = (times - times[0]).astype("timedelta64[us]").astype(np.int64)
    rest = (elapsed + step // 2) % step - step // 2
    middle = int(np.median(rest))
    late = np.abs(rest - middle)
    exact = not rest.any()
    places = (elapsed - middle + step // 2) // step
    places -= places[0]
    begin = times[0].astype("datetime64[us]").astype(np.int64)
    # Whole minutes stay what they are where the rows are exact; else the nearest one is the grid's.
    begin = begin // MINUTE if exact else round((begin + middle) / MINUTE)
    nominal = begin + places * grid.size
    wrong = (late > JITTER * step) | (np.diff(places, prepend=-1) <= 0)
    odd = int(np.flatnonzero(wrong)[0]) if wrong.any() else None
    return Placed(places, nominal.astype("datetime64[m]"), float(late.max()) / 1e6, odd)


def jitter_note(late: float, grid: Grid) -> list[str]:
    """Return a note on rows that were a little early or late, if there were any."""
    if not late:
        return []
    return [
        f"Rows are up to {late:.3g} seconds early or late: they stand at their step, one every "
        f"{grid.name}."
    ]


def calendar_note(grid: Grid | None) -> list[str]:
    """Return a note on steps of the calendar, whose times are left out."""
    if grid is None or grid.has_clock:
        return []
    return [f"Each row is one {grid.name}: steps have no times, and there is no time of day."]


def clock_change(before: np.datetime64, now: np.datetime64) -> bool:
    """Return whether clocks may have changed between two times: a night, on a Sunday, by an hour.

    Example:
        >>> clock_change(np.datetime64("2024-10-27T02:45"), np.datetime64("2024-10-27T02:00"))
        True
    """
    later = max(before, now).astype("datetime64[m]")
    day = later.astype("datetime64[D]")
    sunday = (day.astype(int) + 3) % 7 == 6
    month = int(day.astype("datetime64[M]").astype(int)) % 12 + 1
    night = (later - day).astype(int) <= 4 * 60
    near = abs(int((now - before).astype("timedelta64[m]").astype(int))) <= 2 * 60
    return bool(sunday and night and near and month in (3, 4, 9, 10, 11))


CLOCK_HINT = (
    " The clock was set back in this night: write the times in UTC, or with their distance from it "
    "(2024-10-27 02:00+01:00)."
)


def _slope(distance: np.ndarray) -> float:
    """Return the step that fits rising times best, by least squares: errors of single rows fade."""
    steps = np.cumsum(np.round(distance / np.median(distance)))
    elapsed = np.cumsum(distance.astype(float))
    steps, elapsed = np.insert(steps, 0, 0.0), np.insert(elapsed, 0, 0.0)
    steps = steps - steps.mean()
    return float(steps @ (elapsed - elapsed.mean()) / max(steps @ steps, 1e-9))


def _no_minutes(distance: float) -> str:
    return (
        f"rows come {distance / 1e6:.6g} seconds after the row before them, and steps are whole "
        'minutes. Resample them, or give time="-" (--time -) to take each row as one step.'
    )


def _on_business_days(times: np.ndarray, minutes: int) -> bool:
    days = times.astype("datetime64[D]")
    if minutes != DAY or len(days) < 5 or not np.is_busday(days).all():
        return False
    over = np.diff(days).astype(int)
    return bool((over == 3).any()) and int(over.sum()) >= 7


def _months(times: np.ndarray) -> int:
    """Return the distance of times in months, the greatest that divides all; 0 = no months."""
    month = times.astype("datetime64[M]")
    day = (times.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)
    after = month + np.timedelta64(1, "M")
    left = (after.astype("datetime64[D]") - times.astype("datetime64[D]")).astype(int)
    steady = min(np.ptp(day), np.ptp(left)) <= 3  # with the last or first business day
    steps = np.diff(month.astype(int))
    return int(np.gcd.reduce(steps)) if steady and (steps > 0).all() else 0


def _without_clock(places: np.ndarray, off: Sequence[bool] | np.ndarray = ()) -> Placed:
    wrong = np.diff(places, prepend=-1) <= 0
    if len(off):
        wrong |= off
    odd = int(np.flatnonzero(wrong)[0]) if wrong.any() else None
    return Placed(places, None, 0.0, odd)
