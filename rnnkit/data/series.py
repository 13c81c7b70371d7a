"""Time series: measurements at equal distances, their gaps, and splits by time."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.tables import (
    cell,
    check_delimiter,
    check_one_line,
    csv_records,
    parse_number,
    read_text,
)
from rnnkit.data.time_pieces import check_rising, cut_times
from rnnkit.data.times import read_times
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError, SeriesCutWarning, check_count

MANY_CUTS = 3  # of a series into pieces of less than SHORT steps: time to warn
SHORT = 50


def as_floats(values: Any) -> np.ndarray:
    """Return numbers as an array of float64; float32 and smaller floats as float32.

    A meter that reads 1.2e8 and moves by 1 stands still in float32: numbers keep their digits until
    they are centred.

    Raises:
        TypeError: values that are no numbers.
        ValueError: texts, or rows of unequal length.

    Example:
        >>> as_floats([120_000_001, None]).tolist(), as_floats(np.zeros(2, "float16")).dtype
        ([120000001.0, nan], dtype('float32'))
    """
    values = np.asarray(values)
    small = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    return values.astype("float32" if small else "float64")


@dataclass(frozen=True, eq=False)
class Series:
    """Measurements at equal distances in time; after a gap a new series begins.

    Args:
        values: `(T, D)`, or `(T,)` for one measurement per step; kept as float64, or as float32
            where they are of that type. NaN = a missing measurement: the step takes time, but its
            value is unknown.
        times: `(T,)` datetime64, the time of each step, or None where it is unknown.
        name: of the group that it belongs to, such as a station; None = there are no groups.
        columns: the name of each column of the values; empty where they have none.
        records: the row of a table that each step was read from, by the names of its columns; None
            for a step that has no row. Empty where they were not kept.

    Raises:
        InputError: values that are not numbers or infinite, times that do not rise or match, names
            that do not match the columns, records that do not match the steps.

    Example:
        >>> series = Series([3, 1, 4], np.datetime64("2016-01-04T00:00") + 5 * np.arange(3))
        >>> len(series), series.values.shape, str(series.times[-1])
        (3, (3, 1), '2016-01-04T00:10')
    """

    values: np.ndarray
    times: np.ndarray | None = None
    name: str | None = None
    columns: tuple[str, ...] = ()
    records: Sequence[Mapping[str, Any] | None] = ()

    def __post_init__(self) -> None:
        try:
            values = as_floats(self.values)
        except (TypeError, ValueError) as error:
            raise InputError(f"The values of a series are no array of numbers: {error}.") from error
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2:
            raise InputError(f"A series has the shape {values.shape}; expected (T, D) or (T,).")
        if np.isinf(values).any():
            row, column = np.argwhere(np.isinf(values))[0]
            raise InputError(
                f"Step {row} of a series holds {values[row, column]} in column {column}: expected "
                "finite numbers, or NaN where there is no measurement."
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "columns", tuple(self.columns))
        if self.columns and len(self.columns) != values.shape[1]:
            raise InputError(
                f"{len(self.columns)} names for {values.shape[1]} columns: expected one for each."
            )
        if self.records and len(self.records) != len(values):
            raise InputError(
                f"{len(self.records)} records for {len(values)} steps: expected one for each."
            )
        if self.times is None:
            return
        times = np.asarray(self.times)
        if times.dtype.kind != "M" or times.shape != values.shape[:1]:
            raise InputError(
                f"The times of a series are {times.dtype} of shape {times.shape}; expected "
                f"datetime64 of shape ({len(values)},), one for each step."
            )
        times = times.astype("datetime64[m]")
        if (np.diff(times).astype(int) <= 0).any():
            raise InputError("The times of a series do not rise from step to step: sort them.")
        object.__setattr__(self, "times", times)

    def __len__(self) -> int:
        return len(self.values)

    def between(self, start: int, stop: int) -> Series:
        """Return the steps from `start` to before `stop`."""
        times = None if self.times is None else self.times[start:stop]
        steps = slice(start, stop)
        return replace(self, values=self.values[steps], times=times, records=self.records[steps])


def in_order(one: Series, names: Sequence[str] | None, called: str) -> Series:
    """Return a series with its columns in the order of `names`; refuse other names.

    Series and models without names are taken as they are.

    Example:
        >>> in_order(Series([[1.0, 2.0]], columns=("b", "a")), ["a", "b"], "x").values.tolist()
        [[2.0, 1.0]]
    """
    if not names or not one.columns or list(one.columns) == list(names):
        return one
    if sorted(one.columns) != sorted(names):
        raise InputError(
            f"{called} has the columns {', '.join(map(repr, one.columns))}; the model "
            f"learned from {', '.join(map(repr, names))}. Give these, in any order."
        )
    order = [one.columns.index(name) for name in names]
    return replace(one, values=one.values[:, order], columns=tuple(names))


@dataclass(frozen=True, eq=False)
class SeriesSplit:
    """Series of one split; they are their own targets."""

    x: list[Series]
    y: None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def steps(self) -> int:
        """Return the number of steps of all series together."""
        return sum(map(len, self.x))


@dataclass(frozen=True, eq=False)
class SeriesDataset:
    """A data set of series to forecast; valid is later than train, and test later than valid.

    Attributes:
        name: the name under which it was loaded.
        train: the training split.
        valid: the validation split, for early stopping and choosing settings.
        test: the test split.
        columns: the name of each column of the values.
        target: the number of the column to forecast.
        step: minutes from one step to the next.
        about: where it comes from, in a sentence or two.
        notes: remarks on this copy for readers of results.
    """

    name: str
    train: SeriesSplit
    valid: SeriesSplit
    test: SeriesSplit
    columns: tuple[str, ...]
    target: int
    step: int
    about: str
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give series without names of columns those of the data set."""
        for part in ("train", "valid", "test"):
            found = getattr(self, part).x
            if self.columns and not all(one.columns for one in found):
                named = [
                    one if one.columns else replace(one, columns=self.columns) for one in found
                ]
                object.__setattr__(self, part, SeriesSplit(named))


