"""`rnnkit.load` opens whatever rnnkit wrote, and says what it cannot open."""

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import rnnkit
from rnnkit import datasets, layers, recipes, study
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.embeddings import load_vectors, save_vectors
from rnnkit.embeddings.model import Word2Vec
from rnnkit.errors import InputError
from rnnkit.recurrent.hopfield import HopfieldNetwork
from rnnkit.tasks import Task

SAVED = Path(__file__).parents[1] / "saved"
pytestmark = pytest.mark.filterwarnings(
    "ignore:class in a saved file .* is now called:DeprecationWarning"
)


@pytest.mark.parametrize("path", sorted(SAVED.glob("*.keras")), ids=lambda path: path.stem)
def test_saved_files_of_every_task(path):
    model = rnnkit.load(path)
    if path.stem == "layers":  # a plain model
        assert isinstance(model, keras.Model)
        assert not isinstance(model, Task | Word2Vec)
    else:
        assert isinstance(model, Task | Word2Vec)


def test_a_run_folder():
    model = rnnkit.load(SAVED / "run")
    assert type(model) is type(study.open_run(SAVED / "run").model)


def test_what_else_has_a_file(tmp_path):
    words = Vocabulary({"good": 3, "bad": 2})
    (tmp_path / "words.json").write_text(words.to_json(), encoding="utf-8")
    assert rnnkit.load(tmp_path / "words.json").tokens == words.tokens
    network = HopfieldNetwork(4)
    network.save(tmp_path / "net.npz")
    np.testing.assert_array_equal(rnnkit.load(tmp_path / "net.npz").weights, network.weights)
    (tmp_path / "two.txt").write_text("2 3\nthe 0.1 0.2 0.3\nof 1 2 3\n")
    vectors = load_vectors(tmp_path / "two.txt")
    for name in ("two.txt", "two.bin", "two.kv", "two.vec.gz"):
        if name != "two.txt":
            save_vectors(vectors, tmp_path / name)
        np.testing.assert_allclose(rnnkit.load(str(tmp_path / name))["of"], [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.keras", b"no zip"),
        ("a.keras", b""),
        ("a.npz", b"no zip"),
        ("a.npz", b""),
        ("a.json", b'{"tokens": 3}'),
        ("a.json", b"\xff\xfe"),
        ("a.pkl", b"\x80\x04N."),
        ("a.csv", b"text,label\ngood,1\n"),
        ("a.txt", b"What a fine film.\nA dull film, though.\n"),
        ("a", b""),
    ],
)
def test_a_file_of_somebody_else_is_refused_by_its_name(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        rnnkit.load(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_a_damaged_model_is_refused_by_its_name(tmp_path):
    path = tmp_path / "cut.keras"
    with zipfile.ZipFile(SAVED / "bilstm.keras") as whole, zipfile.ZipFile(path, "w") as cut:
        for name in whole.namelist():
            content = whole.read(name)
            cut.writestr(name, content[:-300] if name == "model.weights.h5" else content)
    with pytest.raises(InputError, match=r"cut\.keras should hold a 'TextClassifier' and cannot"):
        rnnkit.load(path)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match=r"is not the folder of a run"):
        rnnkit.load(tmp_path)
    with pytest.raises(InputError, match=r"There is no file or folder .*models\.keras"):
        rnnkit.load(tmp_path / "models.keras")
    for name in ("gru-1", "lstm-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.json").write_text("{}")
    with pytest.raises(InputError, match=r"several runs: gru-1, lstm-1\. .* such as .*gru-1"):
        rnnkit.load(tmp_path)
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "saved_model.pb").touch()
    with pytest.raises(InputError, match=r"tf\.saved_model\.load"):
        rnnkit.load(tmp_path / "served")


LOADS = """
import json, sys
import rnnkit.{face}
import keras
import numpy as np
shapes = []
for path in json.loads(sys.argv[1]):
    model = keras.saving.load_model(path)
    shapes.append(type(model).__name__)
print(json.dumps(shapes))
"""


@pytest.mark.deep
def test_keras_opens_every_task_after_an_import_of_tasks_alone(tmp_path, fresh_python):
    paths, names = [], []
    for kind in ("bag_of_words_sentiment", "gru_sentiment", "frame_labeller", "name_tagger"):
        sample = datasets.load(recipes.sample_for(kind), limit=24)
        model = recipes.find(kind)(epochs=1)
        model.fit(sample.train.x, sample.train.y, initial_epoch=1, verbose=0)
        paths.append(str(tmp_path / f"{kind}.keras"))
        model.save(paths[-1])
        names.append(type(model).__name__)
    paths += [str(path) for path in sorted(SAVED.glob("*.keras")) if path.stem != "layers"]
    found = fresh_python(LOADS.format(face="tasks"), paths, options=("-W", "ignore")).value
    assert found[: len(names)] == names
    assert len(found) == len(paths)


def layer_models():
    """A plain Keras model around every layer of `rnnkit.layers` that stands alone."""
    cells = {"units": 3}
    makes = {
        name: getattr(layers, name)(**cells)
        for name in (
            *("CoupledLSTM", "GRU", "LSTM", "JordanRNN", "LayerNormLSTM", "MinGRU", "MinLSTM"),
            *("PeepholeLSTM", "RGLRU", "SimpleRNN"),
        )
    }
    makes["ProjectedLSTM"] = layers.ProjectedLSTM(3, projection=2)
    makes["Bidirectional"] = layers.Bidirectional(layers.GRU(3))
    makes["WindowFeatures"] = layers.WindowFeatures()
    makes["MaskedPooling"] = layers.MaskedPooling()
    for name, layer in makes.items():
        inputs = keras.Input((None, 4))
        yield name, keras.Model(inputs, layer(inputs))


@pytest.mark.deep
def test_keras_opens_plain_models_after_an_import_of_layers_alone(tmp_path, fresh_python):
    paths = []
    for name, model in layer_models():
        paths.append(str(tmp_path / f"{name}.keras"))
        model.save(paths[-1])
    found = fresh_python(LOADS.format(face="layers"), paths).value
    assert found == ["Functional"] * len(paths)
    assert isinstance(rnnkit.load(paths[0]), keras.Model)
