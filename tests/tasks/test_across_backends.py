"""A file that one backend wrote, on the others: the same answers, and training goes on."""

import keras
import numpy as np
import pytest
from deep import mostly_deep

from rnnkit import datasets
from rnnkit.backend import installed
from rnnkit.errors import InputError
from rnnkit.recipes import bilstm_sentiment, forecaster
from rnnkit.tasks import load
from rnnkit.tasks.training import loop
from rnnkit.tasks.training.datasets import KerasDataset

CHILD = """
import json, sys
import rnnkit.tasks
from rnnkit import datasets
path, texts, labels, traffic = map(json.loads, sys.argv[1:])
model = rnnkit.tasks.load(path)
answers = model.predict(texts, verbose=0).ravel().tolist()
steps = int(model.optimizer.iterations)
rate = float(model.optimizer.learning_rate)
history = model.fit(texts, labels, epochs=1, verbose=0)
end = int(model.optimizer.iterations)
sentiment = [answers, steps, end, rate, model.classes, model.jit_compile]
model = rnnkit.tasks.load(traffic)
sample = datasets.load("traffic_sample", limit=200)
answers = model.predict(sample.test.x[0], verbose=0).tolist()
measured = model.evaluate(sample.test.x, return_dict=True, verbose=0)
model.fit(sample.train.x, epochs=1, verbose=0)
print(json.dumps([sentiment, [answers, measured]]))
"""


@pytest.fixture(scope="module")
def saved(reviews, tmp_path_factory):
    texts, labels = reviews
    model = bilstm_sentiment(units=4, embedding="random", embedding_size=6, min_count=1)
    model.fit(texts, ["pos" if label else "neg" for label in labels], epochs=1, verbose=0)
    path = tmp_path_factory.mktemp("model") / "sentiment.keras"
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def traffic(tmp_path_factory):
    """A trained forecaster, its file, and the data set."""
    sample = datasets.load("traffic_sample", limit=200)
    model = forecaster(cell="lstm", units=6, window=48, warm_up=16, epochs=2)
    model.fit(sample.train.x, validation_data=sample.valid.x, verbose=0)
    path = tmp_path_factory.mktemp("model") / "traffic.keras"
    model.save(path)
    return model, path, sample


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.every_backend
def test_loads_here_with_everything(saved, reviews):
    model, path = saved
    again = load(path)
    texts = reviews[0][:32]
    np.testing.assert_array_equal(model.predict(texts, verbose=0), again.predict(texts, verbose=0))
    assert again.vocabulary.tokens == model.vocabulary.tokens
    assert again.vocabulary.counts == model.vocabulary.counts
    assert again.classes == ("neg", "pos")
    assert again.settings == model.settings
    assert again.gradient_norm == pytest.approx(model.gradient_norm)
    for mine, theirs in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(theirs)
        )


# PyTorch writes for each of the others and reads from each of them.
HERE = keras.config.backend()
OTHERS = sorted(set(installed()) - {HERE} if HERE == "torch" else {"torch"} & set(installed()))


@pytest.mark.parametrize("other", mostly_deep(OTHERS, *OTHERS[:1]))
def test_another_backend_answers_the_same_and_trains_on(
    saved, reviews, traffic, other, other_backend
):
    """Keras's own file would crash in fit (torch's optimizer) or compile for minutes (JAX)."""
    model, path = saved
    forecaster, forecasters, sample = traffic
    texts, labels = reviews[0][:32], ["pos" if label else "neg" for label in reviews[1][:32]]
    given = str(path), texts, labels, str(forecasters)
    sentiment, (forecasts, measured) = other_backend(CHILD, *given, backend=other)
    answers, before, after, rate, classes, jit = sentiment
    np.testing.assert_allclose(answers, model.predict(texts, verbose=0).ravel(), atol=1e-5)
    assert (before, after) == (int(model.optimizer.iterations), int(model.optimizer.iterations) + 1)
    assert rate == pytest.approx(float(model.optimizer.learning_rate))
    assert classes == ["neg", "pos"]
    assert jit == (other == "jax")
    ours = forecaster.predict(sample.test.x[0], verbose=0)
    np.testing.assert_allclose(forecasts, ours, rtol=1e-4)
    ours = forecaster.evaluate(sample.test.x, return_dict=True, verbose=0)
    assert measured == pytest.approx(ours, rel=1e-4)


def test_same_first_weights_and_batches_on_every_backend(reviews):
    """The numbers were drawn by NumPy alone; a backend's own generator would give others."""
    model = bilstm_sentiment(units=2, embedding="random", embedding_size=2, min_count=1, seed=3)
    model.fit(*reviews, epochs=1, initial_epoch=1, verbose=0)  # no epoch is left to train
    first = model.network.get_layer("embedding").get_weights()[0][0]
    np.testing.assert_allclose(
        first, np.random.default_rng(3000).uniform(-0.05, 0.05, (24, 2))[0], rtol=1e-6
    )


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "x.keras"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.keras is no rnnkit model"):
        load(path)


def test_a_plain_keras_model_is_refused_by_name(tmp_path):
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(1)(inputs)).save(tmp_path / "plain.keras")
    with pytest.raises(InputError, match=r"plain\.keras is no rnnkit model.*'Functional'"):
        load(tmp_path / "plain.keras")
    with pytest.raises(InputError, match="no model file"):
        load(tmp_path / "absent.keras")


def test_saving_leaves_nothing_half_written(saved, tmp_path, monkeypatch):
    model, _ = saved
    path = tmp_path / "kept.keras"
    path.write_text("the old one")
    monkeypatch.setattr(
        type(model), "save_assets", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_text() == "the old one"
    assert [file.name for file in tmp_path.iterdir()] == ["kept.keras"]
    for name, options, message in [
        ("x.h5", {}, "ends in '.keras'"),
        ("kept.keras", {"overwrite": False}, "overwrite=False"),
    ]:
        with pytest.raises(InputError, match=message):
            model.save(tmp_path / name, **options)


def test_every_epoch_gives_the_batches_of_its_number(reviews, monkeypatch):
    """Keras ends an epoch of a data set once more on some backends than on others."""
    texts, labels = reviews
    given = []

    class Watched(KerasDataset):
        def __getitem__(self, index):
            given.append((self.batches.epoch, index))
            return super().__getitem__(index)

    monkeypatch.setattr(loop, "KerasDataset", Watched)
    model = bilstm_sentiment(units=2, embedding="random", embedding_size=2, batch_size=32)
    for _ in range(2):
        given.clear()
        model.fit(texts, labels, epochs=2, verbose=0)
        assert given[-8:] == [(epoch, index) for epoch in (0, 1) for index in range(4)]
        assert {epoch for epoch, _ in given[:-8]} <= {0}  # what Keras looks at beforehand
    model.fit(texts, labels, initial_epoch=3, epochs=4, verbose=0)
    assert given[-4:] == [(3, index) for index in range(4)]
