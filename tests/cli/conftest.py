from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from rnnkit.cli import app


class Answer:
    """What a command said, its boxes and line breaks taken away, and its exit code."""

    def __init__(self, result):
        self.code = result.exit_code
        self.lines = result.stdout.splitlines()
        self.text = " ".join(re.sub(r"[│┃╭╮╰╯─━┏┓┡┩└┘┳╇┴]", " ", result.output).split())
        self.error = result.stderr
        self.exception = result.exception


@pytest.fixture
def rnnkit(monkeypatch):
    """Run a command as a terminal 400 characters wide would, and say what it answered."""
    monkeypatch.setenv("COLUMNS", "400")

    def run(*args, **options):
        return Answer(CliRunner().invoke(app, [str(arg) for arg in args], **options))

    return run


@pytest.fixture
def terminal(monkeypatch):
    """Commands print as into a terminal of 80 columns without colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """A small table of short texts: one bucket length, so one compilation."""
    path = tmp_path_factory.mktemp("data") / "films.csv"
    rows = [f"a good film {i % 3},pos\na bad film {i % 3},neg" for i in range(60)]
    path.write_text("review,mood\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def opened_once(monkeypatch):
    """Commands read each saved model from its file once in a session."""
    from written_answers import load

    from rnnkit import study

    monkeypatch.setattr(study, "open_model", load)


@pytest.fixture
def nan_loss(monkeypatch):
    """Every model that is compiled from here on has a loss that is no number, on any backend."""
    import keras

    from rnnkit.tasks import TextClassifier

    def compile_with_nan(self, *args, optimizer=None, **options):
        def loss(labels, outputs):
            return keras.ops.mean(outputs) * float("nan")

        keras.Model.compile(self, optimizer=optimizer, loss=loss)

    monkeypatch.setattr(TextClassifier, "compile", compile_with_nan)
