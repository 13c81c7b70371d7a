"""For every mask: padding is of no account, chunks equal the whole, rows stay apart."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from systems import DEEP

from rnnkit import layers

T, LONG, D, U = 4, 7, 2, 3
LAYERS = {
    "SimpleRNN": lambda **options: layers.SimpleRNN(U, **options),
    "LSTM": lambda **options: layers.LSTM(U, **options),
    "GRU": lambda **options: layers.GRU(U, **options),
    "GRU before": lambda **options: layers.GRU(U, reset_after=False, **options),
    "backwards": lambda **options: layers.LSTM(U, go_backwards=True, **options),
    "Bidirectional": lambda **options: layers.Bidirectional(layers.GRU(U, **options)),
}
FEW = settings(max_examples=8 if DEEP else 3, deadline=None)
FEWER = settings(max_examples=5 if DEEP else 2, deadline=None)


def numpy(value):
    return ops.convert_to_numpy(value)


@pytest.fixture(scope="module", params=LAYERS)
def network(request):
    """Sequences and mask -> outputs of every step, last output, last states; compiled once."""
    whole = LAYERS[request.param](return_sequences=True, return_state=True)
    last = LAYERS[request.param]()
    x, mask = keras.Input((None, D)), keras.Input((None,), dtype="bool")
    outputs, *states = whole(x, mask=mask)
    model = keras.Model([x, mask], [outputs, last(x, mask=mask), *states])
    model.backwards = request.param == "backwards"
    model.run = compiled(model)
    return model


def compiled(model, rows=None):
    """Sequences and mask -> what a model answers, compiled: on TensorFlow once for any sizes."""
    if keras.config.backend() != "tensorflow":
        return lambda x, mask: model.predict_on_batch([x, mask])
    import tensorflow as tf

    graph = tf.function(
        lambda x, mask: model([x, mask]),
        input_signature=[
            tf.TensorSpec((rows, None, D), tf.float32),
            tf.TensorSpec((rows, None), tf.bool),
        ],
        autograph=False,
    )
    return lambda x, mask: keras.tree.map_structure(numpy, graph(x, mask))


def run(network, x, mask):
    return network.run(x, mask)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@FEW
@given(
    places=st.lists(st.integers(0, LONG - 1), min_size=T, max_size=T, unique=True),
    seed=st.integers(0, 99),
)
def test_padding_anywhere_changes_nothing(network, places, seed):
    places = sorted(places)
    x, padded = draw(seed, 2, T, D), 9 * draw(seed + 1, 2, LONG, D)
    padded[:, places] = x
    mask = np.zeros((2, LONG), bool)
    mask[:, places] = True
    outputs, *rest = run(network, x, np.ones((2, T), bool))
    long_outputs, *long_rest = run(network, padded, mask)
    if network.backwards:  # its outputs come in the order of the pass
        outputs, long_outputs = outputs[:, ::-1], long_outputs[:, ::-1]
    np.testing.assert_allclose(long_outputs[:, places], outputs, atol=1e-5)
    for found, wanted in zip(long_rest, rest, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@FEW
@given(
    bits=st.lists(st.booleans(), min_size=3 * T, max_size=3 * T),
    row=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_rows_do_not_touch_each_other(network, bits, row, seed):
    mask = np.array(bits).reshape(3, T)
    x = draw(seed, 3, T, D)
    before = run(network, x, mask)
    others = np.arange(3) != row
    x[row] = 5 * draw(seed + 1, T, D)
    mask[row] = ~mask[row]
    for found, wanted in zip(run(network, x, mask), before, strict=True):
        np.testing.assert_allclose(found[others], wanted[others], atol=1e-6)


@FEWER
@given(
    name=st.sampled_from(["SimpleRNN", "LSTM", "GRU", "GRU before"]),
    cut=st.integers(1, T - 1),
    bits=st.lists(st.booleans(), min_size=2 * T, max_size=2 * T),
    seed=st.integers(0, 99),
)
def test_chunks_with_carried_state_equal_the_whole(name, cut, bits, seed):
    layer = LAYERS[name](return_sequences=True, return_state=True)
    x, mask = draw(seed, 2, T, D), np.array(bits).reshape(2, T)
    outputs, *wanted = layer(x, mask=mask)
    first, *states = layer(x[:, :cut], mask=mask[:, :cut])
    second, *states = layer(x[:, cut:], mask=mask[:, cut:], initial_state=states)
    for found, state in zip(states, wanted, strict=True):
        np.testing.assert_allclose(numpy(found), numpy(state), atol=1e-5)
    joined = np.concatenate([numpy(first), numpy(second)], axis=1)
    np.testing.assert_allclose(joined[mask], numpy(outputs)[mask], atol=1e-5)


@pytest.fixture(scope="module", params=["SimpleRNN", "LSTM", "GRU", "GRU before"])
def streams(request):
    """A layer for the whole sequence and a stateful one for pieces of it, with the same weights."""
    whole, streaming = (
        keras.Model(
            [x := keras.Input(batch_shape=(2, None, D)), m := keras.Input((None,), dtype="bool")],
            LAYERS[request.param](return_sequences=True, stateful=stateful)(x, mask=m),
        )
        for stateful in (False, True)
    )
    states = streaming.layers[-1].states
    streaming.set_weights(whole.get_weights() + [numpy(s) for s in states])
    return compiled(whole, 2), compiled(streaming, 2), streaming.layers[-1]


@FEWER
@given(
    cuts=st.lists(st.integers(1, T - 1), unique=True),
    bits=st.lists(st.booleans(), min_size=2 * T, max_size=2 * T),
    seed=st.integers(0, 99),
)
def test_streaming_in_pieces_of_any_size_equals_the_whole(streams, cuts, bits, seed):
    whole, streaming, layer = streams
    x, mask = draw(seed, 2, T, D), np.array(bits).reshape(2, T)
    layer.reset_state()
    edges = [0, *sorted(cuts), T]
    pieces = [
        streaming(x[:, start:end], mask[:, start:end]) for start, end in itertools.pairwise(edges)
    ]
    wanted = whole(x, mask)
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), wanted, atol=1e-5)


def test_stateful_in_a_compiled_model():
    inputs = keras.Input(batch_shape=(2, T, D))
    layer = layers.LSTM(U, stateful=True)
    model = keras.Model(inputs, layer(inputs))
    x = draw(0, 2, T, D)
    first, second = model.predict_on_batch(x), model.predict_on_batch(x)
    twice = layers.LSTM(U)
    twice.build(x.shape)
    twice.set_weights(model.get_weights()[:3])
    np.testing.assert_allclose(first, numpy(twice(x)), atol=1e-5)
    np.testing.assert_allclose(second, numpy(twice(np.tile(x, (1, 2, 1)))), atol=1e-5)
    layer.reset_states()
    np.testing.assert_allclose(model.predict_on_batch(x), first, atol=1e-5)
