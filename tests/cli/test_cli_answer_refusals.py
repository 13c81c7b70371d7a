"""What `rnnkit predict --out` and `--json` refuse: nothing is written, and the message says why."""

from __future__ import annotations

import json

import numpy as np
import pytest
from written_answers import SAVED

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.usefixtures("opened_once"),
    pytest.mark.filterwarnings(
        "ignore:class in a saved file .* is now called:DeprecationWarning",
    ),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("text,prediction\nfine,1\n")
    (tmp_path / "plain.csv").write_text("review,stars\nfine,1\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "heading.csv").write_text("text,label\n")
    (tmp_path / "none.jsonl").write_text('{"text": "fine"}\n{"text": null}\n')
    (tmp_path / "run").mkdir()
    (tmp_path / "notes.txt").write_text("no model\n")
    (tmp_path / "done" / "train").mkdir(parents=True)
    for name in ("settings.json", "environment.json", "metrics.csv", "train/words.tsv"):
        (tmp_path / "done" / name).write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


MODEL, SOUND = str(SAVED / "bilstm.keras"), str(SAVED / "sound.keras")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([MODEL, "plain.csv", "--text-column", "reviw", "--json"], "Did you mean 'review'?"),
        ([MODEL, "plain.csv", "--out", "a.csv"], "has no column 'text': it has 'review', 'stars'"),
        ([MODEL, "reviews.csv", "--out", "a.csv"], "column 'prediction', and so have the answers"),
        ([MODEL, "reviews.csv", "--json"], "a column 'prediction', and so have the answers"),
        ([MODEL, "x", "--out", "a.xls"], "--out is 'a.xls'; expected a name that ends in .csv,"),
        ([MODEL, "x", "--out", "a.jsnl"], "Did you mean '.jsonl'?"),
        ([MODEL, "plain.csv", "--out", "plain.csv"], "--out is 'plain.csv', which is the input"),
        ([MODEL, "--data", "plain.csv", "--out", "./run/../plain.csv"], "which is the input"),
        ([MODEL, "--file", "plain.csv", "--out", "plain.csv"], "which is the input"),
        ([MODEL, "--data", ".", "--out", "plain.csv"], "which is the input"),
        ([MODEL, "x", "--out", "done/metrics.csv"], "metrics.csv', which belongs to a run"),
        ([MODEL, "x", "--out", "done/train/words.tsv"], "words.tsv', which belongs to a run"),
        ([MODEL, "x", "--out", "run.csv/"], "--out is 'run.csv', which is a folder"),
        ([MODEL, "empty.csv", "--out", "a.csv"], "No text to predict"),
        ([MODEL, "heading.csv", "--out", "a.csv"], "No text to predict"),
        ([MODEL, "none.jsonl", "--out", "a.csv"], "none.jsonl, line 2: text"),
        ([MODEL, "revews.csv", "--out", "a.csv"], "Did you mean 'reviews.csv'?"),
        ([MODEL, "x", "--out", "a.csv", "--json"], "--json prints the answers: leave one"),
        ([MODEL, "x", "--prefix", "p_"], "--prefix is 'p_', and is for answers as a table"),
        ([MODEL, "x", "--json", "--stdin", "csv"], "no argument is -: add it"),
        ([MODEL, "-", "--json", "--stdin", "xml"], "--stdin is 'xml'; expected one of"),
        (["notes.txt", "x", "--out", "a.csv"], "notes.txt is no rnnkit model"),
        (["run", "x", "--json"], "run"),
        ([str(SAVED / "next_word.keras"), "x", "--out", "a.csv"], "rnnkit generate RUN"),
        ([str(SAVED / "cbow.keras"), "x", "--json"], "rnnkit neighbours RUN WORD"),
        ([SOUND, "plain.csv", "--text-column", "stars", "--json"], "reads series"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_writes_nothing(folder, rnnkit, monkeypatch, args, message):
    if not args[0].endswith(".keras"):
        monkeypatch.undo()
        monkeypatch.chdir(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if args[-1] == "run.csv/":
        (folder / "run.csv").mkdir()
        args = [*args[:-1], "run.csv"]
    answer = rnnkit("predict", *args, input="")
    assert answer.code == 2, answer.text
    assert message in answer.error, answer.error
    assert answer.lines == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_rows_before_a_bad_one_are_answered_in_a_stream(rnnkit):
    given = '{"text": "fine", "id": 1}\n{"text": 7}\n'
    args = ["predict", MODEL, "-", "--json", "--stdin", "jsonl"]
    answer = rnnkit(*args, input=given)
    assert answer.code == 2
    assert [json.loads(line)["id"] for line in answer.lines] == [1]
    assert "stdin, line 2: text" in answer.error


def test_an_older_file_stays_where_a_row_is_bad(folder, rnnkit):
    (folder / "a.csv").write_text("before")
    assert rnnkit("predict", MODEL, "none.jsonl", "--out", "a.csv").code == 2
    assert (folder / "a.csv").read_text() == "before"


def test_equal_probabilities_have_the_label_of_predict_labels():
    from rnnkit.tasks.answers import answer_classes, best_classes

    outputs = np.array([[0.5], [0.6], [0.4]])
    assert best_classes(outputs).tolist() == [0, 1, 0]

    class Model:
        classes = ("neg", "pos")

    lines = answer_classes(Model(), ["x"] * 3, outputs=outputs, notes=()).plain
    assert [line.split("\t")[0] for line in lines] == ["neg", "pos", "neg"]
