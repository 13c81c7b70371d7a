"""Files that version 0.1.0 wrote: they open, answer what it answered, and train on.

They lie in `tests/saved`, each beside its inputs and the answers of the code that wrote it; how
they were made is kept in `tests/saved/make.py`.
"""

from __future__ import annotations

import json
import math
import shutil
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import rnnkit.layers  # noqa: F401  (registers the layers with Keras)
from rnnkit import tasks
from rnnkit.cli import app
from rnnkit.data.series import Series
from rnnkit.study import evaluate, open_run

SAVED = Path(__file__).parent / "saved"
NAMES = sorted(path.stem for path in SAVED.glob("*.keras") if path.stem != "layers")
# What they are compared with was computed on PyTorch; other backends round otherwise.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

pytestmark = pytest.mark.filterwarnings(
    "ignore:class in a saved file .* is now called:DeprecationWarning"
)


def read(name):
    """What is written beside a file, its inputs as the model takes them."""
    about = json.loads((SAVED / f"{name}.json").read_text("utf-8"))
    if about["form"] == "arrays":
        about["x"] = [np.array(row, "float32") for row in about["x"]]
    if about["form"] == "series":
        hours = np.datetime64("2024-01-01T00:00") + np.timedelta64(60, "m") * np.arange(1000)
        about["x"] = [
            Series(np.array(row, "float32"), hours[: len(row)])  # null: no measurement
            for row in about["x"]
        ]
    return about


def same(found, expected, where):
    """Compare an answer with JSON values: texts exactly, numbers closely."""
    if isinstance(expected, dict):
        assert set(found) == set(expected), where
        for key, value in expected.items():
            same(found[key], value, f"{where}[{key}]")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, (one, value) in enumerate(zip(found, expected, strict=True)):
            same(one, value, f"{where}[{i}]")
    elif isinstance(expected, float):
        np.testing.assert_allclose(found, expected, **CLOSE, err_msg=where)
    else:
        assert found == expected, where


def measured(model, about):
    """What `evaluate` returns; of word vectors, on the questions that gensim ships."""
    if about["recipe"] == "word_vectors":
        return model.evaluate(return_dict=True)
    return model.evaluate(about["x"], about["y"], return_dict=True, verbose=0)


def weights(model):
    return [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]


# Files of one backend on another: tests/tasks/test_every_task_across_backends.py.
@pytest.mark.one_backend
@pytest.mark.parametrize("name", NAMES)
def test_an_old_file_answers_and_measures_the_same(name):
    model, about = tasks.load(SAVED / f"{name}.keras"), read(name)
    assert about["answers"]
    for key, asked in about["answers"].items():
        arguments = asked["arguments"] or [about["x"]]
        answer = getattr(model, asked["method"])(*arguments, **asked["options"])
        same(answer, asked["answer"], f"{name}: {key}")
    same(measured(model, about), about["evaluate"], f"{name}: evaluate")


@pytest.mark.one_backend
@pytest.mark.parametrize("name", NAMES)
def test_an_old_file_trains_on_and_is_saved_again(name, tmp_path):
    model, about = tasks.load(SAVED / f"{name}.keras"), read(name)
    before = weights(model)
    # Several batches an epoch: the learning rate of the first may be 0, where it rises at first.
    options = {} if about["recipe"] == "word_vectors" else {"batch_size": 2}
    history = model.fit(about["x"], about["y"], **options, epochs=1, verbose=0)
    assert math.isfinite(history.history["loss"][0])
    after = weights(model)
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
    model.save(tmp_path / "again.keras")
    again = tasks.load(tmp_path / "again.keras")
    for old, new in zip(after, weights(again), strict=True):
        np.testing.assert_array_equal(old, new)
    assert again.get_config() == model.get_config()


def test_a_file_saved_again_has_the_new_names_of_classes(tmp_path):
    """Loaded once by `tasks.load`, a model is free of the old names, and of their warnings."""
    model = tasks.load(SAVED / "name_tagger.keras")
    names = {type(layer).__name__ for layer in model.network.layers}
    assert {"WordDropout", "CharEncoder"} <= names
    assert not {"KnownWords", "Spelling"} & names
    model.save(tmp_path / "again.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tasks.load(tmp_path / "again.keras")


@pytest.mark.one_backend
def test_old_layers_in_a_plain_keras_model_answer_the_same():
    about = json.loads((SAVED / "layers.json").read_text("utf-8"))
    model = keras.saving.load_model(SAVED / "layers.keras")
    inputs = [np.array(about["values"], "float32"), np.array(about["mask"])]
    found = keras.ops.convert_to_numpy(model(inputs, training=False))
    np.testing.assert_allclose(found, about["answer"], **CLOSE)


@pytest.fixture(scope="module")
def old_run(tmp_path_factory):
    """The folder of an old run, where nothing that is written reaches the repository."""
    return Path(shutil.copytree(SAVED / "run", tmp_path_factory.mktemp("runs") / "run"))


def test_an_old_run_opens_and_measures_the_same(old_run):
    about = json.loads((SAVED / "run.json").read_text("utf-8"))
    run = open_run(old_run)
    assert run.settings["recipe"] == "bag_of_words_sentiment"
    assert run.results["test"] == about["test"]
    assert [row["epoch"] for row in run.folder.epochs()] == [1, 2]
    same(run.model.predict(about["texts"], verbose=0), about["predict"], "run: predict")
    # The sample has become another since: what the old code measures on the new one.
    same(evaluate(run), about["evaluate"], "run: evaluate")


def test_the_commands_take_an_old_run(old_run):
    about = json.loads((SAVED / "run.json").read_text("utf-8"))
    answer = CliRunner().invoke(app, ["predict", str(old_run), *about["texts"]])
    assert answer.exit_code == 0, answer.output
    cells = [line.split("\t") for line in answer.stdout.splitlines()]
    assert [(cell[0], cell[2]) for cell in cells] == list(
        zip(about["labels"], about["texts"], strict=True)
    )
    answer = CliRunner().invoke(app, ["evaluate", str(old_run)], env={"COLUMNS": "400"})
    assert answer.exit_code == 0, answer.output
    for value in about["evaluate"].values():
        assert f"{value:.4f}" in answer.output


def test_every_task_has_an_old_file():
    kinds = {json.loads((SAVED / f"{name}.json").read_text("utf-8"))["recipe"] for name in NAMES}
    expected = {"bilstm_sentiment", "bag_of_words_sentiment", "name_tagger", "pos_tagger"}
    expected |= {"next_word", "text_generator", "translator", "summarizer", "sequence_classifier"}
    assert kinds >= expected | {"frame_labeller", "traffic_forecaster", "word_vectors"}
    size = sum(path.stat().st_size for path in SAVED.rglob("*") if path.is_file())
    assert size < 2 * 2**20
