"""Dropout of the tasks: the rate, the mean, and the same numbers for the same seed."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rnnkit.tasks.recurrent_stack import Dropout


def dropped(rate, seed=3, x=None, calls=1):
    layer = Dropout(rate, seed=seed)
    x = np.full((40, 50, 51), 3.0, "float32") if x is None else x
    for _ in range(calls):
        found = layer(x, training=True)
    return keras.ops.convert_to_numpy(found)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.97])
def test_a_share_of_the_numbers_is_zero_and_the_mean_stays(rate):
    found = dropped(rate)
    error = 5 * np.sqrt(rate * (1 - rate) / found.size)
    assert abs((found == 0).mean() - rate) < error
    np.testing.assert_allclose(found[found != 0], 3.0 / (1 - rate), rtol=1e-3)
    assert abs(found.mean() / 3.0 - 1) < error / (1 - rate)
    # Every fourth number, which are drawn together, and neighbours are independent.
    zero = (found == 0).ravel()
    for apart in (1, 2, 3, 4):
        both = (zero[apart:] & zero[:-apart]).mean()
        assert abs(both - rate**2) < 2 * error
    for first in range(4):
        assert abs(zero[first::4].mean() - rate) < 2 * error


def test_seeds_and_calls_draw_anew_and_the_same_seed_the_same():
    first = dropped(0.5)
    np.testing.assert_array_equal(first, dropped(0.5))
    for other in (dropped(0.5, seed=4), dropped(0.5, calls=2)):
        assert 0.45 < ((first == 0) == (other == 0)).mean() < 0.55


def test_only_in_training_and_in_the_dtype_that_came():
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(Dropout(0.5)(x)), x)
    layer = Dropout(0.5, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(layer(x, training=True).dtype) == "bfloat16"
    config = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(config).rate == 0.5
