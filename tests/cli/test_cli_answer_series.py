"""`rnnkit predict` of series with `--out` and `--json`: a row for each, or for each of their steps.

The models are small ones that are kept in `tests/saved`.
"""

from __future__ import annotations

import csv
import datetime
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from written_answers import FORMATS, SAVED, done, load, read, typed

from rnnkit import study
from rnnkit.data.series_tables import read_columns
from rnnkit.data.table_writing import Column
from rnnkit.tasks.answer_tables import AnswerTable

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


def test_a_model_without_names_answers_beside_those_of_the_file(rnnkit, tmp_path):
    path, *_ = series_files("frames_crf", tmp_path)
    rows = path.read_text()
    width = rows.splitlines()[0].count(",") + 1
    plain = done(rnnkit("predict", SAVED / "frames_crf.keras", path, "--json")).lines
    path.write_text(",".join(f"sensor {i}" for i in range(width)) + "\n" + rows)
    named = done(rnnkit("predict", SAVED / "frames_crf.keras", path, "--json")).lines
    assert [line.replace("sensor ", "column_") for line in named] == plain
    assert "sensor 0" in json.loads(named[0])


def test_series_as_json_lines(rnnkit, tmp_path):
    path, *_ = series_files("frames_crf", tmp_path)
    answer = done(rnnkit("predict", SAVED / "frames_crf.keras", path, "--json"))
    found = [json.loads(line) for line in answer.lines]
    assert [row["step"] for row in found] == list(range(len(found)))
    assert [*found[0]][:3] == ["series", "step", "column_0"]


ROWS = [
    ["id", "when", "load", "note", "temp"],
    *(
        [f"r{hour}", f"2024-03-01 {hour:02}:00", hour % 5 + 0.5, "x;y" if hour == 2 else "", hour]
        for hour in range(9)
        if hour != 6  # a step without a row
    ),
]


@pytest.fixture
def forecasts(rnnkit, tmp_path, intervals, monkeypatch):
    """Return the answers to rows of a file, and the columns of the input beside them."""
    monkeypatch.setattr(study, "open_model", lambda run: intervals)
    (tmp_path / "model.keras").write_bytes(b"")

    def ask(rows, *options, source="day.csv", suffix=".parquet"):
        if source.endswith(".csv"):
            with (tmp_path / source).open("w", newline="") as file:
                csv.writer(file).writerows(rows)
        else:
            names, *cells = rows
            values = {name: [row[i] for row in cells] for i, name in enumerate(names)}
            time = next(name for name in ("time", "when") if name in values)
            values[time] = list(map(datetime.datetime.fromisoformat, values[time]))
            pyarrow.parquet.write_table(pyarrow.table(values), tmp_path / source)
        out = tmp_path / f"answers{suffix}"
        files = ["predict", tmp_path / "model.keras", tmp_path / source, "--out", out]
        return rnnkit(*files, *options), out

    return ask


@pytest.mark.parametrize("source", ["day.csv", "day.parquet"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_every_column_of_the_input_stands_beside_the_forecasts(forecasts, source, suffix):
    answer, out = forecasts(ROWS, source=source, suffix=suffix)
    done(answer)
    found = [{key: typed(value) for key, value in row.items()} for row in read(out)]
    assert [*found[0]][:8] == ["series", "step", "time", *ROWS[0]]
    by_step = {int(row[1][11:13]): row for row in ROWS[1:]}
    assert len(found) == 9
    for step, row in enumerate(found):
        assert row["step"] == step
        assert row["time"] == f"2024-03-01 {step:02}:00"
        if step == 6:  # the table lacks this row: nothing is made up
            assert all(row.get(name) is None for name in ROWS[0])
            continue
        name, when, load, note, temp = by_step[step]
        assert row["id"] == name
        assert str(row["when"]).replace("T", " ").startswith(when)
        assert (row["load"], row["temp"]) == (load, temp)
        assert row["note"] == (note or None)


@pytest.mark.parametrize("source", ["day.csv", "day.parquet"])
def test_a_column_of_times_that_is_called_time_stays_one_column(forecasts, source):
    rows = [["time" if name == "when" else name for name in ROWS[0]], *ROWS[1:]]
    answer, out = forecasts(rows, source=source)
    done(answer)
    found = read(out)
    assert [*found[0]][:6] == ["series", "step", "id", "time", "load", "note"]
    hours = [f"2024-03-01 {hour:02}:00" for hour in range(9)]  # that of the missing row, too
    assert [str(row["time"])[:16] for row in found] == hours
    answer, out = forecasts(rows, "--prefix", "new_", source=source)
    done(answer)
    assert [*read(out)[0]][:4] == ["new_series", "new_step", "new_time", "id"]


@pytest.mark.parametrize("taken", ["series", "step", "forecast_time_h1"])
def test_a_column_with_the_name_of_an_answer_is_refused(forecasts, taken):
    rows = [[taken if name == "note" else name for name in ROWS[0]], *ROWS[1:]]
    answer, out = forecasts(rows)
    assert answer.code == 2
    assert f"The input has a column '{taken}'" in answer.error
    assert "--prefix new_" in answer.error
    assert not out.exists()
    done(forecasts(rows, "--prefix", "new_")[0])


def test_columns_that_do_not_change_stand_beside_the_label_of_a_series(
    rnnkit, tmp_path, monkeypatch
):
    class Lengths:
        """It answers with the number of steps of a series."""

        reads_series = True

        def answer_table(self, series):
            return AnswerTable((Column("prediction", "text"),), [[(len(one),)] for one in series])

    def reader(run, model, **options):
        return lambda file: read_columns(file, ["x"], time="-", group="by", cut=False)

    monkeypatch.setattr(study, "open_model", lambda run: Lengths())
    monkeypatch.setattr(study, "series_reader", reader)
    lines = ["by,x,speaker,hour", "b,1,Ann,0", "b,2,Ann,1", "a,3,Bob,0", "a,4,Bob,0"]
    file = tmp_path / "two.csv"
    file.write_text("\n".join(lines) + "\n")
    out = tmp_path / "answers.csv"
    done(rnnkit("predict", tmp_path, file, "--out", out))
    assert read(out) == [
        {"series": f"{file}, {name}", "by": name, "speaker": speaker, "prediction": "2"}
        for name, speaker in (("a", "Bob"), ("b", "Ann"))
    ]