def cut_at_gaps(values: Any, times: np.ndarray, step: int, bridge: int = 0) -> list[Series]:
    """Split measurements into series: a new one begins where the next time is not one step later.

    Args:
        values: `(T, D)` or `(T,)`.
        times: `(T,)` datetime64, rising.
        step: minutes from one step to the next.
        bridge: gaps of up to this many missing steps are filled with NaN instead.

    Example:
        >>> times = np.datetime64("2016-01-08T23:50") + np.array([0, 5, 2890])
        >>> [len(series) for series in cut_at_gaps([7.0, 8.0, 9.0], times, step=5)]
        [2, 1]
        >>> cut_at_gaps([7.0, 9.0], times[[0, 0]] + np.array([0, 10]), step=5, bridge=1)[0].values.T
        array([[ 7., nan,  9.]])
    """
    whole = Series(values, times)
    assert whole.times is not None
    distance = np.diff(whole.times).astype(int) / step  # in steps; a fraction is a gap too
    wide = (distance > bridge + 1) | (distance != np.round(distance))
    bounds = [0, *(np.flatnonzero(wide) + 1).tolist(), len(whole)]
    return [_fill_gaps(whole.between(i, j), step) for i, j in itertools.pairwise(bounds) if j > i]


def _fill_gaps(series: Series, step: int) -> Series:
    assert series.times is not None
    place = (series.times - series.times[0]).astype(int) // step
    if place[-1] + 1 == len(series):
        return series
    values = np.full((place[-1] + 1, series.values.shape[1]), np.nan, series.values.dtype)
    values[place] = series.values
    times = series.times[0] + step * np.arange(len(values))
    return replace(series, values=values, times=times)


