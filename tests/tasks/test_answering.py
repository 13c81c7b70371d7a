"""Predictions without Keras's loop: its numbers and its manners."""

import keras
import numpy as np
import pytest
from small_tasks import SMALL, examples, make

from rnnkit.backend import native
from rnnkit.data.batching import BucketedBatches
from rnnkit.recipes import gru_sentiment
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.texts.text_classifier import TextClassifier
from rnnkit.tasks.training.datasets import KerasDataset

WORDS = ["a", "good", "film", "that", "is", "bad", "but", "not", "long", "or", "is", "it"]
TEXTS = [" ".join(WORDS[i % 5 : i % 5 + 1 + i % 7]) for i in range(21)]
EAGER = keras.backend.backend() == "torch"  # the others compile each network: seconds
CLASSIFIERS = ["gru_sentiment", "bag_of_words_sentiment", "sequence_classifier"]
SETTINGS = {"units": 3, "embedding": "random", "embedding_size": 4, "min_count": 1}


@pytest.fixture(scope="module")
def model():
    built = gru_sentiment(**SETTINGS)
    built.fit(TEXTS, [i % 2 for i in range(21)], epochs=0, verbose=0)
    return built


def by_keras(model, rows, size):
    """The outputs of Keras's `predict`, in the order of the rows."""
    batches = model.make_batches(rows, batch_size=size)
    found = keras.Model.predict(model, native.feed(KerasDataset(batches)), verbose=0)
    outputs = np.empty_like(found)
    outputs[batches.order] = found
    return outputs


@pytest.mark.every_backend
@pytest.mark.parametrize("name", CLASSIFIERS if EAGER else CLASSIFIERS[1:])
def test_outputs_are_those_of_keras_in_the_order_of_the_examples(name):
    task, data = make(name), examples(name)
    task.fit(*data, epochs=0, verbose=0)
    random = np.random.default_rng(0)
    weights = task.network.get_weights()
    task.network.set_weights([w + random.normal(size=w.shape).astype(w.dtype) for w in weights])
    rows = task.encode(data[0])
    wanted = by_keras(task, rows, 4)
    assert len(np.unique(wanted, axis=0)) > 2
    for size in (None, 4, 5) if EAGER else (None, 5):
        found = task.predict(data[0], batch_size=size, verbose=0)
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert task.predict(data[0][:0], verbose=0).shape == (0, wanted.shape[1])


@pytest.mark.every_backend
@pytest.mark.parametrize("name", SMALL if EAGER else ["next_word", "frame_labeller"])
def test_one_batch_is_that_of_keras_for_every_network(name):
    task, data = make(name), examples(name)
    task.fit(*data, epochs=0, verbose=0)
    network = task.network
    inputs = [
        np.ones([2 if size is None else size for size in part.shape], part.dtype)
        for part in network.inputs
    ]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    wanted = network.predict_on_batch(inputs)
    for one, other in zip(
        *map(keras.tree.flatten, (predict_batch(network, inputs), wanted)), strict=True
    ):
        assert isinstance(one, np.ndarray)
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_weights_are_those_of_the_moment(model):
    task = gru_sentiment(**SETTINGS)
    task.fit(TEXTS, [i % 2 for i in range(21)], epochs=0, verbose=0)
    before = task.predict(TEXTS, verbose=0)
    task.network.set_weights([weight + 0.5 for weight in task.network.get_weights()])
    changed = task.predict(TEXTS, verbose=0)
    assert np.abs(changed - before).max() > 1e-3
    np.testing.assert_allclose(changed, by_keras(task, task.encode(TEXTS), 8), atol=1e-6)
    task.compile(optimizer="sgd", loss="mse")
    np.testing.assert_allclose(task.predict(TEXTS, verbose=0), changed, atol=1e-6)
    task.fit(TEXTS, [i % 2 for i in range(21)], epochs=1, verbose=0, callbacks=[_Ask()])
    after = task.predict(TEXTS, verbose=0)
    assert np.abs(after - changed).max() > 1e-6
    np.testing.assert_allclose(after, by_keras(task, task.encode(TEXTS), 8), atol=1e-6)


