"""File names of any bytes, and output into pipes of every encoding."""

from __future__ import annotations

import io
import os
import sys

import pytest

from rnnkit.cli import show
from rnnkit.cli.answers import gather_texts
from rnnkit.cli.errors import show_error, write_any_text
from rnnkit.errors import InputError
from rnnkit.study import open_run, training
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import write_json

pytestmark = pytest.mark.one_backend
NAME = os.fsdecode(b"caf\xe9")  # no UTF-8: half a character to Python
ROWS = [("pos", "映画 is fine"), ("neg", "café \ud800"), ("pos", NAME)]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8", "utf-16"])
def test_every_answer_is_written_whatever_the_encoding(monkeypatch, encoding):
    pipes = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", pipes[0])
    monkeypatch.setattr(sys, "stderr", pipes[1])
    write_any_text()
    show.answers(("label", "text"), ROWS)
    show_error(f"There is no file {NAME}, 映画.")
    for pipe in pipes:
        pipe.flush()
    lines = pipes[0].buffer.getvalue().decode(encoding).splitlines()
    assert [line.partition("\t")[0] for line in lines] == ["pos", "neg", "pos"]
    if encoding in ("utf-8", "utf-16"):
        assert lines[0] == "pos\t映画 is fine"
    assert "There is no file" in pipes[1].buffer.getvalue().decode(encoding)


def test_lines_of_any_encoding_are_texts(tmp_path):
    path = tmp_path / "texts.txt"
    for encoding in ("utf-8-sig", "utf-8", "utf-16", "cp1252"):
        path.write_bytes("café\r\n\nfine\n".encode(encoding))
        if not encoding.startswith("utf-8"):
            with pytest.raises(InputError, match=r"texts.txt, line 1: byte .* \(--encoding "):
                gather_texts([], str(path))
        assert gather_texts([], str(path), None, encoding) == ["café", "", "fine"]


def test_no_folder_is_left_half_made(monkeypatch, tmp_path):
    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(training, "write_json", full)
    with pytest.raises(OSError, match="disk full"):
        training.train("gru_sentiment", "sample", out=tmp_path / "run", limit=20)
    assert not (tmp_path / "run").exists()


def test_a_record_keeps_a_name_of_any_bytes(tmp_path):
    for name in (NAME, "映画", "a\\udce9"):
        write_json(tmp_path / "x.json", {"name": name})
        assert read_json(tmp_path / "x.json") == {"name": name}


def test_a_run_of_a_file_with_a_name_of_any_bytes(rnnkit, tmp_path):
    data = tmp_path / f"{NAME}.csv"
    try:
        data.write_text("\ufefftext,label\n" + "good,pos\nbad,neg\n" * 10, encoding="utf-8")
    except OSError:
        pytest.skip("the file system takes names of characters alone")
    out = tmp_path / f"run {NAME}"
    sizes = ("--units", 2, "--embedding-size", 2, "--epochs", 1)
    assert rnnkit("train", "gru_sentiment", "--data", data, *sizes, "--out", out).code == 0
    assert open_run(out).settings["data"]["name"] == str(data)
    assert rnnkit("evaluate", out).code == 0
    assert len(rnnkit("predict", out, "good").lines) == 1