def warn_of_pieces(series: Sequence[Series], source: str, groups: int = 1) -> None:
    """Warn of series that are cut into many short pieces; `groups` = of so many series.

    Example:
        >>> warn_of_pieces([Series(np.zeros(100))] * 2, "my.csv")
    """
    steps = sum(map(len, series))
    if len(series) - groups >= MANY_CUTS and steps < SHORT * len(series):
        warnings.warn(
            f"{source} is cut into {len(series):,} series of {steps / len(series):.1f} steps on "
            "average, because rows are missing or are not at equal distances. Is the step right? "
            'Resample the rows, or take each row as one step: leave the times out (time="-").',
            SeriesCutWarning,
            stacklevel=3,
        )


def split_by_time(series: Sequence[Series], steps: Sequence[int]) -> list[list[Series]]:
    """Split series, in the order of time, into consecutive parts; a border within a series cuts it.

    Each part has its number of steps; the last one also has all steps left.

    Example:
        >>> parts = split_by_time([Series(np.arange(5)), Series(np.arange(3))], [4, 3])
        >>> [[len(series) for series in part] for part in parts]
        [[4], [1, 3]]
    """
    parts: list[list[Series]] = [[] for _ in steps]
    borders = np.cumsum(steps)[:-1].tolist()
    begin = 0
    for whole in series:
        end = begin + len(whole)
        bounds = [begin, *sorted({b for b in borders if begin < b < end}), end]
        for i, j in itertools.pairwise(bounds):
            part = parts[int(np.searchsorted(borders, i, side="right"))]
            part.append(whole.between(i - begin, j - begin))
        begin = end
    return parts


def first_steps(split: SeriesSplit, limit: int) -> SeriesSplit:
    """Return the first `limit` steps of a split."""
    return SeriesSplit(split_by_time(split.x, [limit, max(0, split.steps - limit)])[0])


def last_steps(split: SeriesSplit, limit: int) -> SeriesSplit:
    """Return the last `limit` steps of a split."""
    return SeriesSplit(split_by_time(split.x, [max(0, split.steps - limit), limit])[1])


def hold_out(dataset: SeriesDataset, fraction: float) -> SeriesDataset:
    """Return the data set with this fraction of train and valid, the latest steps, as valid."""
    series = [*dataset.train.x, *dataset.valid.x]
    total = sum(map(len, series))
    valid_steps = round(fraction * total)
    train, valid = split_by_time(series, [total - valid_steps, valid_steps])
    return replace(dataset, train=SeriesSplit(train), valid=SeriesSplit(valid))


