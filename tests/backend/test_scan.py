"""`backend.native.scan`: the same loop on every backend, against a Python loop in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit import backend
from rnnkit.backend import native


def reference(x, k, start, reverse):
    """carry <- 2 carry + x k, y <- carry - x."""
    carry, ys = start, np.zeros_like(x)
    for t in range(len(x))[:: -1 if reverse else 1]:
        carry = 2 * carry + x[t] * k[t]
        ys[t] = carry - x[t]
    return carry, ys


def step(carry, xs):
    (c,), (x, k) = carry, xs
    c = 2 * c + x * k
    return (c,), c - x


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_equals_a_loop(steps, reverse, unroll):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(steps, 3, 2)).astype("float32")
    k = rng.normal(size=(steps, 3, 1)).astype("float32")
    start = rng.normal(size=(3, 2)).astype("float32")
    tensors = ops.convert_to_tensor(x), ops.convert_to_tensor(k)
    init = (ops.convert_to_tensor(start),)
    (carry,), ys = native.scan(step, init, tensors, reverse=reverse, unroll=unroll)
    expected_carry, expected_ys = reference(x, k, start, reverse)
    np.testing.assert_allclose(ops.convert_to_numpy(carry), expected_carry, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(ys), expected_ys, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("unroll", [False, True])
def test_collects_nothing_where_y_is_none(unroll):
    x = ops.convert_to_tensor(np.arange(4.0, dtype="float32").reshape(4, 1))

    def add(carry, xs):
        return (carry[0] + xs[0], carry[1] * 2), None

    init = (ops.zeros((1,)), ops.ones((2,)))
    (total, power), ys = native.scan(add, init, (x,), unroll=unroll)
    assert ys is None
    assert ops.convert_to_numpy(total).tolist() == [6.0]
    assert ops.convert_to_numpy(power).tolist() == [16.0, 16.0]


def test_the_number_of_steps_may_be_unknown_when_the_model_is_built():
    class Sum(keras.layers.Layer):
        def call(self, x):
            first = x[:, 0, :] * 0
            (total,), seen = native.scan(
                lambda c, xs: ((c[0] + xs[0],), c[0] + xs[0]), (first,), (ops.swapaxes(x, 0, 1),)
            )
            return total + 0 * seen[-1]

        def compute_output_shape(self, shape):
            return (shape[0], shape[2])

    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, Sum()(inputs))
    for steps in (1, 3):
        output = model.predict_on_batch(np.ones((2, steps, 2), "float32"))
        np.testing.assert_allclose(output, np.full((2, 2), steps))


def test_the_names_and_devices_of_the_running_backend():
    assert backend.name == keras.config.backend()
    assert native.__name__ == f"rnnkit.backend.{backend.name}"
    devices = backend.devices()
    assert devices
    assert all(isinstance(device, str) for device in devices)
