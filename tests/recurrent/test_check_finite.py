"""`check_finite` names the place of the first value that is no number."""

import numpy as np
import pytest

from rnnkit import layers
from rnnkit.errors import InputError
from rnnkit.recurrent.check import check_finite


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")


@pytest.fixture
def layer():
    made = layers.LSTM(4)
    made.build((3, 5, 2))
    return made


def test_good_input_passes(layer, x):
    check_finite(layer, x)
    check_finite(layers.GRU(3, go_backwards=True), x)
    with pytest.raises(InputError, match="expected a recurrent layer"):
        check_finite(layers.Bidirectional(layers.GRU(3)), x)


def test_the_earliest_step_is_named(layer, x):
    x[0, 4, 1] = np.inf
    x[2, 3, 0] = np.nan
    with pytest.raises(InputError, match="nan at row 2, step 3, feature 0 and at 1 more place"):
        check_finite(layer, x)


def test_masked_steps_are_of_no_account(layer, x):
    x[2, 3, 0] = np.nan
    mask = np.ones((3, 5), bool)
    mask[2, 3] = False
    check_finite(layer, x, mask=mask)
    mask[2, 3], mask[0] = True, False
    with pytest.raises(InputError, match="row 2, step 3"):
        check_finite(layer, x, mask=mask)


def test_states_and_weights_are_looked_at(layer, x):
    states = [np.zeros((3, 4), "float32"), np.full((3, 4), np.nan, "float32")]
    with pytest.raises(InputError, match=r"initial_state\[1\] holds nan at row 0, unit 0"):
        check_finite(layer, x, initial_state=states)
    weights = layer.get_weights()
    weights[1][2, 3] = np.nan
    layer.set_weights(weights)
    with pytest.raises(InputError, match=r"recurrent_kernel holds nan at axis 0 2, axis 1 3"):
        check_finite(layer, x)


def test_an_output_that_overflows_is_found_at_its_step(x):
    layer = layers.SimpleRNN(2, activation="relu")
    layer.build((3, 5, 2))
    kernel, _, bias = layer.get_weights()
    layer.set_weights([np.abs(kernel), np.full((2, 2), 1e13), bias])
    x = np.abs(x)  # 1, 1e13, 1e26, 1e39: past float32 at the fourth step
    with pytest.raises(InputError, match="the output is inf at row 0, step 3"):
        check_finite(layer, x)
