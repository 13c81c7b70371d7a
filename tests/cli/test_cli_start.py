"""What comes before a command needs anything heavy: help, list, info, doctor without a backend."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("keras", "tensorflow", "jax", "torch", "sklearn", "matplotlib", "tensorboard", "gensim")

PROBE = """
import sys
from rnnkit.cli import app
sys.argv = ["rnnkit", *{args!r}]
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *[name for name in {heavy!r} if name in sys.modules])
"""

# A finder that hides the frameworks, as on a machine that has none.
BARE = """
import sys
for name in ("tensorflow", "jax", "torch"):
    sys.modules[name] = None
from rnnkit.cli import app
sys.argv = ["rnnkit", *{args!r}]
app()
"""


def python(code, env=None):
    import os

    env = {**os.environ, "COLUMNS": "200", **(env or {})}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={name: value for name, value in env.items() if value is not None},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["list"],
        ["info", "lstm_sentiment"],
        ["train", "--help"],
        ["train", "lstm_sentiment", "--help"],
        ["compare", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(args):
    result = python(PROBE.format(args=args, heavy=HEAVY))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].split() == ["LOADED"]
    assert result.stderr == ""


def test_doctor_answers_where_no_backend_is_installed():
    result = python(BARE.format(args=["doctor"]), env={"KERAS_BACKEND": None})
    assert result.returncode == 1
    assert "none works" in result.stdout
    assert "pip install" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [["train", "lstm_sentiment"], ["compare", "lstm_sentiment"]])
def test_training_without_a_backend_is_refused_and_says_how_to_install_one(command, tmp_path):
    out = tmp_path / "run"
    result = python(BARE.format(args=[*command, "--out", str(out)]), env={"KERAS_BACKEND": None})
    assert result.returncode == 2
    assert "pip install" in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()
