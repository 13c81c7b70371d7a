"""The rows of the series in a table: their steps, what is missing and what is repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.series import Series
from rnnkit.data.time_grid import (
    CLOCK_HINT,
    Grid,
    clock_change,
    find_grid,
    jitter_note,
    place_rows,
)
from rnnkit.errors import InputError, quote

BRIDGE = 12  # missing rows: shorter gaps are steps without a measurement, longer ones cut
NO_COLUMN = "-"


class Rows(NamedTuple):
    """The rows of one series in a table, in the order of the file.

    Attributes:
        places: file and line of each, for messages.
        values: `(T, D)` float64.
        times: `(T,)` datetime64 in microseconds, or None.
        records: the rows as they were read.
    """

    places: list[str]
    values: np.ndarray
    times: np.ndarray | None
    records: list[dict[str, Any]]


class Table(NamedTuple):
    """The series of a table.

    Attributes:
        groups: group -> its rows, in the order of the groups' names; one, "", without groups.
        columns: the names of the columns of values.
        ignored: columns of the file that hold no numbers and are left out.
        time: the column of times, or None.
        notes: how times were read, for readers of results.
    """

    groups: dict[str, Rows]
    columns: tuple[str, ...]
    ignored: list[str]
    time: str | None
    notes: tuple[str, ...] = ()


def series_of(
    table: Table, name: str, step: Grid | None, counts: Counter[str], records: bool = False
) -> list[Series]:
    """Return the series of a group, cut at long gaps.

    Args:
        table: see above.
        name: of the group.
        step: from one row to the next.
        counts: it gets what was dropped and filled.
        records: whether the series keep the rows as they were read.
    """
    rows = table.groups[name]
    label = name or None
    if rows.times is None or step is None:
        return [Series(rows.values, None, label, table.columns, rows.records if records else ())]
    keep = _without_repeats(rows, table.columns, counts)
    values, times, places = rows.values[keep], rows.times[keep], [rows.places[i] for i in keep]
    placed = place_rows(times, step)
    if placed.odd is not None:
        raise InputError(_unequal(places[placed.odd], times, placed.odd, step))
    counts.update(dict.fromkeys(jitter_note(placed.late, step), 1))
    missing = np.diff(placed.places) - 1
    short = (missing > 0) & (missing <= BRIDGE)
    if short.any():
        counts["{count} missing rows are steps without a measurement."] += int(missing[short].sum())
    long = np.flatnonzero(missing > BRIDGE)
    if len(long):
        counts[f"{{count}} gaps of more than {BRIDGE} missing rows begin new series."] += len(long)
    forward = [i for i in np.flatnonzero(missing) if clock_change(times[i], times[i + 1])]
    if forward and step.has_clock:
        counts[
            "{count} gaps are where clocks are set forward: the times seem to be local ones, and "
            "would be without gaps in UTC."
        ] += len(forward)
    pieces = []
    for rows_of in np.split(np.arange(len(times)), long + 1):
        at = placed.places[rows_of] - placed.places[rows_of[0]]
        filled = np.full((at[-1] + 1, values.shape[1]), np.nan)
        filled[at] = values[rows_of]
        moments = None
        if placed.times is not None:
            moments = placed.times[rows_of[0]] + step.size * np.arange(len(filled))
        kept: list[dict[str, Any] | None] = []
        if records:
            kept = [None] * len(filled)
            for place, row in zip(at.tolist(), rows_of.tolist(), strict=True):
                kept[place] = rows.records[keep[row]]
        pieces.append(Series(filled, moments, label, table.columns, kept))
    return pieces


def _unequal(where: str, times: np.ndarray, odd: int, step: Grid) -> str:
    """Return the message of a row that is at no step."""
    seconds = (times[odd] - times[odd - 1]) / np.timedelta64(1, "s") if odd else 0.0
    if 0 < seconds < 60:
        return (
            f"{where} is less than a minute after the row before it. Steps are whole minutes: "
            f"resample, or give --time {NO_COLUMN} to take each row as one step."
        )
    return (
        f"{where} comes {seconds / 60:g} minutes after the row before it, and most rows are one "
        f"every {step.name}: the rows of series are at equal distances. Resample them, or give "
        f"--time {NO_COLUMN} to take each row as one step."
    )


def table_step(table: Table) -> Grid | None:
    """Return the step of the rows, the same in all groups; None without times."""
    steps: dict[str, Grid] = {}
    for name, rows in table.groups.items():
        if rows.times is not None and len(rows.times) > 1:
            try:
                found = find_grid(rows.times)
            except InputError as error:
                raise InputError(f"{rows.places[1]}{of_group(name)}: {error}") from None
            if found is not None:
                steps[name] = found
    if len(set(steps.values())) > 1:
        one = next(iter(steps))
        other = next(name for name in steps if steps[name] != steps[one])
        raise InputError(
            f"The series have different steps: {quote(one)} a row every {steps[one].name}, "
            f"{quote(other)} every {steps[other].name}. Resample them to the same."
        )
    timed = any(rows.times is not None for rows in table.groups.values())
    return next(iter(steps.values()), Grid("minutes", 1) if timed else None)


def _without_repeats(rows: Rows, columns: Sequence[str], counts: Counter[str]) -> list[int]:
    """Return the rows but those that repeat the row before; refuse two values at one time."""
    keep: list[int] = []
    for i, values in enumerate(rows.values):
        if keep and rows.times is not None and rows.times[i] == rows.times[keep[-1]]:
            differs = ~np.isclose(values, rows.values[keep[-1]], rtol=0, atol=0, equal_nan=True)
            if differs.any():
                hint = CLOCK_HINT if clock_change(rows.times[i], rows.times[i]) else ""
                raise InputError(
                    f"{rows.places[i]} has the time of the row before it, "
                    f"{show_time(rows.times[i])}, and other values of "
                    f"{', '.join(map(repr, np.array(columns)[differs].tolist()))}. Keep one of the "
                    "rows, or leave these columns out; if the file holds several series, name the "
                    f"column that tells them apart with group.{hint}"
                )
            counts["{count} rows that repeat the row before them are left out."] += 1
        else:
            keep.append(i)
    return keep


def of_group(name: str) -> str:
    """Return ", 'name'" for messages; nothing for the only series of a file."""
    return f", {quote(name)}" if name else ""


def step_name(step: Grid | None) -> str:
    """Return a step in words."""
    return "step" if step is None else step.name


def show_time(moment: np.datetime64) -> str:
    """Return a time for messages."""
    return str(moment.astype("datetime64[s]")).replace("T", " ")
