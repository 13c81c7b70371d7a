"""The backend is chosen before Keras loads: KERAS_BACKEND, keras.json, what is installed."""

import importlib.util
import json
import os
import sys
import types

import pytest
from deep import mostly_deep

from rnnkit.backend import select as room

select_module = sys.modules["rnnkit.backend.select"]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine without Keras in memory; returns a function that says what is installed."""
    for name in ("keras", "keras.src.backend.config"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "")  # so that what select sets is undone
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in select_module.FRAMEWORKS:
        monkeypatch.delitem(sys.modules, name, raising=False)

    def install(*names, keras_json=None):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: object() if name in names else None
        )
        if keras_json is not None:
            (tmp_path / "keras.json").write_text(keras_json, encoding="utf-8")

    return install


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("tensorflow", "jax", "torch"), "tensorflow"),
        (("jax", "torch"), "jax"),
        (("torch",), "torch"),
    ],
)
def test_unset_takes_the_first_that_is_installed_and_says_so(machine, capsys, names, chosen):
    machine(*names)
    assert room() == chosen
    assert os.environ["KERAS_BACKEND"] == chosen
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert chosen in printed.err
    assert "KERAS_BACKEND" in printed.err


def test_an_empty_name_counts_as_unset(machine, monkeypatch, capsys):
    machine("torch")
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert room() == "torch"
    assert os.environ["KERAS_BACKEND"] == "torch"
    assert "torch" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_the_variable_decides_and_nothing_is_printed(machine, monkeypatch, capsys, name):
    machine("tensorflow", "jax", "torch", keras_json='{"backend": "jax"}')
    monkeypatch.setenv("KERAS_BACKEND", name)
    assert room() == name
    assert select_module.selected() == (name, "KERAS_BACKEND")
    assert capsys.readouterr().err == ""


def test_keras_json_comes_before_the_first_installed(machine):
    machine("tensorflow", "jax", "torch", keras_json=json.dumps({"backend": "torch"}))
    assert select_module.selected() == ("torch", "keras.json")


@pytest.mark.parametrize("text", ['{"backend": "tensorflow"}', "{", "{}"])
def test_a_keras_json_that_is_of_no_use_is_passed_over(machine, text):
    machine("jax", keras_json=text)
    assert select_module.selected()[0] == "jax"


def test_a_keras_that_is_there_already_decides(machine, monkeypatch, capsys):
    machine("tensorflow")
    keras = types.SimpleNamespace(config=types.SimpleNamespace(backend=lambda: "torch"))
    monkeypatch.setitem(sys.modules, "keras", keras)
    assert room() == "torch"
    assert "KERAS_BACKEND" not in os.environ
    assert capsys.readouterr().err == ""


def test_nothing_installed(machine):
    machine()
    with pytest.raises(select_module.BackendError, match=r"pip install .rnnkit\[jax\]") as caught:
        room()
    assert isinstance(caught.value, ImportError)
    assert "KERAS_BACKEND" not in os.environ


def test_the_named_one_is_absent(machine, monkeypatch):
    machine("jax")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(select_module.BackendError, match=r"'torch'.*not installed.*jax.*\[torch\]"):
        room()


@pytest.mark.parametrize("name", ["openvino", "numpy", "TensorFlow"])
def test_the_named_one_is_unknown(machine, monkeypatch, name):
    machine("jax")
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(select_module.BackendError, match=f"'{name}'.*tensorflow, jax, torch"):
        room()


def test_a_blocked_or_unversioned_framework(machine, monkeypatch):
    machine("tensorflow", "jax", "torch")
    monkeypatch.setitem(sys.modules, "tensorflow", None)

    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert select_module.installed() == {"jax": "unknown version", "torch": "unknown version"}


def test_without_a_backend_the_import_of_the_layers_says_what_to_install(fresh_python):
    code = """
import sys
for name in ("tensorflow", "jax", "torch"):
    sys.modules[name] = None
import rnnkit
try:
    import rnnkit.layers
except ImportError as error:
    print(error)
"""
    done = fresh_python(code, KERAS_BACKEND=None)
    assert 'pip install "rnnkit[jax]"' in done.out, done.err


WITHOUT_TENSORFLOW = """
import sys


class Hidden:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, *rest):
        if name.partition(".")[0] != "tensorflow":
            return self.finder.find_spec(name, *rest)


sys.meta_path[:] = map(Hidden, sys.meta_path)
"""


def test_keras_that_chose_what_is_absent_says_what_to_set(machine, monkeypatch):
    """It takes TensorFlow where nothing is set; after its failed import the choice may stay."""
    machine("jax", "torch")
    config = types.SimpleNamespace(backend=lambda: "tensorflow")
    monkeypatch.setitem(sys.modules, "keras.src.backend.config", config)
    with pytest.raises(
        select_module.BackendError, match=r"chose 'tensorflow'.* Set KERAS_BACKEND=jax "
    ):
        select_module.selected()
    config.backend = lambda: "jax"
    assert select_module.selected()[0] == "jax"


@pytest.mark.one_backend
@pytest.mark.parametrize("first", mostly_deep(["import keras", "import rnnkit"], "import rnnkit"))
def test_without_tensorflow_and_a_variable_an_installed_backend_runs(first, fresh_python, tmp_path):
    code = f"""{WITHOUT_TENSORFLOW}
try:
    {first}
except ImportError as error:
    print(error)
import rnnkit.layers
import keras
print(keras.config.backend(), rnnkit.layers.GRU(2)(keras.ops.ones((1, 2, 3))).shape)
"""
    done = fresh_python(code, KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    assert done.out.splitlines()[-1].split()[0] in ("jax", "torch")
    assert "KERAS_BACKEND chooses another" in done.err
