"""The commands on series: trained on a generated sample, asked about CSV files."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit import study
from rnnkit.data.series_files import read_series

TINY = ["--units", 4, "--epochs", 1, "--limit", 60, "--quiet"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two real runs, made by the command: a classifier and a forecaster."""
    from typer.testing import CliRunner

    from rnnkit.cli import app

    found = {}
    for recipe in ("sequence_classifier", "forecaster"):
        found[recipe] = tmp_path_factory.mktemp("runs") / recipe
        args = ["train", recipe, *TINY, "--out", found[recipe]]
        result = CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": "400"})
        assert result.exit_code == 0, result.output
        assert "rnnkit predict" in result.output
        assert "FILE.csv" in result.output
    return found


def test_a_classifier_is_measured_and_asked(trained, rnnkit, tmp_path):
    run = trained["sequence_classifier"]
    answer = rnnkit("evaluate", run)
    assert answer.code == 0, answer.text
    assert "sequences_sample, test split" in answer.text
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    paths[0].write_text("x,y\n1,0\n0,1\n-1,0\n")
    paths[1].write_text("0.5,0.5\n" * 40)
    cells = [line.split("\t") for line in rnnkit("predict", run, *paths).lines]
    assert [cell[2] for cell in cells] == [str(path) for path in paths]
    model = study.open_model(run)
    probabilities = model.predict([read_series(str(path)) for path in paths], verbose=0)
    assert [(cell[0], cell[1]) for cell in cells] == [
        (model.classes[row.argmax()], f"{row.max():.4f}") for row in probabilities
    ]


def test_a_forecaster_is_measured_and_asked(trained, rnnkit, tmp_path):
    run = trained["forecaster"]
    answer = rnnkit("evaluate", run)
    assert answer.code == 0, answer.text
    assert "MAE" in answer.text
    assert "accuracy" not in answer.text
    path = tmp_path / "cars.csv"
    minutes = np.datetime64("2024-03-04T21:00") + 15 * np.arange(14)
    path.write_text("time,flow\n" + "".join(f"{str(t).replace('T', ' ')},40\n" for t in minutes))
    answer = rnnkit("predict", run, "--file", path)
    assert answer.code == 0, answer.text
    cells = [line.split("\t") for line in answer.lines]
    # Twelve steps are read before the first forecast, of the thirteenth; the last is yet to come.
    assert [cell[0] for cell in cells] == [
        "2024-03-05 00:00",
        "2024-03-05 00:15",
        "2024-03-05 00:30",
    ]
    forecasts = study.open_model(run).predict(read_series(str(path)), verbose=0)
    assert [cell[1] for cell in cells] == [f"{value:.6g}" for value in forecasts]
    assert {cell[2] for cell in cells} == {str(path)}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "lstm_sentiment", "--data", "pems_flow"], "pems_flow holds series. Data sets"),
        (["train", "forecaster", "--data", "imdb"], "it: traffic_sample, pems_flow, metro"),
        (["compare", "sequence_classifier", "--data", "sample"], "sequences_sample, japanese_vow"),
        (["train", "forecaster", "--data", __file__], "ends in '.py': expected .csv"),
        (["compare", "sequence_classifier", "gru_sentiment"], "cannot be compared on the same"),
    ],
)
def test_data_that_do_not_suit_are_refused(rnnkit, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    answer = rnnkit(*args)
    assert answer.code == 2
    assert message in answer.text
    assert list(tmp_path.iterdir()) == []


def test_other_data_of_another_kind_are_refused(trained, rnnkit):
    answer = rnnkit("evaluate", trained["sequence_classifier"], "--data", "sample")
    assert answer.code == 2
    assert "sequence_classifier learns from labelled series, and sample holds texts" in answer.text


def test_info_names_the_data_that_suit(rnnkit):
    assert (
        "data: sample, imdb, names, or a table or folder of texts"
        in rnnkit("info", "lstm_sentiment").text
    )
    assert "japanese_vowels" in rnnkit("info", "sequence_classifier").text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no step of a series"),
        ("x,y\n", "has no rows under its header"),
        ("1,2\n3,x\n", "line 2, column 2: 'x' is not a number"),
        ("1,2\n3\n", "line 2 has 1 cells, the first row 2"),
        ("2024-01-01,1\nlater,2\n", "line 2, column 1: 'later' is not a time"),
    ],
)
def test_what_is_no_series_is_refused_by_name(trained, rnnkit, tmp_path, text, message):
    path = tmp_path / "odd.csv"
    path.write_text(text)
    answer = rnnkit("predict", trained["forecaster"], path)
    assert answer.code == 2
    assert "odd.csv" in answer.text
    assert message in answer.text
