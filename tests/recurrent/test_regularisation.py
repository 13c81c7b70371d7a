"""Zoneout and weight dropout: what they hold back, what they leave alone, and their means."""

import keras
import numpy as np
import oracles
import pytest
from keras import ops

from rnnkit import layers
from rnnkit.errors import InputError

B, T, D, U = 3, 4, 2, 5


def numpy(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_zoneout_holds_back_its_share_of_the_units_at_every_step():
    layer = layers.SimpleRNN(200, zoneout=0.3, seed=1, return_sequences=True)
    outputs = numpy(layer(draw(8, 6, D), training=True))
    held = outputs[:, 1:] == outputs[:, :-1]
    assert held.mean() == pytest.approx(0.3, abs=0.03)
    assert not (held == held[:, :1]).all()  # drawn anew at every step
    first = outputs[:, 0] == 0  # from a zero state
    assert first.mean() == pytest.approx(0.3, abs=0.05)


def test_zoneout_takes_its_mean_outside_training():
    layer = layers.LSTM(U, zoneout=(0.2, 0.5), return_state=True)
    x = draw(B, T, D)
    _, h, c = (numpy(part) for part in layer(x))
    weights = [np.asarray(w, "float64") for w in layer.get_weights()]
    for row in range(B):
        states = np.zeros(U), np.zeros(U)
        for t in range(T):
            new, _ = oracles.LSTM.step(x[row, t], states, weights)
            states = tuple(
                share * old + (1 - share) * value
                for share, old, value in zip((0.2, 0.5), states, new, strict=True)
            )
        np.testing.assert_allclose(h[row], states[0], atol=1e-5)
        np.testing.assert_allclose(c[row], states[1], atol=1e-5)


def test_zoneout_differs_between_the_states():
    layer = layers.LSTM(300, zoneout=(0.0, 0.9), return_state=True, seed=3)
    _, h, c = (numpy(part) for part in layer(draw(2, 1, D), training=True))
    assert (c == 0).mean() == pytest.approx(0.9, abs=0.05)  # held at zero
    assert h.all()  # Krueger et al., eq. 5: h comes of the new c, whether that is held or not


def test_weight_dropout_drops_recurrent_weights_and_scales_the_rest():
    layer = layers.SimpleRNN(
        60, "linear", weight_dropout=0.25, seed=2, recurrent_initializer="ones"
    )
    x = np.zeros((2, 1, D), "float32")
    state = ops.ones((2, 60))
    plain = numpy(layer(x, initial_state=state))
    np.testing.assert_allclose(plain, 60)
    dropped = numpy(layer(x, initial_state=state, training=True))
    np.testing.assert_array_equal(dropped[0], dropped[1])  # one mask for the batch
    kept = dropped[0] * 0.75  # the number of weights kept in each column
    np.testing.assert_allclose(kept, np.round(kept), atol=1e-3)
    assert kept.mean() == pytest.approx(45, abs=2)
    assert not np.array_equal(dropped, numpy(layer(x, initial_state=state, training=True)))


def test_weight_dropout_is_one_mask_for_all_steps():
    layer = layers.SimpleRNN(20, "linear", weight_dropout=0.5, seed=2, return_sequences=True)
    x, unit_vectors = np.zeros((20, 3, D), "float32"), ops.eye(20)
    outputs = numpy(layer(x, initial_state=unit_vectors, training=True))
    dropped = outputs[:, 0]  # the kernel that this pass used, row by row
    whole = layer.get_weights()[1]
    np.testing.assert_allclose(dropped, np.where(dropped == 0, 0, 2 * whole), atol=1e-6)
    assert 0.4 < (dropped == 0).mean() < 0.6
    np.testing.assert_allclose(outputs[:, 1], dropped @ dropped, atol=1e-5)
    np.testing.assert_allclose(outputs[:, 2], dropped @ dropped @ dropped, atol=1e-5)


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.parametrize("options", [{"zoneout": 0.2}, {"weight_dropout": 0.2}], ids=str)
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_trains_and_comes_back_from_a_file(kind, options, tmp_path):
    inputs = keras.Input((T, D))
    model = keras.Model(inputs, getattr(layers, kind)(U, seed=0, **options)(inputs))
    model.compile("sgd", "mse")
    x, y = draw(B, T, D), draw(B, U)
    assert np.isfinite(model.train_on_batch(x, y))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(model.predict_on_batch(x), again.predict_on_batch(x), atol=1e-6)
    assert again.layers[-1].get_config()[next(iter(options))] == 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.GRU(U, zoneout=1.0),
            r"zoneout is 1.0; expected a number of at least 0 and below 1",
        ),
        (lambda: layers.GRU(U, zoneout=(0.1, 0.2)), "zoneout has 2 values; expected one number"),
        (
            lambda: layers.GRU(U, weight_dropout=-0.1),
            "weight_dropout is -0.1; expected a number of at least 0",
        ),
        (lambda: layers.GRU(U, kernel="fast"), "kernel is 'fast'; expected one of"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
