"""Dropout, penalties, constraints, precision and `fit`, compiled and not."""

import keras
import numpy as np
import pytest
from deep import mostly_deep
from keras import ops

from rnnkit import layers

B, T, D, U = 4, 5, 3, 4
KINDS = pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU])


def numpy(value):
    return ops.convert_to_numpy(value)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def linear(drop_inputs=0.0, drop_state=0.0, units=U, recurrent=0.0, **options):
    """h_t = x_t + recurrent * h_{t-1}: what dropout does to it can be read off."""
    layer = layers.SimpleRNN(
        units, "linear", dropout=drop_inputs, recurrent_dropout=drop_state, **options
    )
    layer.build((None, None, units))
    layer.set_weights([np.eye(units), recurrent * np.eye(units), np.zeros(units)])
    return layer


@KINDS
def test_dropout_is_off_when_not_training(kind):
    layer = kind(U, dropout=0.5, recurrent_dropout=0.5)
    plain = kind(U)
    x = draw(B, T, D)
    layer.build(x.shape)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numpy(layer(x)), numpy(plain(x)))
    assert not np.allclose(numpy(layer(x, training=True)), numpy(plain(x)))


def test_input_dropout_drops_the_same_features_at_every_step_and_keeps_the_mean():
    x = np.ones((300, 3, 8), "float32")
    found = numpy(linear(0.25, units=8, seed=1, return_sequences=True)(x, training=True))
    np.testing.assert_array_equal(found, np.repeat(found[:, :1], 3, axis=1))
    assert set(np.round(np.unique(found), 4)) == {0.0, np.float32(1.3333)}
    assert found.mean() == pytest.approx(1, abs=0.06)
    assert len(np.unique(found[:, 0], axis=0)) > 50  # each row has a mask of its own


def test_recurrent_dropout_acts_on_the_recurrent_product_alone():
    x = np.ones((300, 3, 8), "float32")
    layer = linear(0.0, 0.5, units=8, recurrent=0.1, seed=1, return_sequences=True)
    found = numpy(layer(x, training=True))
    np.testing.assert_array_equal(found[:, 0], 1)  # the first step has no state yet
    kept = found[:, 1] > 1
    assert kept.mean() == pytest.approx(0.5, abs=0.05)
    # The same units at every step: kept ones add 2 * 0.1 of what they were.
    np.testing.assert_allclose(found[:, 1], np.where(kept, 1.2, 1), rtol=1e-5)
    np.testing.assert_allclose(found[:, 2], np.where(kept, 1.24, 1), rtol=1e-5)


@pytest.mark.parametrize("form", ["LSTM", "GRU", "GRU before"])
def test_recurrent_dropout_leaves_the_carried_state_alone(form):
    """With no recurrent kernel there is no recurrent product, so nothing may change."""
    if form == "LSTM":
        layer = layers.LSTM(U, recurrent_dropout=0.9)
    else:
        layer = layers.GRU(U, recurrent_dropout=0.9, reset_after=form == "GRU")
    x = draw(B, T, D)
    layer.build(x.shape)
    kernel, recurrent, bias = layer.get_weights()
    layer.set_weights([kernel, 0 * recurrent, bias])
    np.testing.assert_allclose(numpy(layer(x, training=True)), numpy(layer(x)), atol=1e-6)


@KINDS
def test_dropout_follows_its_seed(kind):
    x = draw(B, T, D)
    one, other = (kind(U, dropout=0.5, recurrent_dropout=0.5, seed=7) for _ in range(2))
    one.build(x.shape)
    other.build(x.shape)
    other.set_weights(one.get_weights())
    first = numpy(one(x, training=True))
    np.testing.assert_array_equal(numpy(other(x, training=True)), first)
    assert not np.allclose(numpy(one(x, training=True)), first)  # drawn anew in the next call


