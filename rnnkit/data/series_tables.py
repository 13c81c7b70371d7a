"""Series from tables, one or several in a file, to forecast: columns by name, gaps, splits."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.files import class_names
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit, cut_at_gaps, split_by_time
from rnnkit.data.series_cells import is_missing, is_number, is_time, parse_time
from rnnkit.data.table_files import known_splits, read_tables
from rnnkit.data.tables import cell, parse_number
from rnnkit.errors import InputError, suggest

BRIDGE = 12  # missing rows: shorter gaps are steps without a measurement, longer ones cut
LATER = ("valid", "test")
SHARES = (0.15, 0.15)  # of these two
FEWEST = 10  # rows of a series that is split by time
NO_COLUMN = "-"


class Rows(NamedTuple):
    """The rows of one series in a table, in the order of the file.

    Attributes:
        places: file and line of each, for messages.
        values: `(T, D)` float64.
        times: `(T,)` datetime64 in minutes, or None.
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
    """

    groups: dict[str, Rows]
    columns: tuple[str, ...]
    ignored: list[str]
    time: str | None


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
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Table:
    r"""Read the series of a table, see `rnnkit.data.table_files`, with a row for each step.

    The order of the columns in the file, and of rows of different groups, makes no difference.

    Args:
        path: the file; the first row names the columns.
        time: the column of times, which rise in each group: in ISO format (2016-01-04 00:05) or,
            where the column is named here, in Unix seconds or milliseconds; those with a time zone
            are read in UTC. None = the one column that holds times; "-" = no such column.
        group: the column whose values tell several series in the file apart.
        first: columns of values that come first.
        columns: further columns of values, names or a text with commas; None = all others that hold
            numbers, in alphabetical order; "-" = no further ones.
        leave_out: columns that are none of them, such as labels.
        encoding: of a text file.
        delimiter: between the columns of a CSV file; None = a comma, in ``.tsv`` a tab.

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
    return _series(
        path,
        _rows(path, encoding, delimiter),
        time=time,
        group=group,
        first=first,
        columns=columns,
        leave_out=leave_out,
    )


def read_splits(
    path: str | Path,
    *,
    first: Sequence[str] = (),
    columns: str | Sequence[str] | None = None,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    **options: Any,
) -> tuple[dict[str, Table], list[str]]:
    r"""Read the series of train, and those of valid and test where they have tables of their own.

    Args:
        path: a table, or several as `rnnkit.data.table_files.read_tables` reads them.
        first: see `read_table`, like all others.
        columns: see above; those of train hold for all splits.
        encoding: see above.
        delimiter: see above.
        **options: `time`, `group` and `leave_out`.

    Returns:
        The tables by split, and notes for readers of results.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for split in ("train", "test"):
        ...     _ = (folder / f"{split}.csv").write_text("x\n1\n2\n")
        >>> list(read_splits(folder)[0])
        ['train', 'test']
    """
    parts, notes = known_splits(read_tables(path, encoding=encoding, delimiter=delimiter))
    options |= {"first": first}
    tables = {"train": _series(path, parts["train"].rows, columns=columns, **options)}
    chosen = tables["train"].columns[len(first) :]
    for split in list(parts)[1:]:
        rows = parts[split].rows
        tables[split] = _series(f"{path}, {split}", rows, columns=chosen, **options)
    ignored = tables["train"].ignored
    return tables, [*notes, *([f"Columns left out: {', '.join(ignored)}."] if ignored else [])]


