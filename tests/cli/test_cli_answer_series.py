"""`rnnkit predict` of series with `--out` and `--json`: a row for each, or for each of their steps.

The models are small ones that are kept in `tests/saved`.
"""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from written_answers import FORMATS, SAVED, done, load, read, typed

from rnnkit import study

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.usefixtures("opened_once"),
    pytest.mark.filterwarnings(
        "ignore:class in a saved file .* is now called:DeprecationWarning",
    ),
]


def series_files(name, folder, times=False):
    paths = []
    for number, rows in enumerate(json.loads((SAVED / f"{name}.json").read_text("utf-8"))["x"]):
        lines = [",".join(map(str, row if isinstance(row, list) else [row])) for row in rows]
        if times:
            hours = [f"2020-01-{1 + i // 24:02} {i % 24:02}:00" for i in range(len(lines))]
            lines = [f"{hour},{line}" for hour, line in zip(hours, lines, strict=True)]
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths[:3]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_label_for_each_series(rnnkit, tmp_path, suffix):
    paths = series_files("sound", tmp_path)
    out = tmp_path / f"answers{suffix}"
    done(rnnkit("predict", SAVED / "sound.keras", *paths, "--out", out))
    model = load(SAVED / "sound.keras")
    series = [np.loadtxt(path, delimiter=",", ndmin=2) for path in paths]
    expected = model.predict(series, verbose=0)
    found = read(out)
    assert [row["series"] for row in found] == [str(path) for path in paths]
    assert [row["prediction"] for row in found] == model.predict_labels(series)
    shares = [[float(row[f"probability_{name}"]) for name in model.classes] for row in found]
    assert shares == expected.astype("float64").tolist()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_label_for_each_step(rnnkit, tmp_path, suffix):
    paths = series_files("frames_crf", tmp_path, times=True)
    out = tmp_path / f"answers{suffix}"
    done(rnnkit("predict", SAVED / "frames_crf.keras", *paths, "--out", out))
    model, found = load(SAVED / "frames_crf.keras"), read(out)
    at = 0
    for path in paths:
        with path.open() as file:
            times, *columns = zip(*csv.reader(file), strict=True)
        values = np.array(columns, float).T
        rows, at = found[at : at + len(times)], at + len(times)
        assert [row["series"] for row in rows] == [str(path)] * len(times)
        assert [int(row["step"]) for row in rows] == list(range(len(times)))
        assert [row["time"] for row in rows] == list(times)
        own = [[float(row[f"column_{i}"]) for i in range(values.shape[1])] for row in rows]
        assert own == values.tolist()
        assert [row["prediction"] for row in rows] == model.predict_labels(values)
        shares = [[float(row[f"probability_{name}"]) for name in model.classes] for row in rows]
        assert shares == model.predict(values).astype("float64").tolist()
    assert at == len(found)


@pytest.fixture(scope="module")
def intervals():
    """A forecaster of two targets at two horizons, with an interval of 80 %."""
    from rnnkit.data.series import Series
    from rnnkit.recipes import forecaster

    times = np.datetime64("2024-01-01T00:00") + 60 * np.arange(60)
    values = np.stack([np.arange(60.0) % 24, np.arange(60.0) % 7], axis=1)
    series = Series(values, times, columns=("load", "temp"))
    small = {"units": 2, "epochs": 1, "context": 4, "window": 20, "warm_up": 4}
    model = forecaster(target=("load", "temp"), horizon=(1, 3), quantiles=(0.1, 0.5, 0.9), **small)
    model.fit([series], verbose=0)
    return model


@pytest.mark.parametrize("suffix", FORMATS)
def test_forecasts_with_intervals_beside_what_was_measured(
    rnnkit, tmp_path, suffix, intervals, monkeypatch
):
    monkeypatch.setattr(study, "open_model", lambda run: intervals)
    times = np.datetime64("2024-03-01T00:00") + 60 * np.arange(9)
    values = np.array([[i % 5, i] for i in range(9)], float)
    lines = [f"{str(t).replace('T', ' ')},{a},{b}" for t, (a, b) in zip(times, values, strict=True)]
    lines[2] = lines[2].rpartition(",")[0] + ","  # a missing measurement
    (tmp_path / "day.csv").write_text("\n".join(["when,load,temp", *lines]) + "\n")
    (tmp_path / "short.csv").write_text("\n".join(["when,load,temp", *lines[:2]]) + "\n")
    (tmp_path / "model.keras").write_bytes(b"")
    out = tmp_path / f"answers{suffix}"
    files = [tmp_path / "day.csv", tmp_path / "short.csv"]
    done(rnnkit("predict", tmp_path / "model.keras", *files, "--out", out))
    found = [{key: typed(value) for key, value in row.items()} for row in read(out)]
    assert len(found) == 11
    assert [row["load"] for row in found] == [*values[:, 0], *values[:2, 0]]
    assert [row["temp"] for row in found[:3]] == [0.0, 1.0, None]

    from rnnkit.data.series import Series

    values[2, 1] = np.nan
    expected = intervals.predict(Series(values, times, columns=("load", "temp")), verbose=0)
    for step, row in enumerate(found):
        assert row["step"] == (step if step < 9 else step - 9)
        for horizon in (1, 3):
            for target, name in enumerate(("load", "temp")):
                ends = [f"{start}_{name}_h{horizon}" for start in ("forecast", "quantile_0.1")]
                ends += [f"quantile_{q}_{name}_h{horizon}" for q in (0.5, 0.9)]
                got = [row[end] for end in ends]
                if 3 <= step < 9:
                    low, median, high = expected[step - 3, (1, 3).index(horizon), target]
                    assert got == [median, low, median, high]
                else:  # too few steps were read
                    assert got == [None] * 4
    last = found[8]
    assert last["time"] == "2024-03-01 08:00"
    assert last["forecast_time_h1"] == "2024-03-01 09:00"
    assert last["forecast_time_h3"] == "2024-03-01 11:00"


def test_a_forecast_without_quantiles_or_times(rnnkit, tmp_path):
    (path, *_) = series_files("forecaster", tmp_path, times=True)
    done(rnnkit("predict", SAVED / "forecaster.keras", path, "--out", tmp_path / "a.jsonl"))
    model, found = load(SAVED / "forecaster.keras"), read(tmp_path / "a.jsonl")
    series = study.series_reader(SAVED / "forecaster.keras", model)(str(path))[0][0]
    expected = model.predict(series, verbose=0)
    known = [row["forecast"] for row in found if row["forecast"] is not None]
    assert known == expected.tolist()
    assert all(row["forecast"] is None for row in found[: model.context - 1])
    assert len(found) == len(series)


def test_series_as_json_lines(rnnkit, tmp_path):
    path, *_ = series_files("frames_crf", tmp_path)
    answer = done(rnnkit("predict", SAVED / "frames_crf.keras", path, "--json"))
    found = [json.loads(line) for line in answer.lines]
    assert [row["step"] for row in found] == list(range(len(found)))
    assert [*found[0]][:3] == ["series", "step", "column_0"]
