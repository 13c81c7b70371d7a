"""`rnnkit runs`: the table, JSON, empty folders, and what it costs."""

from __future__ import annotations

import json

import pytest

SETTINGS = {"recipe": "lstm_sentiment", "data": {"name": "sample"}, "settings": {"epochs": 10}}
RESULTS = {"test": {"loss": 0.25}, "monitor": "val_loss", "epochs": 3, "best_epoch": 2}


@pytest.fixture
def folder(tmp_path):
    for name in ("done", "study/half", "bad"):
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        (run / "settings.json").write_text(json.dumps(SETTINGS) if name != "bad" else "{")
    (tmp_path / "runs/done/results.json").write_text(json.dumps(RESULTS))
    (tmp_path / "runs/done/model.keras").write_bytes(b"")
    rows = "epoch,seconds,loss,val_loss\n1,1,0.5,0.5\n"
    (tmp_path / "runs/study/half/metrics.csv").write_text(rows)
    return tmp_path / "runs"


def test_runs_are_listed_with_state_score_and_epochs(folder, rnnkit):
    answer = rnnkit("runs", folder)
    assert answer.code == 0
    cells = {line.split("\t")[0]: line.split("\t")[1:] for line in answer.lines[:3]}
    done, half, bad = (cells[str(folder / name)] for name in ("done", "study/half", "bad"))
    assert done[:5] == ["complete", "lstm_sentiment", "sample", "loss 0.25", "3 / 3"]
    assert half[:5] == ["interrupted", "lstm_sentiment", "sample", "val_loss 0.5*", "1 / 10"]
    assert bad[:5] == ["damaged", "", "", "", "0 / ?"]
    assert "settings.json is damaged" in answer.error
    assert len(answer.lines) == 3


def test_json_for_programs(folder, rnnkit):
    found = {
        one["run"]: one for one in json.loads("\n".join(rnnkit("runs", folder, "--json").lines))
    }
    one = found[str(folder / "study/half")]
    assert (one["state"], one["measure"], one["score"]) == ("interrupted", "val_loss", 0.5)
    assert (one["epochs"], one["planned"]) == (1, 10)
    assert 0 <= one["age"] < 600


def test_an_empty_folder_says_what_to_do(tmp_path, rnnkit, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for args in (["runs"], ["runs", tmp_path]):
        answer = rnnkit(*args)
        assert answer.code == 0
        assert "rnnkit train lstm_sentiment" in answer.text
    assert json.loads("".join(rnnkit("runs", "--json").lines)) == []
    answer = rnnkit("runs", tmp_path / "rums")
    assert answer.code == 2
    assert "rums does not exist" in answer.text


PROBE = """
import json, sys, time
from rnnkit.cli import app
before = time.process_time()
sys.argv = ["rnnkit", "runs", json.loads(sys.argv[1]), "--json"]
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
heavy = [name for name in ("keras", "torch", "jax", "tensorflow", "sklearn") if name in sys.modules]
used = time.process_time() - before
before = time.process_time()
sum(number * number for number in range(5_000_000))  # how fast the machine is now
print("USED", used / (time.process_time() - before), *heavy)
"""


def test_a_list_needs_no_framework_and_little_time(folder, fresh_python):
    used, *heavy = fresh_python(PROBE, str(folder)).out.splitlines()[-1].split()[1:]
    assert not heavy
    assert float(used) < 6  # importing Keras takes 50 of these


def test_ages_are_shown_in_one_unit():
    from rnnkit.cli.runs import age

    assert [age(s) for s in (0, 59, 60, 7199, 86400 * 3)] == ["0 s", "59 s", "1 min", "1 h", "3 d"]
