"""The data sets `pems_flow` and `metro_traffic`: cars counted on a road."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import numpy as np

from rnnkit.data.archive import find, locate, missing_dataset_error, read_members
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit, cut_at_gaps, split_by_time
from rnnkit.data.tables import csv_records, decode
from rnnkit.errors import InputError

PEMS_ARCHIVE = "pems_flow.tar.xz"
PEMS_URL = (
    "https://raw.githubusercontent.com/xiaochus/TrafficFlowPrediction/"
    "9eceab34e86818c145cbd2110f42ac1487f7bdfd/data/"
)
PEMS_MD5 = {
    "train": "85961070615eecd8829f5d04e030020f",
    "test": "ebdf010d9d0936b32cf6751b1a932245",
}
PEMS_ROWS = {"train": 7_776, "test": 4_320}
PEMS_VALID = 5 * 288  # the last five days of train
PEMS_ABOUT = (
    "Cars in five minutes on one lane of a Californian motorway, weekdays of January to March "
    "2016, from the Caltrans Performance Measurement System (public), as packed by "
    "github.com/xiaochus/TrafficFlowPrediction, whose files split it into train and test."
)

METRO_ARCHIVE = "metro_traffic.tar.xz"
METRO_FILE = "Metro_Interstate_Traffic_Volume.csv"
METRO_URL = (
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00492/"
    "Metro_Interstate_Traffic_Volume.csv.gz"
)
METRO_ROWS = 48_204
METRO_BRIDGE = 12  # hours; most gaps are of one
METRO_COLUMNS = ("volume", "temperature", "rain", "snow", "clouds", "holiday")
METRO_ABOUT = (
    "Cars in an hour on the westbound I-94 between Minneapolis and St Paul, October 2012 to "
    "September 2018, with the weather. Hogue 2019, UCI machine learning repository 492, CC BY 4.0."
)


def read_pems() -> SeriesDataset:
    """Read the five-minute counts; valid is the last five days of the folder's train.

    From ``pems_flow.tar.xz`` in ``$RNNKIT_DATA`` or the cache; else its two files are downloaded.

    Raises:
        InputError: if the files cannot be had, are damaged, or are not the ones expected.
    """
    archive = find(PEMS_ARCHIVE)
    files: dict[str, bytes] = {}
    if archive is not None:
        wanted = re.compile(r"(train|test)\.csv")
        files = {name[:-4]: data for name, data in read_members(archive, "pems_flow", wanted)}
    else:
        for part, md5 in PEMS_MD5.items():
            path = locate(f"pems_flow_{part}.csv", f"{PEMS_URL}{part}.csv", md5)
            files[part] = path.read_bytes()
    source = str(archive or "pems_flow")
    parts = {part: _pems_part(files.get(part), part, source) for part in PEMS_ROWS}
    held = min(PEMS_VALID, PEMS_ROWS["train"] // 5)
    train, valid = split_by_time(parts["train"], [PEMS_ROWS["train"] - held, held])
    return SeriesDataset(
        name="pems_flow",
        train=SeriesSplit(train),
        valid=SeriesSplit(valid),
        test=SeriesSplit(parts["test"]),
        columns=("flow",),
        target=0,
        step=5,
        about=PEMS_ABOUT,
        notes=[
            "Weekdays only, and some of them are missing: after a gap another series begins.",
            "Valid is the last five days of the folder's train.",
        ],
    )


def _pems_part(data: bytes | None, part: str, source: str) -> list[Series]:
    if data is None:
        raise InputError(f"{source} holds no {part}.csv: fetch it again.")
    times, flow = _parse(data, f"{source}, {part}.csv", _pems_row)
    if len(times) != PEMS_ROWS[part]:
        raise InputError(
            f"{source}: {part}.csv holds {len(times):,} rows; expected {PEMS_ROWS[part]:,}."
        )
    return cut_at_gaps(flow, times, 5)


def read_metro() -> SeriesDataset:
    """Read the hourly volume and weather, dealt out by time: 70 % train, 15 % valid, 15 % test.

    From ``metro_traffic.tar.xz``, or the file of its public home, in ``$RNNKIT_DATA`` or the cache.

    Raises:
        InputError: if the file is not there (the message says where to fetch it), is damaged, or
            is not the one expected.
    """
    data, source = _metro_file()
    times, values = _parse(data, source, _metro_row)
    rows = len(times)
    if rows != METRO_ROWS:
        raise InputError(f"{source} holds {rows:,} rows; expected {METRO_ROWS:,}.")
    # A holiday's name stands at its first hour only: it holds for the whole day.
    days = times.astype("datetime64[D]")
    values[:, 5] = np.isin(days, days[values[:, 5] > 0])
    # An hour has a row for each kind of weather in it; volume and temperature are the same there.
    times, first = np.unique(times, return_index=True)
    values = values[first]
    odd = values[:, 1] == 0  # kelvin: a sensor that said nothing
    last = np.maximum.accumulate(np.where(odd, 0, np.arange(len(values))))
    values[:, 1] = values[last, 1]
    values[:, 2] = np.minimum(values[:, 2], 100.0)  # one hour claims 9.8 metres of rain
    series = cut_at_gaps(values, times, 60, bridge=METRO_BRIDGE)
    total = sum(map(len, series))
    held = round(0.15 * total)
    train, valid, test = split_by_time(series, [total - 2 * held, held, held])
    gaps = int((np.diff(times).astype(int) != 60).sum())
    return SeriesDataset(
        name="metro_traffic",
        train=SeriesSplit(train),
        valid=SeriesSplit(valid),
        test=SeriesSplit(test),
        columns=METRO_COLUMNS,
        target=0,
        step=60,
        about=METRO_ABOUT,
        notes=[
            f"{rows - len(times):,} rows repeat an hour for another kind of weather: the "
            "first is kept.",
            f"Of {gaps:,} gaps those of up to {METRO_BRIDGE} hours are bridged by "
            f"{total - len(times):,} steps without a measurement (NaN); after a longer one, of up "
            "to ten months, another series begins.",
            f"{int(odd.sum())} hours of 0 K have the temperature of the hour before; rain "
            "above 100 mm an hour counts as 100.",
            "There is no published split: the last 15 % of the hours are test, the 15 % before "
            "them valid.",
        ],
    )


def _metro_file() -> tuple[bytes, str]:
    archive = find(METRO_ARCHIVE)
    if archive is not None:
        for _, data in read_members(archive, "metro_traffic", re.compile(re.escape(METRO_FILE))):
            return data, str(archive)
        raise InputError(f"{archive} holds no {METRO_FILE}: fetch it again.")
    path = find(f"{METRO_FILE}.gz") or find(METRO_FILE)
    if path is None:
        raise missing_dataset_error("metro_traffic", "it", fetch=METRO_URL)
    return _unpacked(path), str(path)


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is damaged or cut short ({error}): fetch it again.") from error


def _pems_row(row: Mapping[str, str]) -> tuple[datetime, list[float]]:
    time = datetime.strptime(row["5 Minutes"], "%d/%m/%Y %H:%M")
    return time, [float(row["Lane 1 Flow (Veh/5 Minutes)"])]


def _metro_row(row: Mapping[str, str]) -> tuple[datetime, list[float]]:
    names = ("traffic_volume", "temp", "rain_1h", "snow_1h", "clouds_all")
    values = [*(float(row[name]) for name in names), float(row["holiday"] not in ("None", ""))]
    return datetime.fromisoformat(row["date_time"]), values


def _parse(
    data: bytes, source: str, parse: Callable[[Mapping[str, str]], tuple[datetime, list[float]]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return times `(T,)` and values `(T, D)` of the rows of a CSV file."""
    times, values = [], []
    for where, row in csv_records(decode(data, source), source):
        try:
            time, numbers = parse(row)
        except (KeyError, ValueError) as error:
            raise InputError(f"{where} is not as expected: {error}.") from error
        times.append(time)
        values.append(numbers)
    return np.array(times, "datetime64[m]"), np.array(values)
