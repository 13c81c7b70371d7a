"""`export_to`: what each format holds, what is written and compared, and what is refused.

With RNNKIT_DEEP every task goes through LiteRT and through a second Python, too.
"""

import json
import os
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from deep import mostly_deep
from small_tasks import SMALL, examples, make

import rnnkit.backend
from rnnkit.errors import InputError
from rnnkit.settings.exporting import FORMATS, check_export
from rnnkit.tasks.artifacts import exporting, formats
from rnnkit.tasks.artifacts.comparing import largest_difference
from rnnkit.tasks.artifacts.examples import made_up_examples
from rnnkit.tasks.task import Task

DEEP = "RNNKIT_DEEP" in os.environ
STEPS = ("next_word", "translator")
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "exporting.md"
on_tensorflow = pytest.mark.skipif(
    rnnkit.backend.name != "tensorflow", reason="files that TensorFlow writes"
)


def train(name):
    """A small model, built and not trained further."""
    model = make(name, epochs=1)
    model.fit(*examples(name), initial_epoch=1, verbose=0)
    return model


@pytest.fixture(scope="module")
def bag():
    return train("bag_of_words_sentiment")


@pytest.mark.every_backend
@on_tensorflow
@pytest.mark.parametrize("name", mostly_deep(SMALL, "gru_sentiment", "next_word"))
def test_a_saved_model_answers_as_predict_does(name, tmp_path):
    import tensorflow as tf

    model = train(name)
    x = examples(name)[0][:3]
    found = model.export_to(tmp_path / "served", examples=x)
    assert (found.difference <= 1e-5, found.examples) == (True, len(x))
    served = tf.saved_model.load(tmp_path / "served")
    assert set(served.signatures) == {*found.signatures, "serving_default"}
    record = json.loads(found.beside.read_text(encoding="utf-8"))
    assert record["task"] == type(model).__name__
    assert set(record["signatures"]) == set(found.signatures)
    stored = {file for file, asset in model.assets.items() if not asset.optional}
    assert stored <= set(record["learned"])
    if name == "next_word":
        continues(model, served)
    elif name == "translator":
        translates(model, served)
    elif model.predicts_classes:
        answers = []
        for i in range(3):  # each of its own length
            inputs, *_ = model.make_batches(model.encode(x[i : i + 1]), batch_size=1)[0]
            answers.append(served.serve(list(inputs) if isinstance(inputs, tuple) else inputs))
        np.testing.assert_allclose(
            np.concatenate(answers), model.predict(x, verbose=0), atol=1e-5, rtol=1e-5
        )


def continues(model, served):
    """A text read token by token has the probabilities that the model measures."""
    import tensorflow as tf

    text = "a film about a film"
    _, (tokens, *_), (losses, *_) = model.score_tokens([text])
    states, before, found = served.initial_state(tf.constant([0])), 0, []
    for token in tokens.tolist():
        log_p, *states = served.step([tf.constant([[before]]), *states])
        found.append(-float(log_p[0, token]))
        before = token
    np.testing.assert_allclose(found, losses, atol=1e-4)


def translates(model, served):
    """Greedy decoding by steps writes what the model's own greedy search does."""
    import tensorflow as tf

    from rnnkit.data.subwords import BEGIN, END

    (source,) = model.encode(["ein Hund rennt"])
    kept, word, words = served.initial_state(tf.constant(source[None])), BEGIN, []
    for _ in range(6):
        count = len(kept) - 4
        log_p, *states = served.step([tf.constant([word]), *kept])
        assert len(states) == count
        kept, word = [*states, *kept[count:]], int(np.argmax(log_p[0]))
        if word == END:
            break
        words.append(word)
    text = model.target_subwords.decode(np.array(words, "int32"))
    (wanted,) = model.predict(["ein Hund rennt"], beam_size=1, max_length=6)
    assert text == wanted


