"""Resets: a row that starts anew at a step does what a fresh row would do from there."""

import itertools

import keras
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnnkit import layers
from rnnkit.errors import InputError

B, T, D, U = 2, 5, 2, 3
LAYERS = {
    "SimpleRNN": lambda **options: layers.SimpleRNN(U, **options),
    "LSTM": lambda **options: layers.LSTM(U, **options),
    "GRU": lambda **options: layers.GRU(U, **options),
    "GRU before": lambda **options: layers.GRU(U, reset_after=False, **options),
}
BITS = st.lists(st.booleans(), min_size=B * T, max_size=B * T)


@pytest.fixture(
    scope="module", params=[(name, back) for name in LAYERS for back in (False, True)], ids=str
)
def network(request):
    name, backwards = request.param
    layer = LAYERS[name](return_sequences=True, return_state=True, go_backwards=backwards)
    x = keras.Input((T, D))
    mask, resets = keras.Input((T,), dtype="bool"), keras.Input((T,), dtype="bool")
    model = keras.Model([x, mask, resets], layer(x, mask=mask, resets=resets))
    model.cell, model.backwards = oracles.CELLS[name], backwards
    rng = np.random.default_rng(3)
    model.set_weights([0.8 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def by_segments(model, x, mask, resets):
    """Cut a row wherever it is reset and run every piece from zero, in the order of the pass."""
    order = slice(None, None, -1) if model.backwards else slice(None)
    x, mask, resets = x[order], mask[order], resets[order]
    cuts = [0, *(t for t in range(1, T) if resets[t]), T]
    outputs = []
    for start, end in itertools.pairwise(cuts):
        piece, last, _ = oracles.run(
            model.cell, x[None, start:end], model.get_weights(), mask[None, start:end]
        )
        outputs.append(piece[0])
    return np.concatenate(outputs), [state[0] for state in last]


@settings(max_examples=8, deadline=None)
@given(mask=BITS, resets=BITS, seed=st.integers(0, 99))
def test_a_reset_equals_a_fresh_start(network, mask, resets, seed):
    x = np.random.default_rng(seed).normal(size=(B, T, D)).astype("float32")
    mask, resets = np.array(mask).reshape(B, T), np.array(resets).reshape(B, T)
    outputs, *states = network.predict_on_batch([x, mask, resets])
    for row in range(B):
        wanted, last = by_segments(network, x[row], mask[row], resets[row])
        np.testing.assert_allclose(outputs[row], wanted, atol=1e-5)
        for state, expected in zip(states, last, strict=True):
            np.testing.assert_allclose(state[row], expected, atol=1e-5)


def test_both_directions_are_reset():
    layer = layers.Bidirectional(layers.GRU(U, return_sequences=True))
    x = np.random.default_rng(0).normal(size=(1, 4, D)).astype("float32")
    resets = np.array([[False, False, True, False]])
    whole = ops.convert_to_numpy(ops.stop_gradient(layer(x, resets=resets)))
    forward = ops.convert_to_numpy(ops.stop_gradient(layer(x[:, 2:])))
    backward = ops.convert_to_numpy(ops.stop_gradient(layer(x[:, :3])))
    np.testing.assert_allclose(whole[:, 2:, :U], forward[:, :, :U], atol=1e-6)
    # backward, the pass comes from the right: step 2 is fresh, and steps 1 and 0 follow it
    np.testing.assert_allclose(whole[:, :3, U:], backward[:, :, U:], atol=1e-6)


def test_resets_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"resets has the shape \(2, 3\); expected \(2, 5\)"):
        layers.LSTM(U)(np.ones((B, T, D), "float32"), resets=np.ones((B, 3), bool))
