"""`rnnkit explain`: on a saved run, in a pipe, in a terminal, as JSON and as a page."""

import json
import shutil
from pathlib import Path

import event_files
import numpy as np
import pytest

SAVED = Path(__file__).parents[1] / "saved"
RUN = SAVED / "run"
TEXT = "I was not so happy with the film"


def test_plain_lines_in_a_pipe(rnnkit):
    found = rnnkit("explain", RUN, TEXT)
    assert found.code == 0, found.text
    rows = [line.split("\t") for line in found.lines if not line.startswith("#")]
    assert rows[0] == ["number", "word", "attribution", "occlusion"]
    assert [row[1] for row in rows[1:]] == TEXT.lower().split()
    assert found.lines[0].startswith("# answer: ")


def test_coloured_words_in_a_terminal(rnnkit, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    found = rnnkit("explain", RUN, TEXT, "--connectivity")
    assert found.code == 0, found.text
    assert "most connected input" in found.text
    assert "answer:" in found.text


def test_json_is_what_the_model_says(rnnkit):
    from rnnkit import study

    found = rnnkit("explain", RUN, TEXT, "--json", "--target", "pos", "--no-occlusion")
    told = json.loads(found.lines[-1])
    own = study.open_model(RUN).explain(TEXT, "pos", occlusion=False)
    np.testing.assert_allclose(told["attributions"], own.attributions)
    assert (told["target"], told["occlusion"]) == ("pos", None)


def test_a_page_and_events(rnnkit, tmp_path):
    shutil.copytree(RUN, tmp_path / "run")
    page = tmp_path / "page.html"
    for _ in range(2):
        found = rnnkit("explain", tmp_path / "run", TEXT, "--out", page, "--tensorboard")
        assert found.code == 0, found.text
    assert "happy</span>" in page.read_text(encoding="utf-8")
    assert "look at it: tensorboard --logdir" in found.error
    (folder,) = (tmp_path / "run").rglob("explanations")
    assert [step for step, _ in event_files.read(folder)["explanation/words"]] == [0, 1]


def test_a_text_from_stdin(rnnkit):
    found = rnnkit("explain", RUN, "-", "--json", input=TEXT)
    assert json.loads(found.lines[-1])["words"] == TEXT.lower().split()


def test_a_series_from_a_file(rnnkit, tmp_path):
    from rnnkit import tasks

    model = tasks.load(SAVED / "series_hmm_input.keras")
    features = model.network.input_shape[0][-1]
    path = tmp_path / "walk.csv"
    rows = np.random.default_rng(0).normal(size=(9, features)).round(2)
    lines = [",".join(f"x{i}" for i in range(features)), *(",".join(map(str, r)) for r in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = rnnkit("explain", SAVED / "series_hmm_input.keras", path, "--json")
    assert found.code == 0, found.text
    assert json.loads(found.lines[-1])["words"] == [str(step) for step in range(9)]


BAD = [
    ((RUN, TEXT, "--target", "positive"), "--target is 'positive'; expected a class"),
    ((RUN, ""), "no word in the text"),
    ((RUN, TEXT, "--out", "page.txt"), "--out is 'page.txt'; expected a name that ends in '.html'"),
    ((RUN, TEXT, "--at", "2"), "--at is 2, and BagOfWords has one answer"),
    ((RUN, TEXT, "--at", "-1"), "--at"),
    ((RUN, "no/such.txt"), "looks like a file"),
    ((SAVED / "skip_gram.keras", TEXT), "SkipGram, whose answers have no explanation"),
    ((SAVED / "translator.keras", TEXT), "Seq2Seq has no explanation"),
    ((SAVED / "bilstm.keras", TEXT, "--tensorboard"), "--tensorboard was given"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_what_is_refused(rnnkit, arguments, message):
    found = rnnkit("explain", *arguments)
    assert found.code == 2
    assert message in found.error
