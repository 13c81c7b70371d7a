"""Series from tables, one or several in a file, to forecast: columns by name, gaps, splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.files import class_names
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit, split_by_time, warn_of_pieces
from rnnkit.data.table_files import known_splits, read_tables
from rnnkit.data.table_rows import (
    NO_COLUMN,
    Rows,
    Table,
    of_group,
    series_of,
    show_time,
    step_name,
    table_step,
)
from rnnkit.data.tables import (
    cell,
    check_one_line,
    is_missing,
    looks_like_number,
    parse_number,
)
from rnnkit.data.time_grid import CLOCK_HINT, calendar_note, clock_change
from rnnkit.data.times import are_numeric_times, is_time, read_times
from rnnkit.errors import InputError, quote, quote_all, suggest

LATER = ("valid", "test")
SHARES = (0.15, 0.15)  # of these two
FEWEST = 10  # rows of a series that is split by time


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
    decimal: str = ".",
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Table:
    r"""Read the series of a table, see `rnnkit.data.table_files`, with a row for each step.

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
        decimal: what stands before the fraction of a number, "." or ",".
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
        decimal=decimal,
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
        **options: `time`, `group`, `leave_out` and `decimal`.

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
    decimal: str = ".",
) -> Table:
    columns = () if columns == NO_COLUMN else columns
    group = None if group == NO_COLUMN else group
    if not found:
        raise InputError(f"{path} has no rows under its header.")
    for where, record in found:
        check_one_line(record, where)
    known = dict.fromkeys(name for _, record in found for name in record)
    options = {"time": [time] if time not in (None, NO_COLUMN) else [], "group": split_names(group)}
    options |= {"target": list(first), "columns": split_names(columns), "label": list(leave_out)}
    for option, names in options.items():
        for name in names:
            if name not in known:
                raise InputError(
                    f"{path} has no column {quote(name)}, given as {option}: it has "
                    f"{quote_all(known)}.{suggest(str(name), known)}"
                )
    if time is None:
        time = _time_column(path, found, [n for n in known if n not in (*leave_out, group, *first)])
    time = None if time == NO_COLUMN else time
    taken = {time, group, *leave_out}
    others = sorted(name for name in known if name not in {*taken, *first})
    chosen = [name for name in split_names(columns) if name not in first]
    if columns is None:
        chosen = [name for name in others if _holds(found, name, looks_like_number)]
    names = [*first, *chosen]
    for name in names:
        if name in taken:
            raise InputError(
                f"The column {quote(name)} is given twice: as values, and as time or group."
            )
    if not names:
        raise InputError(f"{path} has no column of numbers: expected at least one.")
    places: dict[str, list[int]] = {}
    for i, (where, record) in enumerate(found):
        key = "" if group is None else str(cell(record, group, where, "group")).strip()
        if group is not None and not key:
            raise InputError(f"{where}, column {quote(group)} (group) is empty.")
        places.setdefault(key, []).append(i)
    groups, notes = {}, dict[str, None]()
    for key in class_names(places):
        rows = [found[i] for i in places[key]]
        values = [
            [_number(record, name, where, decimal) for name in names] for where, record in rows
        ]
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
    decimal: str = ".",
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> SeriesDataset:
    r"""Read series to forecast from a table; see `read_table` for the columns.

    Each series is split by time: the first 70 % of its rows are train, the next 15 % valid, the
    last 15 % test; splits that have a table of their own are not cut from train. Empty cells, NA,
    null and the like are missing measurements. The most common distance between rows is the step;
    months and business days are steps without a time of day, and rows that are seconds early or
    late stand at their step. Up to 12 missing rows are steps without a measurement; after a longer
    gap a new series begins. Rows that repeat the one before them are dropped; the same time with
    other values is refused. `notes` say what was done.

    Args:
        path: the file.
        target: the columns to forecast; None = the only column of numbers.
        time: see `read_table`.
        group: see `read_table`.
        columns: see `read_table`.
        decimal: see `read_table`.
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
    reading: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
    tables, notes = read_splits(
        path, time=time, group=group, first=targets, columns=columns, **reading
    )
    table = tables["train"]
    if not targets and len(table.columns) > 1:
        raise InputError(
            f"{path} has the columns {quote_all(table.columns)}: name the one to "
            "forecast with target."
        )
    step = table_step(table)
    for split, other in list(tables.items())[1:]:
        if table.time is not None and (found := table_step(other)) != step:
            raise InputError(
                f"{path} has a row every {step_name(step)} in train and every {step_name(found)} "
                f"in {split}: resample them to the same."
            )
    shares = [0.0 if split in tables else share for split, share in zip(LATER, SHARES, strict=True)]
    parts: tuple[list[Series], ...] = ([], [], [])
    pieces_of_all: list[Series] = []
    counts: Counter[str] = Counter()
    for name in table.groups:
        pieces = series_of(table, name, step, counts)
        pieces_of_all += pieces
        total = sum(map(len, pieces))
        if total < FEWEST:
            raise InputError(
                f"{path}{of_group(name)} has {total} steps: expected {FEWEST} or more, to split by "
                "time."
            )
        later = [round(share * total) for share in shares]
        cut = split_by_time(pieces, [total - sum(later), *later])
        for part, more in zip(parts, cut, strict=True):
            part.extend(more)
    for number, split in enumerate(LATER, start=1):
        if split in tables:
            for name in tables[split].groups:
                parts[number].extend(series_of(tables[split], name, step, counts))
    warn_of_pieces(pieces_of_all, str(path), len(table.groups))
    if table.time is None:
        notes.append("The file has no column of times: its rows are taken as steps in their order.")
    notes += [*table.notes, *calendar_note(step)]
    for text, count in counts.items():
        notes.append(text.format(count=f"{count:,}"))
    if len(table.groups) > 1:
        notes.append(f"{len(table.groups):,} series, each split by time.")
    train, valid, test = map(SeriesSplit, parts)
    minutes = 1 if step is None else step.minutes
    own = [split for split in LATER if split in tables]
    about = f"Read from {path}; 70 % train, 15 % valid and 15 % test, by time."
    if own:
        about = f"Read from {path}; it has {' and '.join(own)}, all else is cut from train by time."
    return SeriesDataset(
        Path(path).stem, train, valid, test, table.columns, 0, minutes, about, notes
    )


def read_columns(
    path: str | Path,
    columns: Sequence[str],
    *,
    time: str | None = None,
    group: str | None = None,
    cut: bool = True,
    decimal: str = ".",
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
        decimal: see `read_table`.
        encoding: see `read_table`.
        delimiter: see `read_table`.

    Returns:
        The series, which keep their rows as `records`, and a name for each: the file, and its
        group.

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
                f"{path} has no column {quote(name)}, which the model learned from: it has "
                f"{quote_all(record)}.{suggest(name, record)} Name the columns as in training: "
                f"{quote_all(columns)}, in any order."
            )
    table = _series(path, read, time=time, group=group, first=columns, columns=(), decimal=decimal)
    step = table_step(table) if cut else None
    series: list[Series] = []
    names: list[str] = []
    for name, rows in table.groups.items():
        if cut:
            found = series_of(table, name, step, Counter(), records=True)
        else:
            found = [_whole(rows, name, table)]
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
    times = None if rows.times is None else rows.times.astype("datetime64[m]")
    rises = times is not None and (np.diff(times).astype(int) > 0).all()
    times = times if rises else None
    return Series(rows.values, times, name or None, table.columns, rows.records)


def _target_names(target: Any) -> list[str]:
    parts: Any = [target] if isinstance(target, int) else target
    if not isinstance(parts, str) and any(isinstance(part, int) for part in parts or ()):
        raise InputError(f"target is {quote(target)}: in a file, name the column.")
    return split_names(parts)


def _holds(found: list[tuple[str, dict[str, Any]]], name: str, test: Any) -> bool:
    """Whether most cells of a column that are not empty pass a test."""
    cells = [record.get(name) for _, record in found]
    cells = [value for value in cells if not is_missing(value)]
    return bool(cells) and 2 * sum(map(test, cells)) > len(cells)


def _time_column(path: Any, found: Any, names: list[str]) -> str | None:
    timed = [name for name in names if _holds(found, name, is_time)]
    timed = timed or [
        name for name in names if are_numeric_times(name, [row.get(name) for _, row in found])
    ]
    if len(timed) > 1:
        raise InputError(
            f"{path} has several columns of times: {quote_all(timed)}. Choose one with "
            f"time, and name the columns of values with columns."
        )
    return timed[0] if timed else None


def _number(record: dict[str, Any], name: str, where: str, decimal: str) -> float:
    value = cell(record, name, where, "target or columns")
    if is_missing(value):
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, (str, int, float, np.number)):
        raise InputError(f"{where}, column {quote(name)}: {quote(value)} is not a number.")
    if isinstance(value, str):
        return parse_number(value, where, name, decimal)
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if np.isinf(number):
        raise InputError(f"{where}, column {quote(name)}: {value} is not finite.")
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
            f"{rows[i + 1][0]}{of_group(group)}: {show_time(now)} comes after {show_time(before)}."
            f"{CLOCK_HINT if clock_change(before, now) else hint}"
        )
    return moments
