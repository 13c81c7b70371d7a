"""Precision, recall and F1 against scikit-learn, on whichever backend runs."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import f1_score, precision_score, recall_score

from rnnkit.errors import InputError
from rnnkit.monitor.metrics import F1, Precision, Recall

# Keras's own `predict` on torch: numpy 2 asks `__array__` for a keyword that torch does not have.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
ORACLES = {Precision: precision_score, Recall: recall_score, F1: f1_score}
KINDS = pytest.mark.parametrize("kind", list(ORACLES), ids=lambda kind: kind.__name__)


def oracle(kind, truth, predicted, num_classes, weights=None):
    how = {"average": "binary"} if num_classes == 2 else {"average": "macro"}
    labels = None if num_classes == 2 else list(range(num_classes))
    return ORACLES[kind](
        truth, predicted, labels=labels, zero_division=0, sample_weight=weights, **how
    )


@KINDS
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("num_classes", [2, 5])
def test_agrees_with_scikit_learn_over_batches(kind, weighted, num_classes):
    rng = np.random.default_rng(num_classes)
    metric = kind(num_classes=num_classes)
    truth = rng.integers(0, num_classes, 97)
    weights = rng.random(97).astype("float32") if weighted else None
    if num_classes == 2:
        scores = rng.random((97, 1)).astype("float32")
        scores[3] = 0.5  # exactly one half is class 0
        predicted = (scores[:, 0] > 0.5).astype(int)
    else:
        scores = rng.random((97, num_classes)).astype("float32")
        scores[:, 3] = 0  # a class that is never predicted
        predicted = scores.argmax(axis=1)
    for part in (slice(0, 32), slice(32, 64), slice(64, 97)):
        labels = truth[part] if part.start else truth[part, None]
        metric.update_state(labels, scores[part], weights[part] if weighted else None)
    expected = oracle(kind, truth, predicted, num_classes, weights)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert 0 < expected < 1
    metric.reset_state()
    assert float(metric.result()) == 0


@KINDS
def test_nothing_to_divide_by_is_zero_not_nan(kind):
    metric = kind()
    assert float(metric.result()) == 0
    metric.update_state([0, 0], [[0.1], [0.2]])
    assert float(metric.result()) == 0


def test_two_outputs_count_class_one_and_flat_probabilities_work():
    metric = Precision()
    metric.update_state([0, 1, 1], [[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    assert float(metric.result()) == pytest.approx(0.5)
    flat = Precision()
    flat.update_state([0.0, 1.0, 1.0], [0.9, 0.8, 0.1])
    assert float(flat.result()) == pytest.approx(0.5)


def test_steps_of_a_sequence_are_counted_one_by_one_and_masked_by_weight():
    rng = np.random.default_rng(3)
    truth, scores = rng.integers(0, 4, (6, 5)), rng.random((6, 5, 4)).astype("float32")
    mask = rng.integers(0, 2, (6, 5)).astype("float32")
    metric = F1(num_classes=4)
    metric.update_state(truth, scores, mask)
    expected = oracle(F1, truth.ravel(), scores.argmax(-1).ravel(), 4, mask.ravel())
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    by_row = F1(num_classes=4)
    by_row.update_state(truth, scores, mask[:, 0])
    expected = oracle(F1, truth.ravel(), scores.argmax(-1).ravel(), 4, np.repeat(mask[:, 0], 5))
    assert float(by_row.result()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.every_backend
@KINDS
def test_compiled_training_and_evaluation_report_it(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(70, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    model.compile("sgd", "binary_crossentropy", metrics=[kind()])
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    got = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)[kind.__name__.lower()]
    predicted = (model.predict(x, verbose=0)[:, 0] > 0.5).astype(int)
    assert got == pytest.approx(oracle(kind, y, predicted, 2), rel=1e-5)


@KINDS
def test_saves_and_loads_by_its_registered_name(kind):
    metric = kind(num_classes=7, name="mine")
    config = keras.saving.serialize_keras_object(metric)
    assert config["registered_name"] == f"rnnkit>{kind.__name__}"
    again = keras.saving.deserialize_keras_object(config)
    assert (type(again), again.num_classes, again.name) == (kind, 7, "mine")


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="stateless calls under jax.jit")
def test_stateless_update_compiles():
    import jax

    metric = F1()
    update = jax.jit(metric.stateless_update_state)
    state = [variable.value for variable in metric.variables]
    state = update(state, np.array([0, 1, 1]), np.array([[0.9], [0.8], [0.1]], "float32"))
    assert float(metric.stateless_result(state)) == pytest.approx(0.5)
    assert float(ops.sum(metric.matrix)) == 0


def test_bad_shapes_are_named():
    with pytest.raises(InputError, match="number of classes"):
        Precision().update_state([0, 1], np.ones((2, 3), "float32"))
    with pytest.raises(InputError, match="number of classes"):
        Precision(num_classes=3).update_state([0, 1], np.ones((2, 1), "float32"))
    with pytest.raises(InputError, match="integer labels"):
        Precision(num_classes=3).update_state(np.ones((3, 2)), np.ones((3, 3), "float32"))
    with pytest.raises(InputError, match="at least 2"):
        Precision(num_classes=1)
