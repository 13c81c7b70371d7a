"""`memory=`: what a pass keeps changes no value and no gradient, only the memory it needs."""

import keras
import numpy as np
import pytest
from autodiff import gradients
from deep import few_elsewhere, mostly_deep
from keras import ops

from rnnkit import layers
from rnnkit.errors import InputError

B, T, D, U = 5, 7, 2, 3
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1, 1],
        [0, 1, 0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    bool,
)


def everything(layer, x, states, mask):
    """Outputs, states and all gradients of one pass."""
    weight = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(B, T, U)), "float32")

    def loss(x, *states):
        outputs, *last = layer(x, initial_state=list(states), mask=mask)
        return ops.sum(outputs * weight) + sum(ops.sum(s * weight[:, 0]) for s in last)

    tensors = layer(x, initial_state=states, mask=mask)
    outputs = [ops.convert_to_numpy(ops.stop_gradient(o)) for o in tensors]
    by_arrays, by_weights = gradients(loss, [x, *states], layer.trainable_variables)
    return [*outputs, *by_arrays, *by_weights]


@pytest.mark.parametrize("kernel", ["auto", "portable"])
@pytest.mark.parametrize(
    "options",
    few_elsewhere([{}, {"go_backwards": True}], {"go_backwards": True}),
    ids=["forward", "backward"],
)
def test_every_choice_gives_the_same_values_and_gradients(options, kernel):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(B, T, D)).astype("float32")
    states = [rng.normal(size=(B, U)).astype("float32") for _ in range(2)]
    found = {}
    for memory in ("store", "recompute", "sqrt"):
        layer = layers.LSTM(
            U, return_sequences=True, return_state=True, memory=memory, kernel=kernel, **options
        )
        layer.build((B, T, D))
        drawn = [0.5 * rng.normal(size=w.shape) for w in layer.get_weights()]
        layer.set_weights(found.setdefault("weights", drawn))
        found[memory] = everything(layer, x, states, MASK)
    for memory in ("recompute", "sqrt"):
        for value, wanted in zip(found[memory], found["store"], strict=True):
            np.testing.assert_allclose(value, wanted, atol=1e-5)


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.parametrize("memory", mostly_deep(["recompute", "sqrt"], "sqrt"))
def test_trains_with_an_unknown_number_of_steps(memory):
    inputs = keras.Input((None, D))
    x = layers.GRU(U, memory=memory, zoneout=0.1, return_sequences=True)(inputs)
    model = keras.Model(inputs, layers.SimpleRNN(U, memory=memory)(x))
    model.compile("sgd", "mse")
    for steps in (5, 9):
        loss = model.train_on_batch(np.ones((B, steps, D), "float32"), np.ones((B, U), "float32"))
        assert np.isfinite(loss)


def test_an_unknown_word_is_refused():
    with pytest.raises(InputError, match=r"memory is 'all'; expected one of \('store'"):
        layers.LSTM(U, memory="all")
