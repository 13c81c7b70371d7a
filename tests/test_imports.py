"""Who may import whom: read from the source, and tried in fresh processes."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
from deep import mostly_deep

import rnnkit

ROOT = Path(rnnkit.__file__).parent
FRAMEWORKS = {"tensorflow", "jax", "jaxlib", "torch"}
# Other processes are asked, and files are read: the same whatever runs here.
pytestmark = pytest.mark.one_backend

# A room may import the rooms of lower floors and itself; rooms of one floor leave each other alone.
FLOORS = {
    "deprecation": -3,
    "deferred": -3,
    "old_modules": -2,
    "options": -2,
    "untrusted": -2,
    "processes": -2,
    "settings": -1,
    "disk": -2,
    "atomic": -1,
    "html_page": -1,
    "locks": -1,
    "config": -1,
    "progress": -1,
    "plugins": -1,
    "saved_files": -1,
    "onnx_graph": -1,
    "backend": 0,
    "data": 0,
    "training": 0.5,  # of tasks and of word vectors
    "recurrent": 1,
    "hmm": 1,
    "embeddings": 1,
    "heads": 1,
    "bags": 1,
    "features": 1,
    "monitor": 1.5,  # of recurrent layers, too
    "explain": 1.7,  # with figures of monitor
    "tasks": 2,
    "baselines": 3,
    "recipes": 4,
    "records": 5,
    "study": 6,
    "serving": 6.5,
    "cli": 7,
    "__main__": 8,
}
FREE = {"errors", "layers", "__init__"}  # the public face and what everybody raises


def imported(source, package):
    """Every module that a source names in an import, however deep inside a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*(base if node.level else []), *filter(None, [node.module])])
            yield module
            if module == "rnnkit":
                yield from (f"rnnkit.{alias.name}" for alias in node.names)


def room_of(module):
    parts = module.split(".")
    aliases = {"datasets": "data"}
    return aliases.get(parts[1], parts[1]) if parts[0] == "rnnkit" and len(parts) > 1 else None


def violations(source, module):
    """What is wrong with the imports of one file, a line each."""
    room, package = room_of(module) or "__init__", module.rpartition(".")[0]
    for name in imported(source, package):
        if name.split(".")[0] in FRAMEWORKS and room != "backend":
            yield f"{module} imports {name}: frameworks belong in rnnkit.backend"
        other = room_of(name)
        if other is None or room in FREE or other in FREE or other == room:
            continue
        if FLOORS[other] >= FLOORS[room]:
            yield f"{module} imports {name}, which lies above it or beside it"


def name_of(path):
    return ".".join(["rnnkit", *path.relative_to(ROOT).with_suffix("").parts])


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=name_of)
def test_imports_run_one_way(path):
    module = name_of(path)
    room = room_of(module)
    assert room in FLOORS or room in FREE, f"{room} has no floor yet: give it one in FLOORS"
    assert not list(violations(path.read_text(encoding="utf-8"), module))


def keras_comes_too_early(source):
    """Whether a file imports Keras, as it is imported itself, before anything of ours."""
    for node in ast.parse(source).body:
        names = (
            list(imported(ast.unparse(node), "rnnkit")) if "Import" in type(node).__name__ else []
        )
        if any(name.split(".")[0] == "rnnkit" and room_of(name) != "errors" for name in names):
            return False  # that file sees to it, as this very test makes sure
        if any(name.split(".")[0] == "keras" for name in names):
            return True
    return False


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=name_of)
def test_the_backend_is_picked_before_keras_loads(path):
    picker = ROOT / "backend" / "__init__.py"
    picked = path != picker and picker.parent in path.parents  # that ran before
    # So did the packages that the module lies in.
    folders = [folder for folder in path.parents if ROOT in (folder, *folder.parents)]
    packages = [folder / "__init__.py" for folder in folders]
    picked |= any(
        "import rnnkit.backend" in package.read_text(encoding="utf-8")
        for package in packages
        if package != path
    )
    if not picked:
        assert not keras_comes_too_early(path.read_text(encoding="utf-8"))