class _Ask(keras.callbacks.Callback):
    """Asks between two steps of a fit, and after an epoch: answers of the weights of then."""

    def on_train_batch_end(self, batch, logs=None):
        task = self.model
        assert np.isfinite(task.predict(TEXTS[:3], verbose=0)).all()

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_end(0)


def test_randomness_goes_on_and_training_still_works_afterwards():
    class Noise(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seeds = keras.random.SeedGenerator(0)

        def call(self, x):
            return x + keras.random.normal((2, 3), seed=self.seeds)

    inputs = keras.Input((3,), batch_size=2)
    network = keras.Model(inputs, keras.layers.Dense(1)(Noise()(inputs)))
    x = np.ones((2, 3), "float32")
    first, second = predict_batch(network, x), predict_batch(network, x)
    assert np.abs(first - second).max() > 1e-3
    network.compile("sgd", "mse")
    network.train_on_batch(x, np.ones((2, 1)))
    assert np.isfinite(predict_batch(network, x)).all()


@pytest.mark.skipif(EAGER, reason="PyTorch compiles nothing")
def test_a_width_that_was_asked_before_is_not_traced_again(model):
    calls = []

    class Counted(keras.layers.Layer):
        def call(self, x):
            calls.append(x.shape)
            return x

    ids = keras.Input((None,), dtype="int32")
    network = keras.Model(ids, Counted()(keras.layers.Embedding(9, 2)(ids)))
    calls.clear()
    for rows, steps in [(1, 8), (1, 16), (1, 8), (4, 16), (4, 16), (1, 16)]:
        assert predict_batch(network, np.ones((rows, steps), "int32")).shape == (rows, steps, 2)
    traced = {"jax": 3, "tensorflow": 1}[keras.backend.backend()]
    assert len(calls) == traced


@pytest.mark.parametrize(
    ("verbose", "size", "shown"), [("auto", 32, ""), (0, 4, ""), (1, 4, "6/6")]
)
def test_what_is_shown_and_called(model, verbose, size, shown, capsys):
    called = []
    callback = keras.callbacks.LambdaCallback()
    callback.on_predict_batch_end = lambda batch, logs: called.append((batch, len(logs["outputs"])))
    model.predict(TEXTS, batch_size=size, verbose=0)
    capsys.readouterr()
    model.predict(TEXTS, batch_size=size, verbose=verbose, callbacks=[callback])
    out = capsys.readouterr().out
    assert shown in out
    assert bool(out.strip()) == bool(shown)
    assert [batch for batch, _ in called] == list(range(-(-21 // size)))
    assert sum(rows for _, rows in called) >= 21


def test_texts_are_tokenised_once(model, monkeypatch):
    split, texts = [], [*TEXTS, *(f"unseen{i} word" for i in range(15)), "flabbergasting film"]
    plain = model.answer(texts)
    original = TextClassifier.split_texts
    monkeypatch.setattr(
        TextClassifier, "split_texts", lambda self, x: split.extend(x) or original(self, x)
    )
    answers = model.answer(texts)
    assert answers == plain
    assert len(split) <= len(texts) + 10
    assert len(answers.notes) == 11
    assert answers.notes[0] == "text 22, not in the vocabulary: 'unseen0', 'word'"
    assert answers.notes[-1] == "and 6 more texts with unknown words"


@pytest.mark.one_backend
def test_widths_are_chosen_by_different_lengths():
    lengths = np.random.default_rng(0).integers(0, 500, 3000)
    rows = [np.ones(n, "int32") for n in lengths]
    batches = BucketedBatches(rows, batch_size=64, max_length=400)
    assert batches.widths[-1] >= 400
    assert list(batches.widths) == sorted(set(batches.widths))
