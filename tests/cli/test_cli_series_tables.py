"""The commands on people's own tables of series: train, evaluate, predict, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

TINY = ["--units", 3, "--epochs", 1, "--quiet"]
FORECAST = ["--time", "when", "--target", "load", "--horizon", "1,3", "--group", "station"]


def times(count, step=60):
    moments = np.datetime64("2024-01-01T00:00") + step * np.arange(count)
    return [str(moment).replace("T", " ") for moment in moments]


def load_rows(stations=("a", "b"), count=60):
    random = np.random.default_rng(0)
    return [
        {
            "when": when,
            "station": station,
            "temp": f"{random.normal():.2f}",
            "load": f"{hour % 24 + random.normal():.2f}",
            "sky": "clear",
        }
        for station in stations
        for hour, when in enumerate(times(count))
    ]


def write(path, rows, columns=None):
    columns = columns or list(rows[0])
    lines = [",".join(columns), *(",".join(row[name] for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    from typer.testing import CliRunner

    from rnnkit.cli import app

    folder = tmp_path_factory.mktemp("own")
    path = write(folder / "load.csv", load_rows(count=120))
    args = ["train", "forecaster", "--data", path, *FORECAST, *TINY, "--out", folder / "run"]
    result = CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    assert "Columns left out: sky." in result.output
    return folder


def test_a_forecaster_of_own_series(forecaster, rnnkit, tmp_path):
    record = json.loads((forecaster / "run/settings.json").read_text())
    assert record["columns"] == ["load", "temp"]
    assert record["data"]["options"] == {"time": "when", "group": "station", "target": "load"}
    results = json.loads((forecaster / "run/results.json").read_text())
    assert results["examples"] == {"train": 168, "valid": 36, "test": 36}
    again = rnnkit("evaluate", forecaster / "run")
    assert again.code == 0, again.text
    assert f"{results['test']['mae']:.4f}" in again.text
    # Columns are found by name, in whatever order; others in the file make no difference.
    rows = load_rows(count=14)
    shuffled = write(tmp_path / "new.csv", rows, ["load", "sky", "temp", "station", "when"])
    plain = write(tmp_path / "old.csv", rows, ["when", "station", "temp", "load"])
    one, other = (rnnkit("predict", forecaster / "run", path) for path in (shuffled, plain))
    assert one.code == 0, one.text
    cells = [[line.split("\t") for line in answer.lines] for answer in (one, other)]
    assert [cell[:3] for cell in cells[0]] == [cell[:3] for cell in cells[1]]
    assert {cell[3] for cell in cells[0]} == {f"{shuffled}, a", f"{shuffled}, b"}
    # Twelve steps are read first; horizons are one and three steps later.
    assert [cell[0] for cell in cells[0][:2]] == ["2024-01-01 12:00", "2024-01-01 14:00"]
    lacking = write(tmp_path / "lacking.csv", rows, ["when", "station", "load"])
    answer = rnnkit("predict", forecaster / "run", lacking)
    assert answer.code == 2
    assert "has no column 'temp'" in answer.text
    measured = rnnkit("evaluate", forecaster / "run", "--data", forecaster / "load.csv")
    assert measured.text.split("┃")[-1] == again.text.split("┃")[-1]


@pytest.mark.parametrize("recipe", ["sequence_classifier", "frame_labeller"])
def test_labelled_series_from_a_table(rnnkit, tmp_path, recipe):
    whole = recipe == "sequence_classifier"
    rows = [
        {
            "kind": "ab"[i % 2] if whole else "ab"[step % 2],
            "id": str(i),
            "x": str((i % 2 if whole else step % 2) + step / 9),
        }
        for i in range(12)
        for step in range(6)
    ]
    path = write(tmp_path / "walks.csv", rows)
    run = tmp_path / "run"
    options = ["--data", path, "--group", "id", "--label-column", "kind"]
    answer = rnnkit("train", recipe, *options, *TINY, "--out", run)
    assert answer.code == 0, answer.text
    results = json.loads((run / "results.json").read_text())
    assert sum(results["examples"].values()) == 12
    answer = rnnkit("evaluate", run)
    assert answer.code == 0, answer.text
    new = write(tmp_path / "new.csv", rows[:12], ["x", "id"])
    answer = rnnkit("predict", run, new)
    assert answer.code == 0, answer.text
    assert len(answer.lines) == (2 if whole else 12)
    assert answer.lines[0].endswith(f"{new}, 0")


def refusals():
    rows = load_rows(count=20)
    unsorted = [*rows[1:20], rows[0], *rows[20:]]
    later = [{**row, "when": row["when"] if i != 7 else "later"} for i, row in enumerate(rows)]
    text = [{**row, "load": row["load"] if i != 4 else "n.a."} for i, row in enumerate(rows)]
    mixed = [*load_rows("a", 20), *({**row, "station": "b"} for row in load_rows("a", 40)[::2])]
    grid = [{**row, "when": row["when"].replace("05:00", "05:10")} for row in rows]
    twice = [rows[0], *rows]
    twice[0] = {**twice[0], "load": "99"}
    return {
        "no column": (rows, {"--target": "laod"}, "no column 'laod', given as target", "'load'?"),
        "no group": (rows, {"--group": "statoin"}, "no column 'statoin', given as group", "'stat"),
        "no feature": (rows, {"--features": "tmp"}, "no column 'tmp', given as columns", "'temp'?"),
        "no time": (later, {}, "line 9, column 'when': 'later' is not a time", ""),
        "no number": (text, {}, "line 6, column 'load': 'n.a.' is not a number", ""),
        "text": (rows, {"--features": "sky"}, "line 2, column 'sky': 'clear' is not a number", ""),
        "unsorted": (unsorted, {}, "line 21, 'a'", "Sort the rows by time"),
        "steps": (mixed, {}, "have different steps", "'b' every 120"),
        "grid": (grid, {}, "line 7 comes 70 minutes after the row before it", "--time -"),
        "twice": (twice, {}, "line 3 has the time of the row before it", "of 'load'"),
        "short": (load_rows(count=9), {}, "'a' has 9 steps: expected 10 or more", ""),
        "number": (rows, {"--target": "1"}, "in a file, name the column", ""),
        "no rows": (rows[:0] or [], {}, "has no rows under its header", ""),
    }


@pytest.mark.parametrize("case", refusals())
def test_what_is_no_table_of_series_is_refused(rnnkit, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    rows, changed, message, advice = refusals()[case]
    path = write(tmp_path / "my.csv", rows, list(load_rows(count=1)[0]))
    options = {**dict(zip(FORECAST[::2], FORECAST[1::2], strict=True)), **changed}
    args = [part for option in options.items() for part in option]
    answer = rnnkit("train", "forecaster", "--data", path, *args, *TINY)
    assert answer.code == 2, answer.text
    assert message in answer.text
    assert advice in answer.text
    assert [one.name for one in tmp_path.iterdir()] == ["my.csv"]


def test_options_of_files_are_for_files(rnnkit):
    answer = rnnkit("train", "forecaster", "--data", "traffic_sample", "--group", "station", *TINY)
    assert answer.code == 2
    assert "group is for files, and traffic_sample is a data set by name" in answer.text


def test_info_names_the_columns(rnnkit):
    for option in ("--time", "--group", "--features"):
        assert option in rnnkit("info", "forecaster").text
    assert "--columns" in rnnkit("info", "frame_labeller").text
