"""R2: the Jordan network, against NumPy loops and by hand."""

import functools

import keras
import numpy as np
import parity
import pytest
from keras import ops
from parity import MASK, B, D, T, U, draw, numpy

from rnnkit.errors import InputError
from rnnkit.recurrent.jordan import JordanRNN
from rnnkit.recurrent.wrappers import Bidirectional

build = functools.partial(JordanRNN, U, 2)
WAYS = pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])


def test_the_oracle_agrees_with_finite_differences():
    parity.check_slopes("JordanRNN")


@WAYS
def test_outputs_and_states(backwards):
    parity.check_values("JordanRNN", build, backwards)


@WAYS
def test_gradients(backwards):
    parity.check_gradients("JordanRNN", build, backwards)


def test_two_steps_by_hand():
    layer = JordanRNN(3, 1, "relu", "linear", return_sequences=True)
    layer.build((1, 2, 1))
    weights = [[[1, -1, 2]], [[1, 1, -1]], [0, 1, 0], [[1], [2], [3]], [-1]]
    layer.set_weights([np.array(w, "float32") for w in weights])
    # h1 = relu(1, -1 + 1, 2) = (1, 0, 2), y1 = 1 + 6 - 1 = 6
    # h2 = relu(-1 + 6, 1 + 1 + 6, -2 - 6) = (5, 8, 0), y2 = 5 + 16 - 1 = 20
    np.testing.assert_allclose(numpy(layer(np.array([[[1.0], [-1.0]]])))[0], [[6], [20]])


def test_the_number_of_parameters():
    for layer, size in ((JordanRNN(U, 2), 2), (JordanRNN(U), U)):
        layer.build((None, None, D))
        assert layer.count_params() == U * (D + size + 1) + size * (U + 1)
    layer = JordanRNN(U, 2, use_bias=False)
    assert tuple(layer(draw(B, T, D)).shape) == (B, 2)
    assert layer.count_params() == U * (D + 2) + 2 * U


def test_saved_loaded_in_both_directions(tmp_path):
    x, mask = keras.Input((None, D)), keras.Input((None,), dtype="bool")
    layer = Bidirectional(JordanRNN(U, 2, "relu", "sigmoid", return_sequences=True))
    model = keras.Model([x, mask], layer(x, mask=mask))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    inputs = [draw(B, T, D), MASK]
    found = again.predict_on_batch(inputs)
    np.testing.assert_allclose(found, model.predict_on_batch(inputs), atol=1e-6)
    assert found.shape == (B, T, 4)


def test_mixed_precision():
    full, low = build(), build(dtype="mixed_bfloat16")
    x = draw(B, T, D)
    full.build(x.shape)
    low.build(x.shape)
    low.set_weights(full.get_weights())
    found = numpy(ops.cast(low(x, mask=MASK), "float32"))
    np.testing.assert_allclose(found, numpy(full(x, mask=MASK)), atol=0.03)


def test_stateful_in_pieces_equals_the_whole():
    whole = build(return_sequences=True)
    pieces = build(return_sequences=True, stateful=True)
    x = draw(B, T, D)
    wanted = numpy(whole(x))
    pieces.build((B, None, D))
    pieces.set_weights([*whole.get_weights(), np.zeros((B, 2))])
    found = [numpy(pieces(x[:, :2])), numpy(pieces(x[:, 2:]))]
    np.testing.assert_allclose(np.concatenate(found, axis=1), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: JordanRNN(0), "JordanRNN: units is 0; expected an integer"),
        (lambda: JordanRNN(4, 0), "output_units is 0; expected an integer"),
        (
            lambda: JordanRNN(4, 2)(draw(B, T, D), initial_state=draw(B, 4)),
            r"initial_state has the shapes \[\(9, 4\)\]; expected \[\(9, 2\)\]",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