def test_regularizers_add_their_losses():
    layer = layers.GRU(
        U,
        kernel_regularizer=keras.regularizers.L2(0.1),
        recurrent_regularizer=keras.regularizers.L1(0.2),
        bias_regularizer=keras.regularizers.L2(0.3),
        bias_initializer="ones",
    )
    layer.build((B, T, D))
    kernel, recurrent, bias = layer.get_weights()
    wanted = [0.1 * np.sum(kernel**2), 0.2 * np.abs(recurrent).sum(), 0.3 * np.sum(bias**2)]
    assert [float(numpy(loss)) for loss in layer.losses] == pytest.approx(wanted, rel=1e-5)
    # By Keras's own layer: Keras 3.12 does not divide this loss by the number of rows.
    layer, theirs = (
        kit.GRU(U, activity_regularizer=keras.regularizers.L2(0.5))
        for kit in (layers, keras.layers)
    )
    x = draw(B, T, D)
    theirs.build(x.shape)
    layer.build(x.shape)
    layer.set_weights(theirs.get_weights())
    layer(x)
    theirs(x)
    expected = float(numpy(theirs.losses[0]))
    assert float(numpy(layer.losses[0])) == pytest.approx(expected, rel=1e-5)
    assert expected > 0


def task():
    x, mask = draw(16, T, D), np.random.default_rng(1).random((16, T)) < 0.7
    return [x, mask], (x[..., 0] * mask).sum(1, keepdims=True)


def regressor(layer, **compiling):
    x, mask = keras.Input((None, D)), keras.Input((None,), dtype="bool")
    outputs = keras.layers.Dense(1, dtype="float32")(layer(x, mask=mask))
    model = keras.Model([x, mask], outputs)
    model.compile(keras.optimizers.Adam(0.1), "mse", **compiling)
    return model


def test_constraints_hold_after_a_step():
    layer = layers.LSTM(
        U,
        kernel_constraint=keras.constraints.MaxNorm(0.1),
        recurrent_constraint="non_neg",
        bias_constraint="non_neg",
    )
    inputs, labels = task()
    regressor(layer).fit(inputs, labels, epochs=1, verbose=0)
    kernel, recurrent, bias = layer.get_weights()
    assert np.linalg.norm(kernel, axis=0).max() <= 0.1 + 1e-5
    assert recurrent.min() >= 0
    assert bias.min() >= 0


@pytest.mark.parametrize(
    ("name", "jit_compile"),
    [
        pytest.param("Bidirectional", "auto", marks=pytest.mark.deep("tensorflow")),
        pytest.param("GRU", False, marks=pytest.mark.deep("jax")),
        *mostly_deep([("SimpleRNN", "auto"), ("LSTM", "auto"), ("GRU", True)]),
    ],
)
def test_fit_learns(name, jit_compile):
    if jit_compile is True and keras.config.backend() == "torch":
        pytest.skip("torch.compile takes minutes, and nobody asks for it")
    keras.utils.set_random_seed(0)  # the first loss depends on the initial weights
    options = {"dropout": 0.1, "recurrent_dropout": 0.1, "seed": 1}
    if name == "Bidirectional":
        layer = layers.Bidirectional(layers.GRU(U, **options))
    else:
        layer = getattr(layers, name)(U, **options)
    inputs, labels = task()
    model = regressor(layer, jit_compile=jit_compile)
    losses = model.fit(inputs, labels, epochs=6, batch_size=16, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "Bidirectional"])
def test_mixed_precision(name, policy):
    def build(**options):
        if name == "Bidirectional":
            return layers.Bidirectional(layers.LSTM(U, return_state=True, **options), **options)
        return getattr(layers, name)(U, return_state=True, **options)

    x, mask = draw(B, T, D), np.array([[1, 1, 0, 1, 0]] * B, bool)
    full, low = build(), build(dtype=policy)
    full.build(x.shape)
    low.build(x.shape)
    low.set_weights(full.get_weights())
    assert {str(w.dtype) for w in low.trainable_variables} == {"float32"}
    for found, wanted in zip(low(x, mask=mask), full(x, mask=mask), strict=True):
        assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
        values = numpy(ops.cast(found, "float32"))
        np.testing.assert_allclose(values, numpy(wanted), atol=0.03)


def test_mixed_precision_trains_with_dropout_and_given_states():
    layer = layers.LSTM(U, dropout=0.2, recurrent_dropout=0.2, dtype="mixed_float16")
    inputs, labels = task()
    losses = regressor(layer).fit(inputs, labels, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    states = [np.ones((16, U), "float32")] * 2
    assert np.isfinite(numpy(layer(inputs[0], initial_state=states))).all()
