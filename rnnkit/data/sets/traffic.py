"""The data sets `pems_flow` and `metro_traffic`: cars counted on a road."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from rnnkit.data.release import Release
from rnnkit.data.series import Series, SeriesDataset, SeriesSplit, cut_at_gaps, split_by_time
from rnnkit.data.tables import csv_records, decode
from rnnkit.errors import InputError

_PEMS_URL = (
    "https://raw.githubusercontent.com/xiaochus/TrafficFlowPrediction/"
    "9eceab34e86818c145cbd2110f42ac1487f7bdfd/data/"
)
PEMS = Release(
    "pems_flow",
    files={"train": "train.csv", "test": "test.csv"},
    separate={"train": "pems_flow_train.csv", "test": "pems_flow_test.csv"},
    downloads={
        "pems_flow_train.csv": (f"{_PEMS_URL}train.csv", "85961070615eecd8829f5d04e030020f"),
        "pems_flow_test.csv": (f"{_PEMS_URL}test.csv", "ebdf010d9d0936b32cf6751b1a932245"),
    },
    counts={"train": 7_776, "test": 4_320},
    unit="rows",
    about="Cars in five minutes on one lane of a Californian motorway, weekdays of January to "
    "March 2016, from the Caltrans Performance Measurement System (public), as packed by "
    "github.com/xiaochus/TrafficFlowPrediction, whose files split it into train and test.",
)
PEMS_VALID = 5 * 288  # steps: the last five days of train

_METRO_FILE = "Metro_Interstate_Traffic_Volume.csv"
METRO = Release(
    "metro_traffic",
    files={"all": _METRO_FILE},
    separate={"all": _METRO_FILE},
    counts={"all": 48_204},
    unit="rows",
    home="https://archive.ics.uci.edu/ml/machine-learning-databases/00492/"
    "Metro_Interstate_Traffic_Volume.csv.gz",
    about="Cars in an hour on the westbound I-94 between Minneapolis and St Paul, October 2012 to "
    "September 2018, with the weather. Hogue 2019, UCI machine learning repository 492, "
    "CC BY 4.0.",
)
METRO_BRIDGE = 12  # hours; most gaps are of one
METRO_COLUMNS = ("volume", "temperature", "rain", "snow", "clouds", "holiday")


def read_pems() -> SeriesDataset:
    """Read the five-minute counts; valid is the last five days of the published train.

    The two files are downloaded where they are missing.
    """
    parts: dict[str, list[Series]] = {}
    for part, (data, source) in PEMS.read().items():
        times, flow = _parse(data, source, _pems_row)
        PEMS.check_count(part, len(times), source)
        parts[part] = cut_at_gaps(flow, times, 5)
    steps = PEMS.counts["train"]
    valid_steps = min(PEMS_VALID, steps // 5)
    cut = split_by_time(parts["train"], [steps - valid_steps, valid_steps])
    train, valid, test = map(SeriesSplit, [*cut, parts["test"]])
    notes = [
        "Weekdays only, and some of them are missing: a new series begins after a gap.",
        "Valid is the last five days of the published train.",
    ]
    return SeriesDataset(
        PEMS.name, train, valid, test, ("flow",), target=0, step=5, about=PEMS.about, notes=notes
    )


def read_metro() -> SeriesDataset:
    """Read the hourly volume and weather, split by time: 70 % train, 15 % valid, 15 % test."""
    ((data, source),) = METRO.read().values()
    times, values = _parse(data, source, _metro_row)
    rows = len(times)
    METRO.check_count("all", rows, source)
    # Only the first hour of a holiday has its name: it is valid for the whole day.
    days = times.astype("datetime64[D]")
    values[:, 5] = np.isin(days, days[values[:, 5] > 0])
    # An hour has a row for each kind of weather in it; volume and temperature are the same there.
    times, first = np.unique(times, return_index=True)
    values = values[first]
    odd = values[:, 1] == 0  # kelvin: the sensor failed
    last = np.maximum.accumulate(np.where(odd, 0, np.arange(len(values))))
    values[:, 1] = values[last, 1]
    values[:, 2] = np.minimum(values[:, 2], 100.0)  # one hour claims 9.8 metres of rain
    series = cut_at_gaps(values, times, 60, bridge=METRO_BRIDGE)
    total = sum(map(len, series))
    part = round(0.15 * total)
    parts = split_by_time(series, [total - 2 * part, part, part])
    train, valid, test = map(SeriesSplit, parts)
    gaps = int((np.diff(times).astype(int) != 60).sum())
    notes = [
        f"{rows - len(times):,} rows repeat an hour for another kind of weather: the "
        "first is kept.",
        f"Of {gaps:,} gaps those of up to {METRO_BRIDGE} hours are bridged by "
        f"{total - len(times):,} steps without a measurement (NaN); after a longer one, of up "
        "to ten months, a new series begins.",
        f"{int(odd.sum())} hours of 0 K have the temperature of the hour before; rain above 100 mm "
        "an hour counts as 100.",
        "There is no published split: the last 15 % of the hours are test, the 15 % before them "
        "valid.",
    ]
    return SeriesDataset(
        METRO.name, train, valid, test, METRO_COLUMNS, 0, step=60, about=METRO.about, notes=notes
    )


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
