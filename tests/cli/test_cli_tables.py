"""The commands on people's tables: Parquet, Hugging Face folders, splits, delimiter, encoding."""

from __future__ import annotations

import json

import datasets as hub
import pandas as pd
import pytest

TINY = ["--units", 3, "--epochs", 1, "--quiet"]
COLUMNS = ["--text-column", "review", "--label-column", "mood"]


@pytest.fixture(scope="module")
def frame(films):
    return pd.read_csv(films)


@pytest.fixture(scope="module")
def run(frame, tmp_path_factory):
    from typer.testing import CliRunner

    from rnnkit.cli import app

    folder = tmp_path_factory.mktemp("tables")
    frame.to_csv(folder / "my.csv", sep=";", encoding="utf-16", index=False)
    args = ["train", "gru_sentiment", "--data", folder / "my.csv", "--delimiter", ";"]
    args += ["--encoding", "utf-16", *COLUMNS, *TINY, "--out", folder / "run"]
    result = CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    return folder / "run"


def scores(answer):
    return answer.text.split("test split")[1]


def test_a_run_reads_other_formats_with_its_columns(run, rnnkit, frame, tmp_path):
    options = json.loads((run / "settings.json").read_text())["data"]["options"]
    assert options == {"delimiter": ";", "encoding": "utf-16"}
    again = rnnkit("evaluate", run)
    assert again.code == 0, again.text
    frame.to_parquet(tmp_path / "my.parquet")
    other = rnnkit("evaluate", run, "--data", tmp_path / "my.parquet")
    assert scores(other) == scores(again)
    frame.to_csv(tmp_path / "more.csv", index=False, sep="\t")
    options = ["--delimiter", "tab", "--encoding", "utf-8"]
    other = rnnkit("evaluate", run, "--data", tmp_path / "more.csv", *options)
    assert scores(other) == scores(again), other.text


def test_predict_reads_tables(run, rnnkit, frame, tmp_path):
    expected = rnnkit("predict", run, *frame.review[:4])
    assert expected.code == 0, expected.text
    frame[:4].to_parquet(tmp_path / "my.parquet")
    hub.Dataset.from_pandas(frame[:4]).save_to_disk(str(tmp_path / "saved"))
    for path in (tmp_path / "my.parquet", tmp_path / "saved"):
        found = rnnkit("predict", run, "--data", path, "--text-column", "review")
        assert found.lines == expected.lines, found.text
    refused = rnnkit("predict", run, "--data", tmp_path / "my.parquet")
    assert refused.code == 2
    assert "row 0 has no column 'text': it has 'review', 'mood'" in refused.text


def test_compare_trains_on_a_folder_of_splits(rnnkit, frame, tmp_path):
    tables = {"train": frame[:80], "validation": frame[80:100], "test": frame[100:]}
    for split, table in tables.items():
        table.to_parquet(tmp_path / f"{split}.parquet")
    study = tmp_path / "study"
    args = [*COLUMNS, "--seeds", 1, "--no-baselines", *TINY, "--out", study]
    answer = rnnkit("compare", "gru_sentiment", "--data", tmp_path, *args)
    assert answer.code == 0, answer.text
    results = json.loads((study / "gru_sentiment-seed0/results.json").read_text())
    assert results["examples"] == {"train": 80, "valid": 20, "test": 20}


def test_series_from_parquet(rnnkit, tmp_path):
    hours = pd.date_range("2024-01-01", periods=120, freq="h")
    table = pd.DataFrame({"load": [float(i % 24) for i in range(120)]}, index=hours)
    table.rename_axis("when").to_parquet(tmp_path / "load.parquet")
    table.rename_axis("when").to_csv(tmp_path / "load.csv", sep=";")
    run = tmp_path / "run"
    args = ["--target", "load", "--horizon", "1,2", *TINY, "--out", run]
    answer = rnnkit("train", "forecaster", "--data", tmp_path / "load.parquet", *args)
    assert answer.code == 0, answer.text
    first = rnnkit("predict", run, tmp_path / "load.parquet")
    other = rnnkit("predict", run, "--data", tmp_path / "load.csv", "--delimiter", ";")
    assert first.code == other.code == 0, other.text
    cells = [[line.split("\t")[:3] for line in one.lines] for one in (first, other)]
    assert cells[0] == cells[1]
    assert cells[0]
    refused = rnnkit("predict", run, "--data", tmp_path / "load.csv", "--text-column", "load")
    assert "--text-column is 'load', and Forecaster reads series" in refused.text


def test_files_that_cannot_be_read_are_refused(rnnkit, tmp_path):
    (tmp_path / "my.parquet").write_bytes(b"nothing")
    answer = rnnkit("train", "gru_sentiment", "--data", tmp_path / "my.parquet", *TINY)
    assert answer.code == 2
    assert "cannot be read as parquet" in answer.text
    answer = rnnkit("train", "gru_sentiment", "--data", "sample", "--delimiter", ";", *TINY)
    assert answer.code == 2
    assert "delimiter is for files, and sample is a data set by name" in answer.text
