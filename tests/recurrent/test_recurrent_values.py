"""R1, R3, R5, R6, B1: every layer against the NumPy loops, in outputs, states and gradients."""

import autodiff
import keras
import numpy as np
import oracles
import pytest
from keras import ops

from rnnkit import layers

T, D, U = 5, 3, 4
LAYERS = {
    "SimpleRNN": layers.SimpleRNN,
    "LSTM": layers.LSTM,
    "GRU": layers.GRU,
    "GRU before": lambda *args, **kwargs: layers.GRU(*args, reset_after=False, **kwargs),
}
PATTERNS = [
    [1, 1, 1, 1, 1],
    [1, 1, 0, 0, 0],  # right-padded
    [0, 0, 0, 1, 1],  # left-padded
    [1, 0, 0, 1, 0],  # gaps
    [0, 1, 0, 1, 1],
    [0, 0, 0, 0, 0],  # an empty row
]
B = len(PATTERNS)
MASKS = {
    "no mask": None,
    "every pattern": np.array(PATTERNS, bool),
    "all empty": np.zeros((B, T), bool),
}
WAYS = pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])


def make(name, rng, **options):
    """A built layer with drawn weights, and these weights."""
    layer = LAYERS[name](U, **options)
    layer.build((B, T, D))
    weights = [w.astype("float32") for w in oracles.draw_weights(oracles.CELLS[name], D, U, rng)]
    layer.set_weights(weights)
    return layer, weights


def numpy(value):
    return ops.convert_to_numpy(value)


@WAYS
@pytest.mark.parametrize(
    ("kind", "given", "sequences", "zero_output"),
    [
        ("no mask", True, True, False),
        ("every pattern", True, True, False),
        ("every pattern", False, True, True),
        ("every pattern", True, False, False),
        ("every pattern", False, False, True),
        ("every pattern", False, False, False),
        ("all empty", True, False, False),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_states(name, kind, given, sequences, zero_output, backwards):
    rng = np.random.default_rng(0)
    cell, mask = oracles.CELLS[name], MASKS[kind]
    x = rng.normal(size=(B, T, D)).astype("float32")
    states = [rng.normal(size=(B, U)).astype("float32") for _ in range(cell.states)]
    states = states if given else None
    layer, weights = make(
        name,
        rng,
        return_sequences=sequences,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero_output,
    )
    expected, last, _ = oracles.run(cell, x, weights, mask, states, backwards, zero_output)
    output, *found = layer(x, initial_state=states, mask=mask)
    np.testing.assert_allclose(numpy(output), expected if sequences else expected[:, -1], atol=1e-5)
    for one, other in zip(found, last, strict=True):
        np.testing.assert_allclose(numpy(one), other, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "backwards", "zero_output"),
    [
        ("no mask", True, False),
        ("every pattern", False, False),
        ("every pattern", True, True),
        ("all empty", False, False),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_gradients(name, kind, backwards, zero_output):
    rng = np.random.default_rng(1)
    cell, mask = oracles.CELLS[name], MASKS[kind]
    x = rng.normal(size=(B, T, D)).astype("float32")
    states = [rng.normal(size=(B, U)).astype("float32") for _ in range(cell.states)]
    d_outputs = rng.normal(size=(B, T, U)).astype("float32")
    d_last = [rng.normal(size=(B, U)).astype("float32") for _ in range(cell.states)]
    layer, weights = make(
        name,
        rng,
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero_output,
    )

    def loss(x, *states):
        output, *last = layer(x, initial_state=list(states), mask=mask)
        total = ops.sum(ops.multiply(output, d_outputs))
        for state, by in zip(last, d_last, strict=True):
            total = total + ops.sum(ops.multiply(state, by))
        return total

    (dx, *first), dw = autodiff.gradients(loss, [x, *states], layer.trainable_variables)
    record = oracles.run(cell, x, weights, mask, states, backwards, zero_output)[2]
    wanted_x, wanted_w, wanted_first = oracles.gradients(cell, record, d_outputs, d_last)
    pairs = zip([dx, *dw, *first], [wanted_x, *wanted_w, *wanted_first], strict=True)
    for found, wanted in pairs:
        np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_the_last_output_alone(name):
    """`return_sequences=False` is a path of its own: nothing is collected on the way."""
    rng = np.random.default_rng(2)
    cell, mask = oracles.CELLS[name], MASKS["every pattern"]
    x = rng.normal(size=(B, T, D)).astype("float32")
    by = rng.normal(size=(B, U)).astype("float32")
    layer, weights = make(name, rng)
    (dx,), dw = autodiff.gradients(
        lambda x: ops.sum(ops.multiply(layer(x, mask=mask), by)), [x], layer.trainable_variables
    )
    record = oracles.run(cell, x, weights, mask)[2]
    d_outputs = np.zeros((B, T, U))
    d_outputs[:, -1] = by
    wanted_x, wanted_w, _ = oracles.gradients(
        cell, record, d_outputs, np.zeros((cell.states, B, U))
    )
    for found, wanted in zip([dx, *dw], [wanted_x, *wanted_w], strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_without_bias(name):
    rng = np.random.default_rng(3)
    layer = LAYERS[name](U, use_bias=False)
    x = rng.normal(size=(B, T, D)).astype("float32")
    layer.build(x.shape)
    weights = oracles.draw_weights(oracles.CELLS[name], D, U, rng)
    layer.set_weights(weights[:2])
    expected, _, _ = oracles.run(oracles.CELLS[name], x, [*weights[:2], np.zeros_like(weights[2])])
    np.testing.assert_allclose(numpy(layer(x)), expected[:, -1], atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    ("kind", "backwards"), [("no mask", False), ("every pattern", False), ("every pattern", True)]
)
def test_unrolled_equals_the_loop(name, kind, backwards):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(B, T, D)).astype("float32")
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    layer, weights = make(name, rng, unroll=True, **options)
    expected, last, _ = oracles.run(oracles.CELLS[name], x, weights, MASKS[kind], None, backwards)
    for found, wanted in zip(layer(x, mask=MASKS[kind]), [expected, *last], strict=True):
        np.testing.assert_allclose(numpy(found), wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_a_mask_may_be_of_any_dtype(dtype):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(B, T, D)).astype("float32")
    mask, state = MASKS["every pattern"], rng.normal(size=(B, U)).astype("float32")
    for options in ({}, {"return_sequences": True, "zero_output_for_mask": True}):
        layer, _ = make("GRU", rng, **options)
        wanted = layer(x, mask=mask, initial_state=state)
        found = layer(x, mask=mask.astype(dtype), initial_state=state)
        np.testing.assert_array_equal(numpy(found), numpy(wanted))


def test_one_step_and_one_row():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(1, 1, D)).astype("float32")
    for name in LAYERS:
        layer, weights = make(name, rng, return_sequences=True)
        expected, _, _ = oracles.run(oracles.CELLS[name], x, weights)
        np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-5)


def test_other_activations():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(B, T, D)).astype("float32")
    for name in ("SimpleRNN", "LSTM", "GRU"):
        options = {"activation": "relu"}
        if name != "SimpleRNN":
            options["recurrent_activation"] = "hard_sigmoid"
        layer, weights = make(name, rng, **options)
        twin = getattr(keras.layers, name)(U, **options)
        twin.build(x.shape)
        twin.set_weights(weights)
        np.testing.assert_allclose(numpy(layer(x)), numpy(twin(x)), atol=1e-5, rtol=1e-5)
