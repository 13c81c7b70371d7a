"""Integrated gradients and connectivity of functions, on every backend."""

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit import layers
from rnnkit.errors import InputError
from rnnkit.explain import connectivity, integrated_gradients


def small_network(**options):
    """A GRU over three steps, and a weighted sum of its outputs: a value for each row."""
    layer = layers.GRU(4, return_sequences=True, seed=1, **options)
    layer.build((None, 3, 2))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape).astype("float32") for w in layer.get_weights()])
    return layer, rng.normal(size=(3, 2)).astype("float32")


def test_attributions_of_a_product_and_a_square():
    """∫ of a product from 0 gives each factor a half; a sum gives each term its own."""

    def function(x, y):
        return x[:, 0] * x[:, 1] + ops.square(y[:, 0, 0]) + 7

    found = integrated_gradients(function, [np.array([3.0, -2.0]), np.array([[1.5]])])
    np.testing.assert_allclose(found.parts[0], [-3, -3], rtol=1e-5)
    np.testing.assert_allclose(found.parts[1], [[2.25]], rtol=1e-5)
    assert (found.value, found.baseline_value, found.steps) == (pytest.approx(3.25), 7, 16)
    assert found.complete


def test_a_baseline_that_is_not_zero():
    """From a to b, of x²: b² - a²."""
    found = integrated_gradients(
        lambda x: ops.square(x[:, 0]), [np.array([3.0])], [np.array([1.0])]
    )
    np.testing.assert_allclose(found.parts[0], [8], rtol=1e-5)
    assert found.baseline_value == pytest.approx(1)


def test_attributions_of_a_recurrent_layer_are_the_integral_of_finite_differences():
    layer, x = small_network()

    def function(points):
        return ops.sum(layer(points)[:, -1], axis=-1)

    found = integrated_gradients(function, [x])
    step, nodes = 1e-2, (np.arange(40) + 0.5) / 40
    expected = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        moved = np.zeros_like(x)
        moved[place] = step
        path = nodes[:, None, None] * x
        ends = [ops.convert_to_numpy(function(path + sign * moved)) for sign in (1, -1)]
        expected[place] = x[place] * np.mean((ends[0] - ends[1]) / (2 * step))
    np.testing.assert_allclose(found.parts[0], expected, atol=2e-3)
    np.testing.assert_allclose(found.parts[0].sum(), found.value - found.baseline_value, atol=1e-5)


@pytest.mark.every_backend
def test_connectivity_is_the_norm_of_finite_differences():
    layer, x = small_network()

    def outputs(points, chosen):
        return ops.sum(layer(points)[:, :, 0] * chosen, axis=-1)

    found = connectivity(outputs, [x], 3)
    step = 1e-2
    slopes = np.zeros((3, *x.shape))
    for place in np.ndindex(*x.shape):
        moved = np.zeros_like(x)
        moved[place] = step
        ends = [ops.convert_to_numpy(layer((x + sign * moved)[None]))[0, :, 0] for sign in (1, -1)]
        slopes[(slice(None), *place)] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(found, np.linalg.norm(slopes, axis=-1), atol=2e-3)
    assert not np.triu(found, 1).any()  # no output depends on a later step


@pytest.mark.one_backend
def test_more_nodes_where_the_function_has_a_kink():
    def kink(x):
        return ops.relu(x[:, 0] - 1) - ops.relu(x[:, 0] - 2.9)

    found = integrated_gradients(kink, [np.array([3.0])])
    assert found.steps > 16
    assert found.complete
    few = integrated_gradients(kink, [np.array([3.0])], steps=3)
    assert few.steps == 3
    assert not few.complete
    with pytest.raises(InputError, match="steps is 0"):
        integrated_gradients(kink, [np.array([3.0])], steps=0)


@pytest.mark.one_backend
def test_many_outputs_are_computed_in_several_batches():
    x = np.ones((40, 1))
    found = connectivity(lambda x, chosen: ops.sum(3 * x[:, :, 0] * chosen, axis=-1), [x], 40)
    np.testing.assert_array_equal(found, 3 * np.eye(40))


@pytest.mark.one_backend
def test_the_outputs_of_a_layer_are_changed_in_one_thread_alone():
    import threading

    from rnnkit.tasks.layer_outputs import changed_outputs

    layer, other = keras.layers.Identity(), []
    with changed_outputs([layer], lambda layer, found, x: found + 1):
        own = float(layer(ops.zeros(1))[0])
        asked = threading.Thread(target=lambda: other.append(float(layer(ops.zeros(1))[0])))
        asked.start()
        asked.join()
    assert (own, other, float(layer(ops.zeros(1))[0])) == (1.0, [0.0], 0.0)
