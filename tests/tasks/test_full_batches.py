"""Rows that fill a batch up change no loss, metric or gradient, for every task that has them."""

import os

import keras
import numpy as np
import pytest
import small_tasks

from rnnkit import backend
from rnnkit.data.batching import BucketedBatches
from rnnkit.tasks import TextClassifier
from rnnkit.tasks.training import full_batches

# Without anything random in a step: other rows would draw other numbers.
PLAIN = {
    "gru_sentiment": {"dropout": 0.0},
    "bag_of_words_sentiment": {"dropout": 0.0},
    "sequence_classifier": {"dropout": 0.0},
    "frame_labeller": {"dropout": 0.0},
    "name_tagger": {"dropout": 0.0},
    "translator": {"dropout": 0.0},
}
WEIGHTED = ("gru_sentiment", "sequence_classifier", "name_tagger")


def fitted(name, monkeypatch, fill, batch_size=6):
    """History, weights and test scores of a task after two epochs of 16 examples."""
    keras.utils.set_random_seed(1)
    monkeypatch.setattr(
        full_batches, "full_size", lambda task, batches, own: batch_size if fill else None
    )
    model = small_tasks.make(name, seed=1, **PLAIN[name])
    model._make_optimizer = lambda: keras.optimizers.SGD(0.05)
    x, y = small_tasks.examples(name)
    weights = {}
    if name in WEIGHTED:
        weights = {"sample_weight": np.linspace(0, 2, len(x))}
    options = {"epochs": 1, "batch_size": batch_size, "verbose": 0, "keep_best": False}
    history = model.fit(x, y, validation_data=(x, y), **weights, **options).history
    scores = model.evaluate(x, y, batch_size=batch_size, return_dict=True, verbose=0, **weights)
    return {**history, **scores}, [np.asarray(w) for w in model.get_weights()]


# Each costs a few programs; the arithmetic is the same everywhere.
HERE = PLAIN if "RNNKIT_DEEP" in os.environ or backend.name == "torch" else ["gru_sentiment"]


@pytest.mark.every_backend
@pytest.mark.parametrize("name", HERE)
@pytest.mark.deep("tensorflow")
def test_filling_changes_no_number(name, monkeypatch):
    numbers, weights = fitted(name, monkeypatch, fill=False)
    filled_numbers, filled_weights = fitted(name, monkeypatch, fill=True)
    assert numbers.keys() == filled_numbers.keys()
    for key, value in numbers.items():
        np.testing.assert_allclose(filled_numbers[key], value, rtol=2e-5, atol=1e-6, err_msg=key)
    for one, other in zip(weights, filled_weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-6)


class Doubled(keras.layers.Layer):
    """A layer that rnnkit does not know."""

    def call(self, inputs):
        return 2 * inputs


def batches_and_task(last=None, **options):
    """Two batches, and a task whose network ends with a layer or an operation."""
    inputs = keras.Input((4,), dtype="int32")
    found = keras.layers.Embedding(9, 3, name="embedding", **options)(inputs)
    found = keras.layers.GlobalMaxPooling1D()(found)
    found = found if last is None else last(found)
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="output")(found))
    task = TextClassifier(network=network, classes=["no", "yes"])
    return task, BucketedBatches([np.arange(3)] * 3, [0, 1, 0], batch_size=2)


def averaged(pooled):
    return keras.layers.GlobalAveragePooling1D()(keras.layers.Reshape((3, 1))(pooled))


def centred(rows):
    return rows - keras.ops.mean(rows, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("last", "options", "size"),
    [
        (None, {}, 2),
        (lambda rows: rows[:, :2], {}, 2),
        (keras.layers.BatchNormalization(), {}, None),
        (averaged, {}, None),
        (centred, {}, None),
        (keras.layers.Lambda(centred), {}, None),
        (Doubled(), {}, None),
        (None, {"activity_regularizer": "l2"}, None),
    ],
)
def test_batches_are_filled_where_rows_are_read_apart(last, options, size, monkeypatch):
    monkeypatch.setattr(backend, "name", "jax")
    task, batches = batches_and_task(last, **options)
    assert full_batches.full_size(task, batches, own_loss=True) == size
    assert full_batches.full_size(task, batches, own_loss=False) is None
    one = BucketedBatches([np.arange(3)], [0], batch_size=2)
    assert full_batches.full_size(task, one, own_loss=True) is None
    monkeypatch.setattr(backend, "name", "torch")
    assert full_batches.full_size(task, batches, own_loss=True) is None


@pytest.mark.one_backend
@pytest.mark.parametrize("name", small_tasks.SMALL)
def test_batches_of_every_task_are_filled(name):
    task = small_tasks.make(name)
    task.fit(*small_tasks.examples(name), epochs=0, verbose=0)
    assert all(map(full_batches.takes_filling, [task, *task.network._flatten_layers()]))


def test_loss_and_metrics_of_the_user_are_left_alone(monkeypatch):
    monkeypatch.setattr(backend, "name", "jax")
    task, batches = batches_and_task()
    assert task._full_size(batches) == 2
    task.compile("sgd", "mse", metrics=[keras.metrics.AUC()])
    assert task._full_size(batches) is None
    task._compile_own()
    assert task._full_size(batches) == 2


def test_a_row_without_a_step_is_no_number_in_a_mean_of_keras():
    """Why such networks are not filled: a weight of 0 does not silence NaN."""
    layer, zeros = keras.layers.GlobalAveragePooling1D(), keras.ops.zeros((2, 3, 1))
    pooled = layer(zeros, mask=keras.ops.array([[True, False, False], [False] * 3]))
    assert np.isnan(keras.ops.convert_to_numpy(pooled)).tolist() == [[False], [True]]


def test_a_mean_of_keras_over_masked_steps_trains():
    """Two programs on JAX; the last batch of the epoch has one row."""
    inputs = keras.Input((None,), dtype="int32")
    found = keras.layers.Embedding(9, 3, mask_zero=True, name="embedding")(inputs)
    outputs = keras.layers.Dense(1, activation="sigmoid", name="output")
    network = keras.Model(inputs, outputs(keras.layers.GlobalAveragePooling1D()(found)))
    task = TextClassifier(lambda *_, **__: network)
    history = task.fit(
        ["a film", "no film", "a film"], [1, 0, 1], batch_size=2, epochs=1, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()
