"""Commands import the framework that they run on, and no other; its log lines stay away."""

from __future__ import annotations

import os
import re
import sys

import pytest

import rnnkit.backend
from rnnkit.backend.tensorflow_logs import NO_NEWS, without_lines
from rnnkit.backend.without_tensorflow import ImportedTensorFlow

ALL = ("tensorflow", "jax", "torch")
COMMANDS = """
import json, os, sys, traceback
met = []
class Trap:
    def find_spec(self, name, path=None, target=None):
        asked = sys._getframe(2).f_code.co_name == "find_spec"  # whether it is installed
        if name in json.loads(sys.argv[1]) and not asked:
            met.append([name, *traceback.format_stack()[-8:]])
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Trap())
os.chdir(json.loads(sys.argv[2]))
from rnnkit.cli import app
small = "--epochs 1 --limit 20 --units 2 --layers 1 --embedding-size 2 --max-length 8"
for line in (
    f"train gru_sentiment {small} --embedding random --out run --quiet",
    "evaluate run --limit 20",
    "predict run Fine.",
):
    try:
        app(line.split())
    except SystemExit as end:
        assert not end.code, (line, end.code)
print(json.dumps([met, any("events" in name for _, _, names in os.walk("run") for name in names)]))
"""


@pytest.mark.deep("tensorflow", "jax")
def test_training_saving_and_loading_import_no_other_framework(fresh_python, tmp_path):
    others = [name for name in ALL if name != rnnkit.backend.name]
    options = {"TF_CPP_MIN_LOG_LEVEL": None, "KERAS_BACKEND": rnnkit.backend.name}
    done = fresh_python(COMMANDS, others, str(tmp_path), **options)
    met, events = done.value
    assert not met, "".join(met[0])
    assert events  # TensorBoard's
    lines = done.err.splitlines()
    assert not [line for line in lines if re.match(r"[IWE]\d{4} |WARNING: All log", line)]


def _import_that_breaks():
    with without_lines(NO_NEWS):
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called ...\n")
        os.write(2, b"I0000 00:00:1 1 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 00:00:1 1 cuda.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n")
        os.write(2, b"E0000 00:00:1 1 cuda.cc:52] failed call to cuInit: NO DEVICE (100)\n")
        os.write(2, b"W0000 00:00:1 1 gpu.cc:9] Cannot dlopen some GPU libraries.\nplain")
        raise ImportError("broken")


@pytest.mark.one_backend
def test_lines_that_are_no_news_are_left_out_and_the_others_are_written(capfd):
    with pytest.raises(ImportError, match="broken"):
        _import_that_breaks()
    assert capfd.readouterr().err.splitlines() == [
        "E0000 00:00:1 1 cuda.cc:52] failed call to cuInit: NO DEVICE (100)",
        "W0000 00:00:1 1 gpu.cc:9] Cannot dlopen some GPU libraries.",
        "plain",
    ]


class Lazy:
    """As Keras's: it imports to say whether it can."""

    asked = 0
    TensorShape = tuple

    @property
    def available(self):
        self.asked += 1
        return True


@pytest.mark.one_backend
def test_keras_asks_tensorflow_where_somebody_has_imported_it(monkeypatch):
    lazy = Lazy()
    stand_in = ImportedTensorFlow(lazy)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    assert not stand_in.available
    assert not lazy.asked
    monkeypatch.setitem(sys.modules, "tensorflow", lazy)
    assert stand_in.available
    assert stand_in.TensorShape is tuple
