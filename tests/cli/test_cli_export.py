"""`rnnkit export`: a run's model as a file, on examples of the run, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "saved" / "run"


def test_a_run_is_exported_and_compared_on_its_test_split(rnnkit, tmp_path):
    pytest.importorskip("onnxruntime")
    out = tmp_path / "served" / "reviews.onnx"
    answer = rnnkit("export", RUN, "--format", "onnx", "--out", out)
    assert answer.code == 0, answer.text
    cells = dict(line.split("\t") for line in answer.lines)
    assert cells["file"] == str(out)
    assert cells["examples"] == "16, of the test split"
    assert float(cells["largest difference"]) <= 1e-5
    assert out.is_file()
    assert Path(cells["preprocessing"]).is_file()


def test_a_run_whose_data_are_gone_is_exported_on_made_up_examples(rnnkit, tmp_path):
    pytest.importorskip("onnxruntime")
    run = shutil.copytree(RUN, tmp_path / "run")
    settings = json.loads((run / "settings.json").read_text())
    settings["data"]["name"] = str(tmp_path / "gone.csv")
    (run / "settings.json").write_text(json.dumps(settings))
    answer = rnnkit("export", run, "--format", "onnx", "--out", tmp_path / "a.onnx")
    assert answer.code == 0, answer.text
    assert "examples are made up" in answer.error
    assert "16, made up" in answer.text


def test_what_does_not_suit_a_format_names_the_options(rnnkit, tmp_path):
    for options, said in (
        (["--format", "litert"], "expected a name that ends in '.tflite'"),
        (["--format", "pt"], "--format is 'pt'; expected one of"),
        (["--length", "7"], "--length is 7, and saved-model takes any"),
    ):
        answer = rnnkit("export", RUN, *options, "--out", tmp_path / "x")
        assert answer.code == 2
        assert said in answer.error
    answer = rnnkit("export", RUN, "--format", "litert", "--out", tmp_path / "x.tflite")
    assert "--length is not given, and litert takes examples of a fixed number" in answer.error
    assert not list(tmp_path.iterdir())