def test_the_checker_sees_a_keras_that_comes_too_early():
    assert keras_comes_too_early("import keras\nimport rnnkit.backend")
    assert keras_comes_too_early("from rnnkit.errors import InputError\nfrom keras import ops")
    assert not keras_comes_too_early("import rnnkit.backend\nimport keras")
    assert not keras_comes_too_early("def f():\n    import keras")


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import torch", "rnnkit.recurrent.cells"),
        ("def f():\n    import jax.numpy as jnp", "rnnkit.tasks.task"),
        ("from tensorflow import keras", "rnnkit.heads"),
        ("from rnnkit.tasks import load", "rnnkit.recurrent.base"),
        ("def f():\n    from rnnkit import study", "rnnkit.tasks.task"),
        ("from rnnkit.monitor.events import EventWriter", "rnnkit.recurrent.base"),
        ("import rnnkit.data.text", "rnnkit.backend.select"),
        ("from ..recipes import names", "rnnkit.tasks.task"),
    ],
)
def test_the_checker_sees_what_runs_back(source, module):
    assert list(violations(source, module))


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import torch", "rnnkit.backend.torch"),
        ("from rnnkit.backend import native", "rnnkit.tasks.task"),
        ("from rnnkit.errors import InputError", "rnnkit.data.text"),
        ("from .cells import lstm", "rnnkit.recurrent.lstm"),
        ("import keras, numpy, torchvision", "rnnkit.cli.training"),
    ],
)
def test_the_checker_lets_the_rest_through(source, module):
    assert not list(violations(source, module))


@pytest.mark.parametrize(
    "code",
    [
        "import rnnkit",
        "import rnnkit; dir(rnnkit); rnnkit.__version__",
        "import rnnkit.recipes; rnnkit.recipes.names()",
        "import rnnkit.cli",
        "from rnnkit import datasets",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code, fresh_python):
    probe = f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    loaded = fresh_python(probe, KERAS_BACKEND=None).value
    heavy = {"keras", "keras_hub", "gensim", "sklearn", "matplotlib", *FRAMEWORKS}
    assert not heavy & set(loaded)


OPTIONAL = {
    *{"numba", "pandas", "polars", "pyarrow", "datasets", "statsmodels", "keras_hub"},
    *{"onnx", "onnxruntime", "optuna", "ray", "submitit"},
    *{"fastapi", "uvicorn", "starlette", "mlflow"},  # pydantic: Typer imports it where it is
}
PLAIN_USES = {
    "import": "import rnnkit, rnnkit.recipes, rnnkit.tasks, rnnkit.layers, rnnkit.study",
    "fit": """
from rnnkit.recipes import gru_sentiment
model = gru_sentiment(units=2, embedding_size=2, min_count=1)
model.fit(["good", "bad"], ["pos", "neg"], epochs=1, verbose=0)
model.evaluate(["good", "bad"], ["pos", "neg"], verbose=0)
model.predict_labels(["good"])
""",
    "files": """
import pathlib, tempfile
from rnnkit import datasets
path = pathlib.Path(tempfile.mkdtemp(), "my.csv")
path.write_text("text,label\\n" + "good,pos\\nbad,neg\\n" * 10)
datasets.open_data(path, "texts")
""",
    "list": """
import contextlib, io
from rnnkit.cli import app
with contextlib.redirect_stdout(io.StringIO()):
    app(["list"], standalone_mode=False)
""",
}


LOADED = "\nimport json, sys\nprint(json.dumps(list(sys.modules)))"


@pytest.fixture(scope="module")
def brought(fresh_python):
    """What other libraries import by themselves: Keras imports pandas where it is installed."""
    others = "import keras, sklearn.metrics, gensim.models, matplotlib.figure"
    return set(fresh_python(others + LOADED, KERAS_BACKEND="torch").value)


@pytest.mark.parametrize("use", mostly_deep(PLAIN_USES, "import"))
def test_optional_libraries_are_not_imported_before_their_objects_are_met(
    use, brought, fresh_python
):
    loaded = set(fresh_python(PLAIN_USES[use] + LOADED, KERAS_BACKEND="torch").value)
    assert not OPTIONAL & (loaded - (brought if "keras" in loaded else set()))


def test_what_a_saved_model_may_hold_is_known_to_whoever_loads_it(fresh_python):
    saved = {
        name_of(path)
        for path in ROOT.rglob("*.py")
        if "@keras.saving.register_keras_serializable" in path.read_text(encoding="utf-8")
    }
    # The same modules on every backend; PyTorch is imported in half the time of TensorFlow.
    loaded = fresh_python("import rnnkit.tasks" + LOADED, KERAS_BACKEND="torch").value
    assert saved
    assert saved <= set(loaded)


FACES = ("layers", "tasks", "monitor", "heads", "backend", "study", "monitor.callbacks")


@pytest.mark.parametrize("face", mostly_deep(FACES, "study"))
def test_whichever_module_comes_first_picks_an_installed_backend(face, fresh_python):
    """TensorFlow is Keras's default; without it, an import of Keras alone would fail."""
    others = [name for name in ("jax", "torch") if find_spec(name)]
    if not others:
        pytest.skip("neither JAX nor PyTorch is installed")
    done = fresh_python(
        f"""
import sys
sys.modules["tensorflow"] = None
import rnnkit.{face}
from rnnkit import layers
import json, keras
print(json.dumps(keras.config.backend()))
""",
        KERAS_BACKEND=None,
    )
    assert done.value in others
    assert sum(line.startswith("rnnkit: using") for line in done.err.splitlines()) == 1
