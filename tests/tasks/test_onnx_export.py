"""`write_onnx` of each kind of task: the files, and the runner in a process without rnnkit."""

import json
import subprocess
import sys

import numpy as np
import pytest
from small_tasks import SMALL, examples, make

from rnnkit import backend, recipes
from rnnkit.data.series import Series
from rnnkit.errors import DiskError, InputError
from rnnkit.onnx_graph import library
from rnnkit.tasks import Seq2Seq, load
from rnnkit.tasks.onnx import checking, write_onnx, writing

# rnnkit, Keras and the frameworks cannot be imported there, wherever they are installed.
ALONE = """
import runpy, sys
for name in ("rnnkit", "keras", "torch", "tensorflow", "jax", "onnx"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
MODELS = {
    "bilstm": ("bilstm_sentiment", {"layers": 2, "pooling": "mean+max"}),
    "ngrams": ("gru_sentiment", {"ngram_order": 3, "ngram_min_count": 1, "max_length": 5}),
    "bag": ("bag_of_words_sentiment", {}),
    "tagger": ("name_tagger", {}),
    "forecaster": ("forecaster", {}),
    "series": ("sequence_classifier", {}),
    "frames": ("frame_labeller", {"features": "values,slope"}),
    "outputs": ("forecaster", {"quantiles": (0.1, 0.5, 0.9), "horizon": (1, 3)}),
}
# Each way of preprocessing on PyTorch; on the others a network of two directions.
HERE = MODELS if backend.name == "torch" else ("bilstm",)


def trained(name):
    recipe, settings = MODELS[name]
    small = recipe if recipe in SMALL else "gru_sentiment"
    model = recipes.find(recipe)(epochs=1, **SMALL[small], **settings)
    model.fit(*examples(small), initial_epoch=1, verbose=0)  # builds the network
    random = np.random.default_rng(0)
    for one in model.network.trainable_weights:  # so that all of them matter
        one.assign_add(random.normal(0, 0.3, one.shape))
    return model


@pytest.fixture(scope="module")
def classifier():
    return trained("bilstm")


def run(folder, *arguments, text=""):
    """What the runner of a folder prints."""
    found = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", ALONE, str(folder / "runner.py"), *arguments],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("name", HERE)
def test_the_runner_answers_like_the_model_without_rnnkit(name, tmp_path):
    model = trained(name)
    model.save(tmp_path / "model.keras")
    write_onnx(load(tmp_path / "model.keras"), tmp_path / "served" / "model.onnx")
    names = sorted(path.name for path in (tmp_path / "served").iterdir())
    assert names == ["model.onnx", "preprocessing.json", "runner.py"]
    assert len((tmp_path / "served" / "runner.py").read_text().splitlines()) <= 150
    if name in ("forecaster", "outputs"):
        return _check_forecasts(model, tmp_path)
    if name in ("series", "frames"):
        return _check_series(model, tmp_path, examples(MODELS[name][0])[0][:2])
    texts = ["I DON'T like it, <b>pls</b> don’t ask Dr. O'Neill!", "zqxjkv", "Fine: it's a film."]
    found = run(tmp_path / "served", text="\n".join(texts) + "\n")
    assert found == run(tmp_path / "served", *texts)
    wanted = model.answer(texts)
    if name == "tagger":
        rows = [line.split("\t")[1] for line in found.splitlines() if line]
        assert rows == [tag for row in model.predict(texts) for tag in row]
        return None
    for line, row in zip(found.splitlines(), wanted.rows, strict=True):
        label, probability, text = line.split("\t")
        assert (label, text) == (row[0], " ".join(row[2].split()))
        assert abs(float(probability) - float(row[1])) <= 1e-4
    return None


def _check_forecasts(model, folder):
    part = getattr(model.encoder, "parts", [model.encoder])[0]
    values = np.random.default_rng(3).normal(30, 5, (model.context + 5, len(part.columns)))
    times = np.datetime64("2024-02-28T23:00", "m") + part.step * np.arange(len(values))
    names = model.column_names or [f"column_{i}" for i in range(values.shape[1])]
    lines = [",".join(["time", *names])]
    lines += [
        f"{t},{','.join(map(repr, row.tolist()))}" for t, row in zip(times, values, strict=True)
    ]
    (folder / "series.csv").write_text("\n".join(lines))
    found = run(folder / "served", str(folder / "series.csv")).splitlines()
    wanted = model.predict(Series(values, times, columns=tuple(model.column_names)), verbose=0)
    rows = [[float(number) for number in line.split("\t")] for line in found]
    np.testing.assert_allclose(rows, wanted.reshape(len(wanted), -1), rtol=1e-4)


def _check_series(model, folder, series):
    files = [folder / f"{i}.csv" for i in range(len(series))]
    for one, file in zip(series, files, strict=True):
        values = np.asarray(getattr(one, "values", one), "float64")
        names = model.column_names or [f"column {i}" for i in range(values.shape[1])]
        rows = [names, *(map(repr, row) for row in values.tolist())]
        file.write_text("\n".join(map(",".join, rows)))
    found = run(folder / "served", *map(str, files))
    labels = model.predict_labels(series)
    if isinstance(labels[0], list):
        assert found == "".join("\n".join([*row, "", ""]) for row in labels)
    else:
        assert [line.split("\t")[0] for line in found.splitlines()] == labels


@pytest.mark.one_backend
def test_a_model_that_answers_otherwise_is_not_written(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(checking, "TOLERANCE", -1.0)
    with pytest.raises(
        InputError, match=r"'probabilities' .* is not that of the model.*saved-model"
    ):
        write_onnx(classifier, tmp_path / "served" / "model.onnx")
    assert not (tmp_path / "served").exists()


@pytest.mark.one_backend
def test_a_runner_that_answers_otherwise_is_not_written(classifier, tmp_path, monkeypatch):
    describe = writing.describe_classifier

    def wrong(task):
        found = describe(task)
        settings = {**found.preprocessing["pipeline"], "lowercase": False}
        return found._replace(preprocessing={**found.preprocessing, "pipeline": settings})

    monkeypatch.setitem(writing.KINDS, writing.TextClassifier, wrong)
    with pytest.raises(InputError, match=r"runner.py .* is not that of the model"):
        write_onnx(classifier, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.one_backend
def test_what_lies_in_the_folder_is_not_replaced_by_another_model(classifier, tmp_path):
    write_onnx(classifier, tmp_path / "one.onnx")
    write_onnx(classifier, tmp_path / "one.onnx")  # again: its own files
    with pytest.raises(InputError, match=r"belongs to 'one.onnx', not to 'two.onnx'"):
        write_onnx(classifier, tmp_path / "two.onnx")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "runner.py").write_text("print()")
    with pytest.raises(InputError, match="choose another folder"):
        write_onnx(classifier, tmp_path / "other" / "model.onnx")
    assert (tmp_path / "other" / "runner.py").read_text() == "print()"


@pytest.mark.one_backend
def test_what_cannot_be_exported_is_refused(classifier, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"ends in '\.onnx'"):
        write_onnx(classifier, tmp_path / "model")
    with pytest.raises(InputError, match=r"Seq2Seq .*'saved-model'"):
        write_onnx(Seq2Seq(), tmp_path / "model.onnx")
    with pytest.raises(InputError, match="fit"):
        write_onnx(make("gru_sentiment"), tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r'onnxruntime.*pip install "rnnkit\[onnx\]"'):
        write_onnx(classifier, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.one_backend
def test_a_disk_that_is_full_leaves_nothing(classifier, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.shutil, "copyfile", full)
    with pytest.raises(DiskError, match="the exported model"):
        write_onnx(classifier, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.one_backend
def test_the_file_is_one_of_onnx_with_named_axes(classifier, tmp_path):
    write_onnx(classifier, tmp_path / "model.onnx")
    model = library("onnx").load(tmp_path / "model.onnx")
    axes = [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert axes == ["batch", "time"]
    assert (model.opset_import[0].version, model.ir_version) == (18, 8)
    settings = json.loads((tmp_path / "preprocessing.json").read_text(encoding="utf-8"))
    assert settings["classes"] == list(classifier.classes)
