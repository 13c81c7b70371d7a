"""`linear_scan` of the running backend and its portable twin, against NumPy in float64."""

import autodiff
import keras
import numpy as np
import oracles_linear as oracles
import pytest
from keras import ops

from rnnkit.backend import linear, portable
from rnnkit.backend.kernels import select_scan_algorithm

WAYS = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])


def draw(batch, steps, units, seed=0):
    """Factors with zeros, ones and negative ones among them, inputs, first states."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, size=(batch, steps, units))
    a[rng.random((batch, steps)) < 0.1] = 0  # resets
    a[rng.random((batch, steps)) < 0.2] = 1  # masked steps
    arrays = a, rng.normal(size=a.shape), rng.normal(size=(batch, units))
    return [array.astype("float32") for array in arrays]


def numpy(value):
    return ops.convert_to_numpy(value)


@WAYS
@pytest.mark.parametrize(
    "shape",
    [
        (2, 1, 3),
        (1, 5, 1),
        (3, 16, 2),
        (2, 65, 3),  # one step more than the chunks hold
        (1, 530, 2),  # chunks of chunks, and a rest
        (3, 70, 3000),  # so wide that a CPU takes one step after the other
    ],
    ids=str,
)
def test_equals_the_loop(shape, reverse):
    a, b, h0 = draw(*shape)
    wanted = oracles.scan(a, b, h0, reverse)
    tensors = [ops.convert_to_tensor(x) for x in (a, b, h0)]
    found = linear.linear_scan(*tensors, reverse=reverse)
    np.testing.assert_allclose(numpy(found), wanted, atol=1e-5)
    for before, after in zip((a, b, h0), tensors, strict=True):
        np.testing.assert_array_equal(numpy(after), before)  # nothing was written over
    if shape[1] < 100:
        found = portable.linear_scan(*tensors, reverse=reverse)
        np.testing.assert_allclose(numpy(found), wanted, atol=1e-5)


@WAYS
@pytest.mark.parametrize(
    "scan", [linear.linear_scan, portable.linear_scan], ids=["own", "portable"]
)
@pytest.mark.parametrize("shape", [(2, 1, 3), (2, 70, 2)], ids=str)
def test_gradients(shape, scan, reverse):
    arrays = draw(*shape, seed=1)
    by = np.random.default_rng(2).normal(size=shape).astype("float32")
    found, _ = autodiff.gradients(
        lambda a, b, h0: ops.sum(ops.multiply(scan(a, b, h0, reverse=reverse), by)), arrays
    )
    for one, other in zip(found, oracles.scan_gradients(*arrays, by, reverse), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


def test_the_oracle_of_the_gradients_is_the_slope():
    """The hand-written gradient of the oracle against differences of the oracle itself."""
    arrays = [array.astype("float64") for array in draw(2, 4, 2, seed=3)]
    by = np.random.default_rng(4).normal(size=(2, 4, 2))
    for reverse in (False, True):
        slopes = oracles.slopes(
            lambda a, b, h0, reverse=reverse: np.sum(oracles.scan(a, b, h0, reverse) * by), arrays
        )
        found = oracles.scan_gradients(*arrays, by, reverse)
        for one, other in zip(found, slopes, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="the way of JAX alone")
@WAYS
def test_the_associative_scan_runs_on_a_cpu_too(reverse, monkeypatch):
    from rnnkit.backend.jax import linear as own

    monkeypatch.setattr(own, "select_scan_algorithm", lambda *facts: "associative")
    arrays = [ops.convert_to_tensor(array) for array in draw(2, 13, 3)]
    by = np.random.default_rng(2).normal(size=(2, 13, 3)).astype("float32")
    wanted = oracles.scan(*arrays, reverse)
    np.testing.assert_allclose(own.linear_scan(*arrays, reverse=reverse), wanted, atol=1e-5)
    found, _ = autodiff.gradients(
        lambda a, b, h0: ops.sum(own.linear_scan(a, b, h0, reverse=reverse) * by), arrays
    )
    for one, other in zip(found, oracles.scan_gradients(*arrays, by, reverse), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_number_of_rows_and_steps_may_be_unknown(jit_compile):
    if jit_compile and keras.config.backend() == "torch":
        pytest.skip("torch.compile takes minutes, and nobody asks for it")

    class Scan(keras.layers.Layer):
        def call(self, inputs):
            return linear.linear_scan(*inputs, reverse=True)

        def compute_output_shape(self, shapes):
            return shapes[1]

    inputs = [keras.Input((None, 2)), keras.Input((None, 2)), keras.Input((2,))]
    model = keras.Model(inputs, Scan()(inputs))
    model.compile(jit_compile=jit_compile)
    for batch, steps in ((2, 3), (1, 150)):
        arrays = draw(batch, steps, 2)
        found = model.predict_on_batch(arrays)
        np.testing.assert_allclose(found, oracles.scan(*arrays, True), atol=1e-5)


def test_the_way_is_chosen_from_visible_facts():
    assert select_scan_algorithm("jax", "cpu") == "loop"
    assert select_scan_algorithm("jax", "gpu") == "associative"
    assert select_scan_algorithm("torch", "cpu", width=64 * 256) == "loop"
    assert select_scan_algorithm("torch", "gpu", width=64 * 256) == "chunked"
    assert select_scan_algorithm("tensorflow", "cpu") == "chunked"