def _rows(
    path: str | Path, encoding: str, delimiter: str | None
) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows of a single table, with their places; refuse several splits."""
    parts = read_tables(path, encoding=encoding, delimiter=delimiter)
    if len(parts) > 1:
        raise InputError(f"{path} has the splits {', '.join(parts)}: expected a single table.")
    return parts["train"].rows


def _series(
    path: str | Path,
    found: list[tuple[str, dict[str, Any]]],
    *,
    time: str | None = None,
    group: str | None = None,
    first: Sequence[str] = (),
    columns: str | Sequence[str] | None = None,
    leave_out: Sequence[str] = (),
) -> Table:
    columns = () if columns == NO_COLUMN else columns
    group = None if group == NO_COLUMN else group
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
        chosen = [name for name in others if _holds(found, name, is_number)]
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
    groups = {}
    for key in class_names(places):
        rows = [found[i] for i in places[key]]
        values = [[_number(record, name, where) for name in names] for where, record in rows]
        times = None if time is None else _times(rows, time, key)
        groups[key] = Rows([w for w, _ in rows], np.array(values), times, [r for _, r in rows])
    return Table(groups, tuple(names), [n for n in others if n not in names], time)


def from_path(
    path: str | Path,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    group: str | None = None,
    columns: str | Sequence[str] | None = None,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> SeriesDataset:
    r"""Read series to forecast from a table; see `read_table` for the columns.

    Each series is split by time: the first 70 % of its rows are train, the next 15 % valid, the
    last 15 % test; splits that have a table of their own are not cut from train. Empty cells, NA,
    null and the like are missing measurements. The most common
    distance between rows is the step. Up to 12 missing rows are steps without a measurement; after
    a longer gap a new series begins. Rows that repeat the one before them are dropped; the same
    time with other values is refused. `notes` say what was done.

    Args:
        path: the file.
        target: the columns to forecast; None = the only column of numbers.
        time: see `read_table`.
        group: see `read_table`.
        columns: see `read_table`.
        encoding: see `read_table`.
        delimiter: see `read_table`.

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
    reading: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter}
    tables, notes = read_splits(
        path, time=time, group=group, first=targets, columns=columns, **reading
    )
    table = tables["train"]
    if not targets and len(table.columns) > 1:
        raise InputError(
            f"{path} has the columns {', '.join(map(repr, table.columns))}: name the one to "
            "forecast with target."
        )
    step = table_step(table)
    for split, other in list(tables.items())[1:]:
        if table.time is not None and (found := table_step(other)) != step:
            raise InputError(
                f"{path} has a row every {step} minutes in train and every {found} in {split}: "
                "resample them to the same."
            )
    shares = [0.0 if split in tables else share for split, share in zip(LATER, SHARES, strict=True)]
    parts: tuple[list[Series], ...] = ([], [], [])
    counts: Counter[str] = Counter()
    for name in table.groups:
        pieces = series_of(table, name, step, counts)
        total = sum(map(len, pieces))
        if total < FEWEST:
            raise InputError(
                f"{path}{_of(name)} has {total} steps: expected {FEWEST} or more, to split by time."
            )
        later = [round(share * total) for share in shares]
        cut = split_by_time(pieces, [total - sum(later), *later])
        for part, more in zip(parts, cut, strict=True):
            part.extend(more)
    for number, split in enumerate(LATER, start=1):
        if split in tables:
            for name in tables[split].groups:
                parts[number].extend(series_of(tables[split], name, step, counts))
    if table.time is None:
        notes.append("The file has no column of times: its rows are taken as steps in their order.")
    elif is_number(next(iter(table.groups.values())).records[0][table.time]):
        notes.append(f"The column {table.time!r} holds Unix times: they are read in UTC.")
    for text, count in counts.items():
        notes.append(text.format(count=f"{count:,}"))
    if len(table.groups) > 1:
        notes.append(f"{len(table.groups):,} series, each split by time.")
    train, valid, test = map(SeriesSplit, parts)
    own = [split for split in LATER if split in tables]
    about = f"Read from {path}; 70 % train, 15 % valid and 15 % test, by time."
    if own:
        about = f"Read from {path}; it has {' and '.join(own)}, all else is cut from train by time."
    return SeriesDataset(Path(path).stem, train, valid, test, table.columns, 0, step, about, notes)


