"""Series from tables, one or several in a file, to forecast: columns by name, gaps, splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.files import class_names
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit, split_by_time, warn_of_pieces
from rnnkit.data.tables import cell, parse_number, records
from rnnkit.data.time_grid import (
    CLOCK_HINT,
    Grid,
    calendar_note,
    clock_change,
    find_grid,
    jitter_note,
    place_rows,
)
from rnnkit.data.times import are_numeric_times, is_time, read_times
from rnnkit.errors import InputError, quote, suggest

BRIDGE = 12  # missing rows: shorter gaps are steps without a measurement, longer ones cut
SHARES = (0.15, 0.15)  # of valid and test
FEWEST = 10  # rows of a series that is split by time
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


def split_names(names: str | Sequence[str] | None) -> list[str]:
    """Return names that are given as a list, or in one text with commas.

    Example:
        >>> split_names("temp, rain"), split_names(None)
        (['temp', 'rain'], [])
    """
    if names is None:
        return []
    parts = names.split(",") if isinstance(names, str) else names
    return [part.strip() for part in parts if part.strip()]


def read_table(
    path: str | Path,
    *,
    time: str | None = None,
    group: str | None = None,
    first: Sequence[str] = (),
    columns: str | Sequence[str] | None = None,
    leave_out: Sequence[str] = (),
) -> Table:
    r"""Read the series of a table (``.csv``, ``.tsv``, ``.jsonl``) with a row for each step.

    The order of the columns in the file, and of rows of different groups, makes no difference.

    Args:
        path: the file; the first row names the columns.
        time: the column of times, which rise in each group: in ISO format (2016-01-04 00:05), Unix
            seconds or milliseconds, 20160104; None = the one column that holds times; "-" = no such
            column.
        group: the column whose values tell several series in the file apart.
        first: columns of values that come first.
        columns: further columns of values, names or a text with commas; None = all others that hold
            numbers, in alphabetical order; "-" = no further ones.
        leave_out: columns that are none of them, such as labels.

    Raises:
        InputError: a column, a time or a number that cannot be read; file and line are named.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "load.csv"
        >>> _ = path.write_text("city,when,load\na,2024-01-01 00:00,1\nb,2024-01-01 00:00,2\n")
        >>> table = read_table(path, group="city")
        >>> list(table.groups), table.columns, table.time
        (['a', 'b'], ('load',), 'when')
    """
    columns = () if columns == NO_COLUMN else columns
    group = None if group == NO_COLUMN else group
    found = list(records(path))
    if not found:
        raise InputError(f"{path} has no rows under its header.")
    known = dict.fromkeys(name for _, record in found for name in record)
    options = {"time": [time] if time not in (None, NO_COLUMN) else [], "group": split_names(group)}
    options |= {"target": list(first), "columns": split_names(columns), "label": list(leave_out)}
    for option, names in options.items():
        for name in names:
            if name not in known:
                raise InputError(
                    f"{path} has no column {name!r}, given as {option}: it has "
                    f"{', '.join(map(repr, known))}.{suggest(str(name), known)}"
                )
    if time is None:
        time = _time_column(path, found, [n for n in known if n not in (*leave_out, group, *first)])
    time = None if time == NO_COLUMN else time
    taken = {time, group, *leave_out}
    others = sorted(name for name in known if name not in {*taken, *first})
    chosen = [name for name in split_names(columns) if name not in first]
    if columns is None:
        chosen = [name for name in others if _holds(found, name, _is_number)]
    names = [*first, *chosen]
    for name in names:
        if name in taken:
            raise InputError(
                f"The column {name!r} is given twice: as values, and as time or group."
            )
    if not names:
        raise InputError(f"{path} has no column of numbers: expected at least one.")
    places: dict[str, list[int]] = {}
    for i, (where, record) in enumerate(found):
        key = "" if group is None else str(cell(record, group, where, "group")).strip()
        if group is not None and not key:
            raise InputError(f"{where}, column {group!r} (group) is empty.")
        places.setdefault(key, []).append(i)
    groups, notes = {}, dict[str, None]()
    for key in class_names(places):
        rows = [found[i] for i in places[key]]
        values = [[_number(record, name, where) for name in names] for where, record in rows]
        times = None if time is None else _times(rows, time, key, notes)
        groups[key] = Rows([w for w, _ in rows], np.array(values), times, [r for _, r in rows])
    ignored = [name for name in others if name not in names]
    return Table(groups, tuple(names), ignored, time, tuple(notes))


def from_path(
    path: str | Path,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    group: str | None = None,
    columns: str | Sequence[str] | None = None,
) -> SeriesDataset:
    r"""Read series to forecast from a table; see `read_table` for the columns.

    Each series is split by time: the first 70 % of its rows are train, the next 15 % valid, the
    last 15 % test. The most common distance between rows is the step; months and business days are
    steps without a time of day, and rows that are seconds early or late stand at their step. Up to
    12 missing rows are steps without a measurement; after a longer gap a new series begins. Rows
    that repeat the one before them are dropped; the same time with other values is refused. `notes`
    say what was done.

    Args:
        path: the file.
        target: the columns to forecast; None = the only column of numbers.
        time: see `read_table`.
        group: see `read_table`.
        columns: see `read_table`.

    Raises:
        InputError: see `read_table`; or a target is missing, a series is too short, or its rows are
            not in the order of time or at equal distances.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "load.csv"
        >>> rows = [f"2024-01-01 {hour:02}:00,{hour % 3}" for hour in range(20)]
        >>> _ = path.write_text("\n".join(["when,load", *rows]))
        >>> data = from_path(path, target="load")
        >>> data.train.steps, data.valid.steps, data.test.steps, data.step, data.columns
        (14, 3, 3, 60, ('load',))
    """
    targets = _target_names(target)
    table = read_table(path, time=time, group=group, first=targets, columns=columns)
    if not targets and len(table.columns) > 1:
        raise InputError(
            f"{path} has the columns {', '.join(map(repr, table.columns))}: name the one to "
            "forecast with target."
        )
    notes = []
    step = table_step(table)
    parts: tuple[list[Series], ...] = ([], [], [])
    found: list[Series] = []
    counts: Counter[str] = Counter()
    for name in table.groups:
        pieces = series_of(table, name, step, counts)
        found += pieces
        total = sum(map(len, pieces))
        if total < FEWEST:
            raise InputError(
                f"{path}{_of(name)} has {total} steps: expected {FEWEST} or more, to split by time."
            )
        later = [round(share * total) for share in SHARES]
        cut = split_by_time(pieces, [total - sum(later), *later])
        for part, more in zip(parts, cut, strict=True):
            part.extend(more)
    warn_of_pieces(found, str(path), len(table.groups))
    if table.time is None:
        notes.append("The file has no column of times: its rows are taken as steps in their order.")
    if table.ignored:
        notes.append(f"Columns left out: {', '.join(table.ignored)}.")
    notes += [*table.notes, *calendar_note(step)]
    for text, count in counts.items():
        notes.append(text.format(count=f"{count:,}"))
    if len(table.groups) > 1:
        notes.append(f"{len(table.groups):,} series, each split by time.")
    train, valid, test = map(SeriesSplit, parts)
    minutes = 1 if step is None else step.minutes
    about = f"Read from {path}; 70 % train, 15 % valid and 15 % test, by time."
    return SeriesDataset(
        Path(path).stem, train, valid, test, table.columns, 0, minutes, about, notes
    )


def series_of(table: Table, name: str, step: Grid | None, counts: Counter[str]) -> list[Series]:
    """Return the series of a group, cut at long gaps; `counts` gets what was dropped and filled."""
    rows = table.groups[name]
    label = name or None
    if rows.times is None or step is None:
        return [Series(rows.values, None, label, table.columns)]
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
        pieces.append(Series(filled, moments, label, table.columns))
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
                raise InputError(f"{rows.places[1]}{_of(name)}: {error}") from None
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


def read_columns(
    path: str | Path,
    columns: Sequence[str],
    *,
    time: str | None = None,
    group: str | None = None,
    cut: bool = True,
) -> tuple[list[Series], list[str]]:
    r"""Read the columns that a model was trained on from a table, by name, to be predicted.

    Args:
        path: the file.
        columns: the columns of values, in the model's order.
        time: see `read_table`.
        group: see `read_table`.
        cut: begin a new series at a long gap, as series to forecast do.

    Returns:
        The series, and a name for each: the file, and its group.

    Raises:
        InputError: see `read_table`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = path.write_text("b,a\n1,2\n3,4\n")
        >>> read_columns(path, ("a", "b"), time="-", group=None)[0][0].values.tolist()
        [[2.0, 1.0], [4.0, 3.0]]
    """
    table = read_table(path, time=time, group=group, first=columns, columns=())
    step = table_step(table) if cut else None
    series: list[Series] = []
    names: list[str] = []
    for name, rows in table.groups.items():
        found = series_of(table, name, step, Counter()) if cut else [_whole(rows, name, table)]
        for one in found:
            series.append(one)
            names.append(f"{path}, {name}" if name else str(path))
    return series, names


def _whole(rows: Rows, name: str, table: Table) -> Series:
    """Return the rows of a group as one series; times that stand still are left out."""
    times = None if rows.times is None else rows.times.astype("datetime64[m]")
    rises = times is not None and (np.diff(times).astype(int) > 0).all()
    return Series(rows.values, times if rises else None, name or None, table.columns)


def _target_names(target: Any) -> list[str]:
    parts: Any = [target] if isinstance(target, int) else target
    if not isinstance(parts, str) and any(isinstance(part, int) for part in parts or ()):
        raise InputError(f"target is {target!r}: in a file, name the column.")
    return split_names(parts)


def _of(name: str) -> str:
    return f", {name!r}" if name else ""


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _holds(found: list[tuple[str, dict[str, Any]]], name: str, test: Any) -> bool:
    """Whether most cells of a column that are not empty pass a test."""
    cells = [record.get(name) for _, record in found]
    cells = [value for value in cells if value is not None and str(value).strip()]
    return bool(cells) and 2 * sum(map(test, cells)) > len(cells)


def _time_column(path: Any, found: Any, names: list[str]) -> str | None:
    timed = [name for name in names if _holds(found, name, is_time)]
    timed = timed or [
        name for name in names if are_numeric_times(name, [row.get(name) for _, row in found])
    ]
    if len(timed) > 1:
        raise InputError(
            f"{path} has several columns of times: {', '.join(map(repr, timed))}. Choose one with "
            f"time, and name the columns of values with columns."
        )
    return timed[0] if timed else None


def _number(record: dict[str, Any], name: str, where: str) -> float:
    value = cell(record, name, where, "target or columns")
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, (str, int, float, np.number)):
        raise InputError(f"{where}, column {name!r}: {value!r} is not a number.")
    number = parse_number(str(value), where, name)
    if np.isinf(number):
        raise InputError(f"{where}, column {name!r}: {value!r} is not finite.")
    return number


def _times(
    rows: list[tuple[str, dict[str, Any]]], time: str, group: str, notes: dict[str, None]
) -> np.ndarray:
    """Return the times of rows; refuse rows whose time is before that of the row before them."""
    values = [cell(record, time, where, "time") for where, record in rows]
    moments, remarks = read_times(values, [where for where, _ in rows], time)
    notes |= dict.fromkeys(remarks)
    for i in np.flatnonzero(np.diff(moments).astype(np.int64) < 0):
        before, now = moments[i], moments[i + 1]
        hint = " Sort the rows by time; if the file holds several series, name the column that "
        hint += "tells them apart with group."
        raise InputError(
            f"{rows[i + 1][0]}{_of(group)}: {_shown(now)} comes after {_shown(before)}."
            f"{CLOCK_HINT if clock_change(before, now) else hint}"
        )
    return moments


def _shown(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[s]")).replace("T", " ")


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
                    f"{_shown(rows.times[i])}, and other values of "
                    f"{', '.join(map(repr, np.array(columns)[differs].tolist()))}. Keep one of the "
                    "rows, or leave these columns out; if the file holds several series, name the "
                    f"column that tells them apart with group.{hint}"
                )
            counts["{count} rows that repeat the row before them are left out."] += 1
        else:
            keep.append(i)
    return keep
