"""`rnnkit predict RUN -` as a process in a pipe: answers before the input ends, quiet ends.

The model is a stand-in, so that no framework is imported: the process is what is tested.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_backend

CODE = """
import sys, types
class Model:
    reads_series = False
    form = types.SimpleNamespace(text_column="text")
    def answer_table(self, texts):
        from rnnkit.data.table_writing import Column
        rows = [[(len(text), len(texts))] for text in texts]
        return types.SimpleNamespace(columns=(Column("length"), Column("batch")), rows=rows)
    def answer(self, texts):
        notes = [f"up to {max(map(len, texts))} letters"]
        return ("length", "text"), [(str(len(text)), text) for text in texts], None, notes
study = types.ModuleType("rnnkit.study")
study.open_model = lambda run: Model()
sys.modules["rnnkit.study"] = study
import rnnkit
rnnkit.study = study
from rnnkit.cli import app
sys.argv = ["rnnkit", "predict", "model.keras", *sys.argv[1:]]
app()
"""


@pytest.fixture
def process():
    """Start the command; what is left of it ends with the test."""
    started = []

    def start(*args):
        pipe = subprocess.PIPE
        one = subprocess.Popen(
            [sys.executable, "-c", CODE, *args], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )
        started.append(one)
        return one

    yield start
    for one in started:
        one.kill()
        one.wait()
        for stream in (one.stdin, one.stdout, one.stderr):
            stream.close()


def test_each_answer_comes_before_the_next_text_and_a_closed_pipe_ends_quietly(process):
    one = process("-", "--json")
    for text in ("a", "two words", ""):  # of a slow producer
        one.stdin.write(text.encode() + b"\n")
        found = json.loads(one.stdout.readline())
        assert found == {"text": text, "length": len(text), "batch": 1}
    one.stdin.write(b"".join(b"%d\n" % number for number in range(1000)))  # of a fast one
    with open(one.stdout.fileno(), "rb", closefd=False) as lines:
        found = [json.loads(lines.readline()) for _ in range(1000)]
    assert [row["text"] for row in found] == [str(number) for number in range(1000)]
    assert max(row["batch"] for row in found) == 256
    one.stdout.close()  # as `head` does
    one.stdin.write(b"more\n")
    assert one.wait(60) == 1
    assert one.stderr.read() == b""


def test_plain_answers_come_as_the_texts_do_and_notes_once(process, tmp_path):
    (tmp_path / "more.txt").write_text("last\n")
    one = process("-", "--file", str(tmp_path / "more.txt"))
    for text in ("a", "two words", "", "a"):
        one.stdin.write(text.encode() + b"\r\n")
        assert one.stdout.readline() == f"{len(text)}\t{text}\n".encode()
    one.stdin.close()
    assert one.stdout.read() == b"4\tlast\n"
    assert one.wait(60) == 0
    said = one.stderr.read().decode()
    assert said.count("up to 1 letters") == 1
    assert "up to 4 letters" in said
    one = process("-")
    one.stdin.close()
    assert one.wait(60) == 2
    assert b"No text to predict" in one.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_ctrl_c_ends_a_stream_that_waits(process):
    one = process("-", "--json")
    one.stdin.write(b"a\n")
    assert one.stdout.readline()
    one.send_signal(signal.SIGINT)
    assert one.wait(60) == 130
    assert b"Traceback" not in one.stderr.read()