@pytest.mark.every_backend
@on_tensorflow
@pytest.mark.parametrize(
    "name", mostly_deep([one for one in SMALL if one not in STEPS], "gru_sentiment")
)
def test_a_litert_file_answers_rows_of_its_length(name, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    model, path = train(name), tmp_path / "model.tflite"
    found = model.export_to(path, "litert", length=9, examples=examples(name)[0][:2])
    assert found.difference <= 1e-5
    assert found.beside == tmp_path / "model.tflite.json"
    assert json.loads(found.beside.read_text(encoding="utf-8"))["length"] == 9
    runner = interpreter.Interpreter(model_path=str(path)).get_signature_runner("serve")
    sizes = [tuple(one["shape"][:2]) for one in runner.get_input_details().values()]
    assert set(sizes) == {(1, 9)}


@pytest.mark.skipif(rnnkit.backend.name != "torch", reason="another Python writes the file")
@pytest.mark.skipif("tensorflow" not in rnnkit.backend.installed(), reason="TensorFlow writes it")
@pytest.mark.parametrize("name", mostly_deep(SMALL, "bag_of_words_sentiment"))
def test_another_backend_exports_through_tensorflow(name, tmp_path, fresh_python):
    model = train(name)
    found = model.export_to(tmp_path / "served", "saved-model")
    assert 0 <= found.difference <= 1e-5
    assert {one.name for one in tmp_path.iterdir()} == {"served"}
    assert (found.path / "saved_model.pb").stat().st_size < found.size


@pytest.mark.one_backend
def test_the_table_of_the_guide_is_that_of_the_code():
    rows = re.findall(r"^\| ([A-Z]\w+) \| (.*) \|$", GUIDE.read_text(encoding="utf-8"), re.M)
    shown = {name: dict(zip(FORMATS, cells.split(" | "), strict=True)) for name, cells in rows}
    held = {
        name: {
            one: cell if cell in (formats.WHOLE, formats.STEPS) else "–"
            for one, cell in row.items()
        }
        for name, row in formats.HELD.items()
    }
    assert shown == held


@pytest.mark.one_backend
def test_every_class_of_tasks_has_a_row():
    def below(cls):
        return {cls, *(one for kind in cls.__subclasses__() for one in below(kind))}

    for cls in below(Task):
        if cls.__module__.startswith("rnnkit."):
            assert list(formats.held_by(cls.__new__(cls))) == list(FORMATS)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("name", "format", "length", "said"),
    [
        ("served", "onx", None, r"format is 'onx'; expected one of"),
        ("a.keras", "onnx", None, r"expected a name that ends in '\.onnx'"),
        ("a.onnx", "saved-model", None, r"that of a file\. Choose the format onnx"),
        ("taken", "saved-model", None, r"it exists, and is no SavedModel"),
        ("a.tflite", "litert", None, r"length is not given, and litert takes .* fixed number"),
        ("a.onnx", "onnx", 7, r"length is 7, and onnx takes any"),
        ("a.tflite", "litert", 0, r"length is 0"),
    ],
)
def test_names_and_lengths_that_do_not_suit_a_format(bag, name, format, length, said, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match=said):
        check_export(tmp_path / name, format, length)
    with pytest.raises(InputError, match=said):
        bag.export_to(tmp_path / name, format, length=length)
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


@pytest.mark.one_backend
@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_a_format_that_does_not_hold_a_task_names_one_that_does(format):
    class LanguageModel:
        pass

    said = r"does not hold a LanguageModel: its states are .*Use format 'saved-model'\."
    with pytest.raises(InputError, match=f"{format} {said}"):
        formats.check_held(LanguageModel(), format)


@pytest.mark.one_backend
def test_a_file_that_answers_otherwise_is_not_kept(bag, tmp_path, monkeypatch):
    def wrong(task, models, format, target, calls):
        target.write_bytes(b"new")
        return [[output + 2e-5 for output in call.outputs] for call in calls]

    monkeypatch.setattr(exporting, "write_and_run", wrong)
    (tmp_path / "a.tflite").write_bytes(b"old")
    with pytest.raises(InputError, match=r"differ by 2e-05, more than 1e-05\. Nothing was kept"):
        bag.export_to(tmp_path / "a.tflite", "litert", length=8)
    assert [one.name for one in tmp_path.iterdir()] == ["a.tflite"]
    assert (tmp_path / "a.tflite").read_bytes() == b"old"


@pytest.mark.one_backend
def test_a_process_that_fails_says_what_it_said(bag, tmp_path, monkeypatch):
    from rnnkit.errors import BackendError
    from rnnkit.tasks.artifacts import on_tensorflow as module

    class Ended:
        returncode, stderr = 1, "some lines\nNo such device"

    monkeypatch.setattr(module.subprocess, "run", lambda *a, **k: Ended)
    if "tensorflow" in rnnkit.backend.installed():
        with pytest.raises(BackendError, match=r"(?s)ended with an error.*No such device"):
            bag.export_to(tmp_path / "served")
    monkeypatch.setattr(module.backend, "installed", lambda: {"torch": "2"})
    with pytest.raises(InputError, match=r"not installed\. Install it with pip install"):
        bag.export_to(tmp_path / "served")
    assert not list(tmp_path.iterdir())


@pytest.mark.one_backend
def test_differences_between_answers():
    one = [np.array([1.0, np.nan, np.inf, 200.0])]
    assert largest_difference([one], [one]) == 0
    assert largest_difference([[np.array([201.0])]], [[np.array([200.0])]]) == 1 / 200
    for other in ([0.0, np.nan, np.inf], [1.0, 0.0, np.inf, 200.0], [1.0, np.nan, 3.0, 200.0]):
        assert largest_difference([[np.array(other)]], [one]) == float("inf")
    assert largest_difference([one, one], [one]) == float("inf")
    assert largest_difference([[]], [one]) == float("inf")
    assert largest_difference([[np.array([True])]], [[np.array([False])]]) == float("inf")


@pytest.mark.one_backend
def test_made_up_examples_are_of_different_lengths(bag):
    texts = made_up_examples(bag, 12)
    assert len({len(text.split()) for text in texts}) > 3
    assert not any(map(bool, bag.unknown_words(texts)))
    assert keras.tree.flatten(texts) == texts
