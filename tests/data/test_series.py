"""Series to forecast: the readers of traffic, gaps, splits by time, one's own measurements."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from rnnkit.data import datasets
from rnnkit.data.forecast_windows import ForecastWindows, FullSeriesBatches
from rnnkit.data.series import Series, cut_at_gaps, from_arrays, from_csv, split_by_time
from rnnkit.data.series_encoding import SeriesEncoder
from rnnkit.data.sets import traffic
from rnnkit.errors import InputError

HEAD = "\ufeff5 Minutes,Lane 1 Flow (Veh/5 Minutes),# Lane Points,% Observed"
# 3 and 4 March; the month and the day would trade places in another reading of the date
DAYS = [f"{day:02}/03/2016 {hour}:55,{10 * day + hour},1,100" for day in (3, 4) for hour in (0, 1)]
PEMS = {
    "train.csv": "\n".join([HEAD, *(f"03/02/2016 0:{5 * i:02},{i},1,100" for i in range(10))]),
    "test.csv": "\n".join([HEAD, *DAYS]),
}
METRO_FILE = "Metro_Interstate_Traffic_Volume.csv"
METRO_HEAD = (
    "holiday,temp,rain_1h,snow_1h,clouds_all,weather_main,weather_description,date_time,"
    "traffic_volume"
)
METRO = "\n".join(
    [
        METRO_HEAD,
        "New Years Day,280,0,0,40,Clouds,few clouds,2013-01-01 00:00:00,100",
        "None,280,0.5,0,40,Rain,light rain,2013-01-01 00:00:00,100",
        "None,0,9831.3,0,0,Clear,sky is clear,2013-01-01 01:00:00,200",
        "None,282,0,0,0,Clear,sky is clear,2013-01-01 03:00:00,300",
        "None,283,0,0,0,Clear,sky is clear,2013-01-09 03:00:00,400",
    ]
)


def pack(path, folder, files):
    with tarfile.open(path, "w:xz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(traffic, "PEMS", replace(traffic.PEMS, counts={"train": 10, "test": 4}))
    monkeypatch.setattr(traffic, "METRO", replace(traffic.METRO, counts={"all": 5}))
    return tmp_path


# Readers.


def test_pems_from_the_archive(own):
    pack(own / traffic.PEMS.archive, "pems_flow", PEMS)
    data = datasets.load("pems_flow")
    assert [len(one) for one in data.test.x] == [1, 1, 1, 1]  # an hour from one to the next
    assert str(data.test.x[2].times[0]) == "2016-03-04T00:55"
    assert data.test.x[2].values.tolist() == [[40.0]]
    assert (data.train.steps, data.valid.steps) == (8, 2)
    assert data.valid.x[0].values[:, 0].tolist() == [8, 9]
    assert datasets.load("pems_flow", valid_fraction=0.3).valid.steps == 3
    few = datasets.load("pems_flow", limit=3)
    assert few.train.x[0].values[:, 0].tolist() == [5, 6, 7]  # next to valid
    assert (few.valid.steps, few.test.steps) == (2, 3)


def test_pems_from_two_files(own, monkeypatch):
    """As they come from their public home."""
    for name, text in PEMS.items():
        (own / f"pems_flow_{name}").write_text(text)
    assert datasets.load("pems_flow").train.steps == 8


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train.csv", HEAD, r"train.csv holds 0 rows; expected 10"),
        (
            "test.csv",
            PEMS["test.csv"].replace("03/03/2016 0:55", "soon"),
            r"test\.csv, line \d+ is not as",
        ),
        ("test.csv", PEMS["test.csv"].replace("Lane 1", "Lane 2"), "test.csv, line 2 is not as"),
        ("test.csv", None, "does not contain test.csv"),
    ],
)
def test_another_pems_is_refused(own, file, text, message):
    files = {name: kept for name, kept in {**PEMS, file: text}.items() if kept is not None}
    pack(own / traffic.PEMS.archive, "pems_flow", files)
    with pytest.raises(InputError, match=message):
        datasets.load("pems_flow")


def test_metro_from_each_of_its_files(own):
    pack(own / traffic.METRO.archive, "metro_traffic", {METRO_FILE: METRO})
    data = datasets.load("metro_traffic")
    first = [*data.train.x, *data.valid.x, *data.test.x][0]
    nan = np.nan
    # the hour that stands there twice, the one of 0 K and metres of rain, the one that is missing
    np.testing.assert_array_equal(
        first.values[:3],
        [[100, 280, 0, 0, 40, 1], [200, 280, 100, 0, 0, 1], [nan] * 6],
    )
    assert sum(split.steps for split in (data.train, data.valid, data.test)) == 5
    (own / traffic.METRO.archive).unlink()
    with pytest.raises(InputError, match=r"fetch https.*csv.gz.*RNNKIT_DATA"):
        datasets.load("metro_traffic")
    (own / f"{METRO_FILE}.gz").write_bytes(gzip.compress(METRO.encode()))
    assert datasets.load("metro_traffic").train.steps == data.train.steps
    (own / f"{METRO_FILE}.gz").write_bytes(gzip.compress(METRO.encode())[:99])
    with pytest.raises(InputError, match="damaged or cut short"):
        datasets.load("metro_traffic")


def test_options_of_texts_are_refused():
    with pytest.raises(InputError, match="drop_overlap is for texts"):
        datasets.load("traffic_sample", drop_overlap=True)


def test_the_sample_is_the_same_each_time():
    one, two = datasets.load("traffic_sample"), datasets.load("traffic_sample")
    for a, b in zip(one.train.x, two.train.x, strict=True):
        np.testing.assert_array_equal(a.values, b.values)
    assert one.train.x[-1].times[-1] < one.valid.x[0].times[0] < one.test.x[0].times[0]


@pytest.mark.data
def test_the_real_pems(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    data = datasets.load("pems_flow")
    assert (data.train.steps + data.valid.steps, data.test.steps) == (7_776, 4_320)
    assert [len(one) for one in data.test.x] == [288, 1440, 1440, 288, 288, 576]
    assert data.valid.steps == 1_440
    assert str(data.test.x[0].times[0]) == "2016-03-04T00:00"
    for one in [*data.train.x, *data.valid.x, *data.test.x]:
        assert (np.diff(one.times).astype(int) == 5).all()
        assert np.is_busday(one.times.astype("datetime64[D]")).all()
    # the yardstick of the published figures: all rows in a row, the hour before known
    joined = np.concatenate([one.values[:, 0] for one in data.test.x]).astype(float)
    error = np.diff(joined)[11:]
    assert round(np.abs(error).mean(), 2) == 8.34
    assert round(np.sqrt(np.square(error).mean()), 2) == 11.31


@pytest.mark.data
def test_the_real_metro(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    data = datasets.load("metro_traffic")
    series = [*data.train.x, *data.valid.x, *data.test.x]
    measured = sum(int(np.isfinite(one.values[:, 0]).sum()) for one in series)
    assert measured == 40_575
    assert "2,588 gaps" in data.notes[1]
    assert data.train.x[-1].times[-1] < data.valid.x[0].times[0]
    assert data.valid.x[-1].times[-1] < data.test.x[0].times[0]


# Series.


def test_gaps_and_bridges():
    times = np.datetime64("2020-01-01T00:00") + np.array([0, 5, 10, 20, 40, 43])
    cut = [one.values[:, 0].tolist() for one in cut_at_gaps(np.arange(6), times, 5)]
    assert cut == [[0, 1, 2], [3], [4], [5]]
    bridged = cut_at_gaps(np.arange(6), times, 5, bridge=1)
    np.testing.assert_array_equal(bridged[0].values[:, 0], [0, 1, 2, np.nan, 3])
    assert str(bridged[0].times[3]) == "2020-01-01T00:15"
    assert [len(one) for one in bridged] == [5, 1, 1]  # three minutes are no step: a gap


def test_dealing_by_time_loses_nothing():
    series = [Series(np.arange(7)), Series(np.arange(7, 9)), Series(np.arange(9, 20))]
    piles = split_by_time(series, [8, 5, 7])
    values = [[one.values[:, 0].tolist() for one in pile] for pile in piles]
    assert values == [
        [[0, 1, 2, 3, 4, 5, 6], [7]],
        [[8], [9, 10, 11, 12]],
        [[13, 14, 15, 16, 17, 18, 19]],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"],), "no array of numbers"),
        ((np.zeros((2, 2, 2)),), r"shape \(2, 2, 2\); expected \(T, D\)"),
        (([1.0, np.inf],), "Step 1 of a series holds inf in column 0"),
        (([1.0], np.zeros(1)), "expected datetime64"),
        (([1.0], np.zeros(2, "datetime64[m]")), r"of shape \(1,\)"),
        (([1.0, 2.0], np.zeros(2, "datetime64[m]")), "do not rise"),
    ],
)
def test_what_is_no_series_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Series(*arguments)


def test_ones_own_measurements(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("when,cars,rain\n2020-01-01 00:00,3,0\n2020-01-01 00:05,4,1\n")
    data = from_csv(path, time="when", target="cars", columns=["rain"], step=5, test_fraction=0.5)
    assert data.columns == ("cars", "rain")
    assert data.test.x[0].values.tolist() == [[4.0, 1.0]]
    with pytest.raises(InputError, match=r"line 2 has no column 'car': .*Did you mean 'cars'"):
        from_csv(path, time="when", target="car")
    path.write_text("when,cars,rain\n2020-01-01 00:00,3,0\n2020-01-01 00:05,,1\n")
    data = from_csv(path, time="when", target="cars", columns=["rain"], step=5, test_fraction=0.5)
    np.testing.assert_equal(data.test.x[0].values, [[np.nan, 1.0]])  # empty: not measured
    with pytest.raises(InputError, match=r"line 2, column 'when': .* is not a number"):
        from_csv(path, time=None, target="when")
    with pytest.raises(InputError, match="target is 3; expected the number of a column, 0 to 1"):
        from_arrays(np.zeros((9, 2)), target=3)
    with pytest.raises(InputError, match="leave nothing for train"):
        from_arrays(np.zeros(9), valid_fraction=0.5, test_fraction=0.5)
    with pytest.raises(InputError, match="cannot be read as times"):
        from_arrays(np.zeros(1), ["noon"])


# What a network reads.


def daily(days, first="2024-01-01T00:00", noise=0.0):
    """A shape of four steps a day, with noise."""
    random = np.random.default_rng(0)
    values = np.tile([10.0, 30.0, 20.0, 0.0], days) + noise * random.normal(size=4 * days)
    return Series(values, np.datetime64(first) + 360 * np.arange(4 * days))


def test_a_profile_of_the_day_forecasts_it():
    """Nothing is left to forecast where every day is like the one before it."""
    encoder = SeriesEncoder(horizon=3, smoothing=0)
    encoder.learn([daily(6)])
    encoded = encoder.encode([daily(3, "2024-02-03T00:00")])[0]
    np.testing.assert_allclose(encoded.target, 0)
    np.testing.assert_allclose(encoded.base[:4], [0, 10, 30, 20])
    assert encoded.known.tolist() == [True] * 9 + [False] * 3
    assert np.all(encoded.x[:, 0] == 0)


def test_a_profile_of_the_week_tells_its_days_apart():
    one = daily(56)
    weekend = ((one.times.astype("datetime64[D]").astype(int) + 3) % 7) > 4
    one = Series(np.where(weekend, 5.0, one.values[:, 0]), one.times)
    encoder = SeriesEncoder(smoothing=0)
    encoder.learn([one])
    assert len(encoder.profile) == 28
    assert encoder.names[-6:] == SeriesEncoder.DAYS
    encoded = encoder.encode([one])[0]
    np.testing.assert_allclose(encoded.target, 0, atol=1e-6)
    assert encoded.x[2, -6:].tolist() == [1, 0, 0, 0, 0, 0]  # 1 January 2024 is a Monday
    assert encoded.x[3, -6:].tolist() == [0, 1, 0, 0, 0, 0]  # at its last step: Tuesday is next
    assert SeriesEncoder.from_json(encoder.to_json()).names == encoder.names


def test_missing_steps_are_usual_and_count_for_nothing():
    one = daily(6, noise=1.0)
    encoder = SeriesEncoder(smoothing=0)
    encoder.learn([one])
    values = one.values.copy()
    values[5] = np.nan
    encoded = encoder.encode([Series(values, one.times)])[0]
    assert encoded.x[5, :2].tolist() == [0, 0]
    assert encoded.x[4, 1] == 1
    assert not encoded.known[4]
    assert np.isfinite(encoded.x).all()
    assert np.isfinite(encoded.target).all()


def test_no_step_tells_of_a_later_one():
    one = daily(6, noise=1.0)
    encoder = SeriesEncoder(horizon=2)
    encoder.learn([one])
    whole, part = encoder.encode([one, one.between(0, 9)])
    np.testing.assert_array_equal(whole.x[:9], part.x)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "There are no series"),
        ([Series(np.zeros((5, 2)))], "Series 0 has 2 columns; expected 1"),
        ([Series(np.zeros(5))], "Series 0 has no times"),
        (
            [Series(np.zeros(5), np.datetime64("2024-01-01") + np.arange(5))],
            "a step every 1440 minutes; the training series had one every 360",
        ),
    ],
)
def test_other_series_than_those_learned_from_are_refused(series, message):
    encoder = SeriesEncoder()
    encoder.learn([daily(6)])
    with pytest.raises(InputError, match=message):
        encoder.encode(series)


def test_series_that_teach_nothing_are_refused():
    with pytest.raises(InputError, match="have no measurement"):
        SeriesEncoder().learn([Series([np.nan, np.nan])])
    with pytest.raises(InputError, match="does not divide a day"):
        SeriesEncoder().learn(
            [Series(np.arange(9), np.datetime64("2024-01-01T00:00") + 7 * np.arange(9))]
        )
    with pytest.raises(InputError, match="target is 1; the series have 1 columns"):
        SeriesEncoder(target=1).learn([daily(2)])
    with pytest.raises(InputError, match="profile is 'month'"):
        SeriesEncoder(profile="month")


def test_pieces_cover_every_step_once_and_move_with_the_epochs():
    values = np.arange(300.0)
    encoder = SeriesEncoder()
    encoder.learn([Series(values)])
    encoded = encoder.encode([Series(values), Series(values[:10])])
    sizes = {"context": 5, "window": 32, "warm_up": 8, "batch_size": 4}
    pieces = ForecastWindows(encoded, **sizes, shuffle=True, seed=1)
    still = ForecastWindows(encoded, **sizes)
    counted = sum(int(still[i][2].sum()) for i in range(len(still)))
    assert counted == sum(int(one.known[4:].sum()) for one in encoded) == 295 + 5
    pieces.start_epoch(0)
    first = [pieces[i] for i in range(len(pieces))]
    pieces.start_epoch(1)
    assert (first[0][0] != pieces[0][0]).any()
    pieces.start_epoch(0)
    for i, batch in enumerate(first):
        for kept, again in zip(batch, pieces[i], strict=True):
            np.testing.assert_array_equal(kept, again)


def test_whole_series_go_by_length():
    encoder = SeriesEncoder()
    encoder.learn([Series(np.arange(9.0))])
    lengths = [5, 60, 33, 200, 1]
    whole = FullSeriesBatches(
        encoder.encode([Series(np.arange(float(n))) for n in lengths]), context=2
    )
    assert whole.groups == [[0, 4], [2], [1], [3]]
    assert [whole[i][0].shape[1] for i in range(4)] == [32, 48, 64, 256]
    assert [int(whole[i][2].sum()) for i in range(4)] == [3, 31, 58, 198]