def series_of(table: Table, name: str, step: int, counts: Counter[str]) -> list[Series]:
    """Return the series of a group, cut at long gaps; `counts` gets what was dropped and filled."""
    rows = table.groups[name]
    label = name or None
    if rows.times is None:
        return [Series(rows.values, None, label, table.columns)]
    keep = _without_repeats(rows, table.columns, counts)
    values, times, places = rows.values[keep], rows.times[keep], [rows.places[i] for i in keep]
    distance = np.diff(times).astype(int)
    for i in np.flatnonzero(distance % step):
        raise InputError(
            f"{places[i + 1]} comes {distance[i]} minutes after the row before it, and most rows "
            f"{step}: the rows of series are at equal distances. Resample them, or give "
            f"--time {NO_COLUMN} to take each row as one step."
        )
    missing = distance // step - 1
    short = (missing > 0) & (missing <= BRIDGE)
    if short.any():
        counts["{count} missing rows are steps without a measurement."] += int(missing[short].sum())
    if (missing > BRIDGE).any():
        counts[f"{{count}} gaps of more than {BRIDGE} missing rows begin new series."] += int(
            (missing > BRIDGE).sum()
        )
    pieces = cut_at_gaps(values, times, step, bridge=BRIDGE)
    return [Series(one.values, one.times, label, table.columns) for one in pieces]


def table_step(table: Table) -> int:
    """Return the most common distance between rows in minutes, the same in all groups; or 1."""
    steps: dict[str, int] = {}
    for name, rows in table.groups.items():
        if rows.times is not None and len(rows.times) > 1:
            distance = np.diff(rows.times).astype(int)
            common = Counter(distance[distance > 0].tolist()).most_common(1)
            if common:
                steps[name] = common[0][0]
    if len(set(steps.values())) > 1:
        one = next(iter(steps))
        other = next(name for name in steps if steps[name] != steps[one])
        raise InputError(
            f"The series have different steps: {one!r} a row every {steps[one]} minutes, {other!r} "
            f"every {steps[other]}. Resample them to the same."
        )
    return next(iter(steps.values()), 1)