def from_arrays(
    values: Any,
    times: Any = None,
    *,
    step: int | None = None,
    target: int = 0,
    columns: Sequence[str] | None = None,
    valid_fraction: float = 0.15,
    test_fraction: float = 0.15,
    name: str = "series",
) -> SeriesDataset:
    """Make a data set from arrays, split by time: train, then valid, then test.

    Args:
        values: `(T, D)` or `(T,)`, in the order of time.
        times: `(T,)` datetime64, or what `rnnkit.data.times.read_times` reads, or None.
        step: minutes from one step to the next; a larger distance is a gap. None = the most common
            distance of the times, which may be months or business days, see `notes`.
        target: the number of the column to forecast.
        columns: names of the columns.
        valid_fraction: the share of the steps for valid.
        test_fraction: the share of the steps, the latest, for test.
        name: the name of the data set.

    Raises:
        InputError: invalid values, times or shares, or a step that no row has.

    Warns:
        SeriesCutWarning: the series is cut into many short pieces.

    Example:
        >>> data = from_arrays(np.arange(100.0), np.datetime64("2020-01-01T00:00") + np.arange(100))
        >>> data.train.steps, data.valid.steps, data.test.steps
        (70, 15, 15)
    """
    for label, share in {"valid_fraction": valid_fraction, "test_fraction": test_fraction}.items():
        if not 0 <= share < 1:
            raise InputError(f"{label} is {share}: expected 0 to below 1.")
    if valid_fraction + test_fraction >= 1:
        raise InputError("valid_fraction and test_fraction leave nothing for train.")
    if step is not None:
        check_count("step", step)
    notes: list[str] = []
    if times is None:
        series, minutes = [Series(values)], step or 1
    else:
        whole = Series(values)
        pieces, minutes, notes = cut_times(times, len(whole), step)
        series = [Series(whole.values[piece.rows], piece.times) for piece in pieces]
        warn_of_pieces(series, name)
    width = series[0].values.shape[1] if series else 0
    if not series or not len(series[0]):
        raise InputError("There are no steps: expected at least one.")
    if not 0 <= target < width:
        raise InputError(f"target is {target}; expected the number of a column, 0 to {width - 1}.")
    names = tuple(columns or (f"column {i}" for i in range(width)))
    if len(names) != width:
        raise InputError(f"{len(names)} names for {width} columns: expected one for each.")
    total = sum(map(len, series))
    later = [round(valid_fraction * total), round(test_fraction * total)]
    parts = split_by_time(series, [total - sum(later), *later])
    train, valid, test = map(SeriesSplit, parts)
    about = "Made from arrays."
    return SeriesDataset(name, train, valid, test, names, target, minutes, about, notes)


def from_csv(
    path: str | Path,
    *,
    time: str | None = "time",
    target: str = "value",
    columns: Sequence[str] | None = None,
    step: int | None = None,
    valid_fraction: float = 0.15,
    test_fraction: float = 0.15,
    decimal: str = ".",
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> SeriesDataset:
    r"""Read a data set of series from a CSV file with a header, a row for each step, time rising.

    A cell that is empty, or `nan`, is a missing measurement.

    Args:
        path: the file.
        time: the column with the time (such as 2016-01-04 00:05), or None; see
            `rnnkit.data.times.read_times`.
        target: the column to forecast.
        columns: further columns to use; all others are left out.
        step: minutes from one step to the next; a larger distance is a gap. None = the most common
            distance, see `from_arrays`.
        valid_fraction: the share of the steps for valid.
        test_fraction: the share of the steps, the latest, for test.
        decimal: what stands before the fraction of a number, "." or ",".
        delimiter: between the columns.
        encoding: of the file.

    Raises:
        InputError: a file, a column or a cell that cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cars.csv"
        >>> rows = [f"2016-01-04 00:{minute:02},{minute % 7}" for minute in range(0, 60, 5)]
        >>> _ = path.write_text("\n".join(["time,cars", *rows]))
        >>> from_csv(path, target="cars", step=5).test.x[0].values[:, 0].tolist()
        [1.0, 6.0]
    """
    path = Path(path)
    wanted = [target, *(name for name in columns or () if name != target)]
    values: list[list[float]] = []
    times: list[str] = []
    places: list[str] = []
    text = read_text(path, encoding)
    for where, record in csv_records(text, path, check_delimiter(delimiter)):
        check_one_line(record, where)
        cells = {
            name: cell(record, name, where, "time, target or columns")
            for name in [*wanted, *([time] if time else [])]
        }
        values.append([parse_number(cells[name], where, name, decimal) for name in wanted])
        if time:
            times.append(cells[time])
            places.append(where)
    if not values:
        raise InputError(f"{path} has no rows under its header.")
    moments, notes = read_times(times, places, time) if time else (None, [])
    if moments is not None:
        check_rising(moments, places)
    data = from_arrays(
        values,
        moments,
        step=step,
        columns=wanted,
        valid_fraction=valid_fraction,
        test_fraction=test_fraction,
        name=path.stem,
    )
    return replace(data, about=f"Read from {path}.", notes=[*notes, *data.notes])


__getattr__ = renamed_names(__name__, {"deal_by_time": "split_by_time"})
