"""Times that people have: found for what they are, as pandas reads them, or refused."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data import series_tables
from rnnkit.data.series import from_arrays, from_csv
from rnnkit.data.series_files import read_series
from rnnkit.data.time_grid import Grid, find_grid, place_rows
from rnnkit.data.time_pieces import cut_times
from rnnkit.data.times import is_time, read_times
from rnnkit.errors import InputError, SeriesCutWarning

pytestmark = pytest.mark.one_backend
MANY = 3_000 if os.environ.get("RNNKIT_DEEP") else 40
HOURS = pandas.date_range("2024-01-01", periods=600, freq="h")
PARTS = ("train", "valid", "test")


def write(path, times, name="time", values=None):
    values = np.arange(len(times)) % 24 if values is None else values
    rows = [f"{time},{value}" for time, value in zip(times, values, strict=True)]
    path.write_text("\n".join([f"{name},value", *rows]) + "\n")
    return path


def all_times(data):
    return [one.times for part in PARTS for one in getattr(data, part).x]


def both(path, **options):
    """The data set of each reader of series to forecast."""
    named = {"time": "time", **options}
    return [from_csv(path, **named), series_tables.from_path(path, target="value", time="time")]


@pytest.mark.parametrize(
    ("written", "note"),
    [
        ([str(time) for time in HOURS], ""),
        ([time.isoformat() for time in HOURS], ""),
        ([str(time.timestamp()) for time in HOURS], "Unix seconds"),
        ([str(int(time.timestamp())) for time in HOURS], "Unix seconds"),
        ([str(int(time.timestamp() * 1000)) for time in HOURS], "Unix milliseconds"),
        ([str(time.value // 1000) for time in HOURS], "Unix microseconds"),
        ([str(time.value) for time in HOURS], "Unix nanoseconds"),
        ([f"{time:%Y%m%d%H%M}" for time in HOURS], ""),
        ([f"{time}Z" for time in HOURS], "converted to UTC"),
        ([str(time.tz_localize("UTC").tz_convert("Asia/Kolkata")) for time in HOURS], "to UTC"),
    ],
)
def test_hours_are_hours_however_they_are_written(tmp_path, written, note):
    path = write(tmp_path / "my.csv", written)
    for data in both(path):
        found = np.concatenate(all_times(data))
        assert (found == HOURS.to_numpy().astype("datetime64[m]")).all()
        assert (data.step, len(data.train)) == (60, 1)
        assert note in " ".join(data.notes)
    one = read_series(path)
    assert (one.times == HOURS.to_numpy().astype("datetime64[m]")).all()


def test_clock_changes_are_right_with_an_offset_and_refused_without(tmp_path):
    there = pandas.date_range("2024-10-20", periods=600, freq="h", tz="Europe/Berlin")
    right = there.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[m]")
    path = write(tmp_path / "my.csv", [str(time) for time in there])
    for data in both(path):
        assert (np.concatenate(all_times(data)) == right).all()
    local = [str(time.tz_localize(None)) for time in there]
    write(path, local)
    with pytest.raises(InputError, match="times in UTC, or with their distance from it"):
        series_tables.from_path(path, target="value")
    with pytest.raises(
        InputError, match=r"line 173: 2024-10-27 02:00:00 .*do not rise.*times in UTC"
    ):
        from_csv(path)
    quarter = pandas.date_range("2024-10-20", periods=2000, freq="15min", tz="Europe/Berlin")
    write(path, [str(time.tz_localize(None)) for time in quarter])
    with pytest.raises(InputError, match=r"02:00:00 comes after 2024-10-27 02:45:00.*set back"):
        series_tables.from_path(path, target="value")
    spring = pandas.date_range("2024-03-25", periods=600, freq="h", tz="Europe/Berlin")
    write(path, [str(time.tz_localize(None)) for time in spring])
    notes = " ".join(series_tables.from_path(path, target="value").notes)
    assert "1 missing rows" in notes
    assert "clocks are set forward" in notes


@settings(max_examples=MANY, deadline=None)
@given(
    st.sampled_from([1, 5, 15, 60, 24 * 60]),
    st.integers(20, 60),
    st.integers(0, 10**6),
    st.floats(0, 0.09),
)
def test_rows_that_are_a_little_early_or_late_stand_at_their_step(step, count, seed, share):
    random = np.random.default_rng(seed)
    exact = np.datetime64("2024-01-01T00:00:00.000000") + 60_000_000 * step * np.arange(count)
    kept = np.sort(random.choice(count, count - 2, replace=False))
    late = (random.uniform(-0.5, 0.5, count) * share * step * 60e6).astype(int)
    times = (exact + late)[kept]
    grid = find_grid(times)
    assert grid == Grid("minutes", step)
    placed = place_rows(times, grid)
    assert placed.odd is None
    assert (placed.places == kept - kept[0]).all()
    assert np.abs(placed.times - times).max() <= np.timedelta64(int(60e6 * step * 0.1), "us")


def test_seconds_of_jitter_are_put_right_and_said(tmp_path):
    random = np.random.default_rng(0)
    exact = np.datetime64("2024-01-01T00:00:00") + 300 * np.arange(600)
    path = write(tmp_path / "my.csv", exact + random.integers(-4, 5, 600))
    for data in both(path):
        assert (np.concatenate(all_times(data)) == exact.astype("datetime64[m]")).all()
        assert "4 seconds early or late" in " ".join(data.notes)
    with pytest.raises(InputError, match=r"line 3.*come 10 seconds after .*whole minutes"):
        series_tables.from_path(write(path, exact[0] + 10 * np.arange(60)), target="value")
    with pytest.raises(InputError, match=r"come 10 seconds after"):
        from_csv(path)
    write(path, exact[0] + 300 * np.arange(60) + np.where(np.arange(60) == 30, 60, 0))
    with pytest.raises(InputError, match=r"line 32 comes 6 minutes after .* every 5 minutes"):
        series_tables.from_path(path, target="value")


@pytest.mark.parametrize(
    ("freq", "name"),
    [
        ("B", "business day"),
        ("ME", "month"),
        ("MS", "month"),
        ("BME", "month"),
        ("BMS", "month"),
        ("QE", "quarter"),
        ("YE", "year"),
        ("2MS", "2 months"),
    ],
)
def test_steps_of_the_calendar_are_found(tmp_path, freq, name):
    days = pandas.date_range("2000-01-01", periods=60, freq=freq)
    assert find_grid(days.to_numpy()).name == name
    path = write(tmp_path / "my.csv", [f"{day:%Y-%m-%d}" for day in days], values=range(60))
    for data in both(path):
        assert [len(getattr(data, part)) for part in PARTS] == [1, 1, 1]
        assert data.train.steps + data.valid.steps + data.test.steps == 60
        assert all(times is None for times in all_times(data))
        assert f"Each row is one {name}" in " ".join(data.notes)
    write(path, [f"{day:%Y-%m-%d}" for day in days.delete([20, 21])])
    assert "2 missing rows" in " ".join(series_tables.from_path(path, target="value").notes)
    assert "1 gaps begin new series" in " ".join(from_csv(path).notes)
    months = [f"{day:%Y-%m}" for day in pandas.date_range("2000-01-01", periods=60, freq="MS")]
    assert find_grid(read_times(months, months).times).name == "month"
    years = [str(year) for year in range(1960, 2020)]
    assert find_grid(read_times(years, years).times).name == "year"


@pytest.mark.parametrize("step", [5, 61, 24 * 60])
def test_a_step_that_no_row_has_is_refused(tmp_path, step):
    path = write(tmp_path / "my.csv", HOURS)
    with pytest.raises(InputError, match=rf"step is {step} \(minutes\), and most rows .*60 min"):
        from_csv(path, step=step)
    assert from_csv(path, step=60).step == from_csv(path).step == 60
    for wrong in (0, -5, 2.5, "60"):
        with pytest.raises(InputError, match=r"step is .*expected an integer of at least 1"):
            from_csv(path, step=wrong)
    days = pandas.date_range("2000-01-31", periods=30, freq="ME").to_numpy()
    with pytest.raises(InputError, match="most rows are one every month"):
        from_arrays(np.arange(30), days, step=30 * 24 * 60 + 7)


def test_a_series_in_many_pieces_is_told_of_loudly(tmp_path):
    times = HOURS.delete(range(5, 600, 6))
    path = write(tmp_path / "my.csv", times)
    with pytest.warns(SeriesCutWarning, match=r"my is cut into 100 series of 5.0 steps"):
        data = from_csv(path)
    assert "99 gaps begin new series." in data.notes
    far = [
        str(HOURS[0] + pandas.Timedelta(days=day, hours=hour))
        for day in range(9)
        for hour in range(9)
    ]
    with pytest.warns(SeriesCutWarning, match=r"my.csv is cut into 9 series of 9.0 steps"):
        series_tables.from_path(write(path, far), target="value")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_csv(write(path, HOURS.delete(300)))


def test_numbers_are_times_where_the_name_and_all_of_them_say_so(tmp_path):
    seconds = [int(time.timestamp()) for time in HOURS]
    path = write(tmp_path / "my.csv", seconds, "timestamp")
    assert series_tables.from_path(path).columns == ("value",)
    assert series_tables.read_table(path).time == "timestamp"
    write(path, seconds, "bytes")
    table = series_tables.read_table(path)
    assert (table.time, table.columns) == (None, ("bytes", "value"))
    assert read_series(path).values.shape == (600, 2)
    assert read_series(write(path, seconds, "Time")).values.shape == (600, 1)
    assert series_tables.read_table(write(path, range(600), "time")).columns == ("time", "value")
    with pytest.raises(InputError, match=r"line 2, column 'time': '0' is not a time.*Unix seconds"):
        from_csv(path)


@pytest.mark.parametrize(
    "wrong",
    [
        "now",
        "today",
        "NaT",
        "",
        "nan",
        "１２:00",
        "2024-13-01",
        "04/01/2016",
        "9" * 5000,
        "2024-01-01T99:00",
    ],
)
def test_what_is_no_time_is_refused_by_line_and_column(tmp_path, wrong):
    times = [*map(str, HOURS[:20])]
    path = write(tmp_path / "my.csv", [*times[:5], wrong, *times[6:]])
    assert not is_time(wrong)
    for read in (from_csv, lambda path: series_tables.from_path(path, target="value", time="time")):
        with pytest.raises(
            InputError, match=r"line 7, column 'time'.*is not a time such as"
        ) as told:
            read(path)
        assert len(str(told.value)) < 500
    mixed = write(path, [*times[:5], f"{times[5]}+01:00", *times[6:]])
    with pytest.raises(InputError, match=r"line 7, column 'time': .* has a time zone, unlike"):
        from_csv(mixed)
    late = [str(int(time.timestamp())) for time in HOURS[:20]]
    with pytest.raises(InputError, match=r"line 12, column 'time': '12' is not a time"):
        from_csv(write(path, [*late[:10], "12", *late[11:]]))


@settings(max_examples=MANY, deadline=None)
@given(
    st.datetimes(
        pandas.Timestamp("1990-01-01").to_pydatetime(),
        pandas.Timestamp("2100-01-01").to_pydatetime(),
    ),
    st.sampled_from(["", "Z", "+05:30", "-08:00"]),
)
def test_a_time_is_the_one_that_pandas_reads(moment, zone):
    text = f"{moment.isoformat(sep=' ')}{zone}"
    expected = pandas.to_datetime(text)
    if expected.tzinfo:
        expected = expected.tz_convert("UTC").tz_localize(None)
    assert read_times([text], ["x"]).times[0] == expected.to_datetime64()


def test_a_step_that_is_told_is_taken_where_none_is_found():
    """Rows every 90 seconds: a period in whole minutes must be reported or refused."""
    times = ["2024-01-01 00:00", "2024-01-01 00:01:30", "2024-01-01 00:03", "2024-01-01 00:04:30"]
    with pytest.raises(InputError, match="rows come 90 seconds after the row before them"):
        cut_times(times, 4, None)
    pieces, step, notes = cut_times(times, 4, 2)
    assert ([len(piece.rows) for piece in pieces], step) == ([1, 2, 1], 2)
    assert notes == ["2 gaps begin new series."]
