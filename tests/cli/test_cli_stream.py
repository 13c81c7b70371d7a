"""`rnnkit predict RUN - --json` as a process in a pipe: answers before the input ends, quiet ends.

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
    for text in ("a", "two words", ""):
        one.stdin.write(text.encode() + b"\n")
        found = json.loads(one.stdout.readline())
        assert found == {"text": text, "length": len(text), "batch": 1}
    one.stdout.close()  # as `head` does
    one.stdin.write(b"more\n")
    assert one.wait(60) == 1
    assert one.stderr.read() == b""


def test_many_texts_are_answered_in_batches_and_the_last_without_a_line_end(process):
    one = process("-", "--json")
    out, error = one.communicate(b"word\n" * 2000 + b"end", timeout=60)
    found = [json.loads(line) for line in out.splitlines()]
    assert (one.returncode, error) == (0, b"")
    assert [row["text"] for row in found] == ["word"] * 2000 + ["end"]
    assert max(row["batch"] for row in found) == 256


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", -15)])
def test_signals_end_a_stream_that_waits(process, number, code):
    one = process("-", "--json")
    one.stdin.write(b"a\n")
    assert one.stdout.readline()
    one.send_signal(getattr(signal, number))
    assert one.wait(60) == code
    assert b"Traceback" not in one.stderr.read()