def read_columns(
    path: str | Path,
    columns: Sequence[str],
    *,
    time: str | None = None,
    group: str | None = None,
    cut: bool = True,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> tuple[list[Series], list[str]]:
    r"""Read the columns that a model was trained on from a table, by name, to be predicted.

    Args:
        path: the file.
        columns: the columns of values, in the model's order.
        time: see `read_table`.
        group: see `read_table`.
        cut: begin a new series at a long gap, as series to forecast do.
        encoding: see `read_table`.
        delimiter: see `read_table`.

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
    read = _rows(path, encoding, delimiter)
    for name in columns:
        if read and name not in (record := read[0][1]):
            raise InputError(
                f"{path} has no column {name!r}, which the model learned from: it has "
                f"{', '.join(map(repr, record))}.{suggest(name, record)} Name the columns as "
                f"in training: {', '.join(map(repr, columns))}, in any order."
            )
    table = _series(path, read, time=time, group=group, first=columns, columns=())
    step = table_step(table) if cut else 1
    series: list[Series] = []
    names: list[str] = []
    for name, rows in table.groups.items():
        found = series_of(table, name, step, Counter()) if cut else [_whole(rows, name, table)]
        for one in found:
            series.append(one)
            names.append(f"{path}, {name}" if name else str(path))
    return series, names


def find_group(
    path: str | Path,
    groups: Collection[str],
    columns: Sequence[str],
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> str:
    r"""Return the one column of a table, beside `columns`, whose values are all known groups.

    Raises:
        InputError: there is none, or there are several.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = path.write_text("site,load\na,1\nb,2\n")
        >>> find_group(path, {"a", "b"}, ["load"])
        'site'
    """
    possible: dict[str, None] | None = None
    for _, record in _rows(path, encoding, delimiter):
        here = {n: None for n, v in record.items() if n not in columns and str(v).strip() in groups}
        possible = here if possible is None else {n: None for n in possible if n in here}
    if len(possible or ()) != 1:
        found = f"several: {', '.join(map(repr, possible))}" if possible else "none"
        raise InputError(
            f"The model has learned the groups {', '.join(map(repr, sorted(groups)))}, and of the "
            f"columns of {path} that hold these and no others there are {found}. Name the column "
            "with group."
        )
    return next(iter(possible or ()))


def _whole(rows: Rows, name: str, table: Table) -> Series:
    """Return the rows of a group as one series; times that stand still are left out."""
    rises = rows.times is not None and (np.diff(rows.times).astype(int) > 0).all()
    return Series(rows.values, rows.times if rises else None, name or None, table.columns)


def _target_names(target: Any) -> list[str]:
    parts: Any = [target] if isinstance(target, int) else target
    if not isinstance(parts, str) and any(isinstance(part, int) for part in parts or ()):
        raise InputError(f"target is {target!r}: in a file, name the column.")
    return split_names(parts)


def _of(name: str) -> str:
    return f", {name!r}" if name else ""


def _holds(found: list[tuple[str, dict[str, Any]]], name: str, test: Any) -> bool:
    """Whether most cells of a column that are not empty pass a test."""
    cells = [record.get(name) for _, record in found]
    cells = [value for value in cells if not is_missing(value)]
    return bool(cells) and 2 * sum(map(test, cells)) > len(cells)


def _time_column(path: Any, found: Any, names: list[str]) -> str | None:
    timed = [name for name in names if _holds(found, name, is_time)]
    if len(timed) > 1:
        raise InputError(
            f"{path} has several columns of times: {', '.join(map(repr, timed))}. Choose one with "
            f"time, and name the columns of values with columns."
        )
    return timed[0] if timed else None


def _number(record: dict[str, Any], name: str, where: str) -> float:
    value = cell(record, name, where, "target or columns")
    if is_missing(value):
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, (str, int, float, np.number)):
        raise InputError(f"{where}, column {name!r}: {value!r} is not a number.")
    number = parse_number(str(value), where, name)
    if np.isinf(number):
        raise InputError(f"{where}, column {name!r}: {value!r} is not finite.")
    return number


def _times(rows: list[tuple[str, dict[str, Any]]], time: str, group: str) -> np.ndarray:
    """Return the times of rows; refuse rows whose time is before that of the row before them."""
    moments: list[datetime.datetime] = []
    for where, record in rows:
        value = cell(record, time, where, "time")
        try:
            moments.append(parse_time(value))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{where}, column {time!r}: {value!r} is not a time such as 2016-01-04 00:05, "
                "or Unix seconds. Write it so, in pandas with to_datetime."
            ) from error
    for (where, _), (before, now) in zip(rows[1:], itertools.pairwise(moments), strict=True):
        if now < before:
            raise InputError(
                f"{where}{_of(group)}: {now} comes after {before}. Sort the rows by time; if the "
                "file holds several series, name the column that tells them apart with group."
            )
        if before < now < before + datetime.timedelta(minutes=1):
            raise InputError(
                f"{where}: {now} is less than a minute after the row before it. Steps are whole "
                f"minutes: resample, or give --time {NO_COLUMN} to take each row as one step."
            )
    return np.array(moments, "datetime64[m]")


def _without_repeats(rows: Rows, columns: Sequence[str], counts: Counter[str]) -> list[int]:
    """Return the rows but those that repeat the row before; refuse two values at one time."""
    keep: list[int] = []
    for i, values in enumerate(rows.values):
        if keep and rows.times is not None and rows.times[i] == rows.times[keep[-1]]:
            differs = ~np.isclose(values, rows.values[keep[-1]], rtol=0, atol=0, equal_nan=True)
            if differs.any():
                raise InputError(
                    f"{rows.places[i]} has the time of the row before it, "
                    f"{str(rows.times[i]).replace('T', ' ')}, and other values of "
                    f"{', '.join(map(repr, np.array(columns)[differs].tolist()))}. Keep one of the "
                    "rows, or leave these columns out; if the file holds several series, name the "
                    "column that tells them apart with group."
                )
            counts["{count} rows that repeat the row before them are left out."] += 1
        else:
            keep.append(i)
    return keep
