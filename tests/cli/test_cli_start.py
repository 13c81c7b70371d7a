"""What comes before a command needs anything heavy: help, list, info, doctor without a backend."""

from __future__ import annotations

import pytest

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")
HEAVY = (*FRAMEWORKS, "numpy", "sklearn", "matplotlib", "tensorboard", "gensim")

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
def test_nothing_heavy_is_imported(args, fresh_python):
    result = fresh_python(PROBE.format(args=args, heavy=HEAVY), COLUMNS="200")
    assert result.out.splitlines()[-1].split() == ["LOADED"]
    assert result.err == ""


@pytest.fixture
def bare(fresh_python):
    """Run a command where no backend is installed."""

    def run(*args):
        code = BARE.format(args=list(args))
        return fresh_python(code, check=False, COLUMNS="200", KERAS_BACKEND=None)

    return run


def test_doctor_answers_where_no_backend_is_installed(bare):
    result = bare("doctor")
    assert result.code == 1
    assert "none works" in result.out
    assert "pip install" in result.out
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", [["train", "lstm_sentiment"], ["compare", "lstm_sentiment"]])
def test_training_without_a_backend_is_refused_and_says_how_to_install_one(command, tmp_path, bare):
    out = tmp_path / "run"
    result = bare(*command, "--out", str(out))
    assert result.code == 2
    assert "pip install" in result.err
    assert "Traceback" not in result.err
    assert not out.exists()
