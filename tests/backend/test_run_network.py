"""A functional network called with little around it, against Keras's own call of it."""

import keras
import numpy as np
import pytest

from rnnkit import layers
from rnnkit.backend import native

L = keras.layers
rng = np.random.default_rng(0)
X = rng.normal(size=(2, 5, 3)).astype("float32")
IDS = np.array([[3, 1, 2, 0, 0], [4, 1, 1, 2, 0]])


def recurrent():
    x = keras.Input((None, 3))
    h = layers.LSTM(4, return_sequences=True)(L.Rescaling(0.5)(x))
    return keras.Model(x, L.Add()([L.Dense(1)(h), x[..., :1]])), X


def masked():
    ids = keras.Input((None,), dtype="int32")
    h = layers.GRU(4, return_sequences=True)(L.Embedding(9, 3, mask_zero=True)(ids))
    return keras.Model(ids, layers.MaskedPooling("mean+max")(h)), IDS


def masking_layer():
    x = keras.Input((None, 3))
    return keras.Model(x, layers.LSTM(4)(L.Masking()(x))), X * (IDS > 0)[..., None]


def states_and_structures():
    x, state = keras.Input((None, 3)), keras.Input((4,))
    h, *states = layers.LSTM(4, return_state=True)(x, initial_state=[state, state])
    return keras.Model([x, state], [h, *states]), [X, np.ones((2, 4), "float32")]


def inner_network():
    inner = keras.Sequential([keras.Input((3,)), L.Dense(2, activation="tanh")])
    x = keras.Input((None, 3))
    return keras.Model(x, L.TimeDistributed(inner)(x)), X


def penalties():
    x = keras.Input((None, 3))
    h = layers.SimpleRNN(4, activity_regularizer="l2", kernel_regularizer="l2")(x)
    return keras.Model(x, L.Dense(1, activity_regularizer="l1")(h)), X


def half_precision():
    x = keras.Input((None, 3))
    h = layers.LSTM(4, dtype="mixed_bfloat16")(x)
    return keras.Model(x, L.Dense(1, dtype="float32")(h)), X


def statistics():
    x = keras.Input((None, 3))
    return keras.Model(x, L.BatchNormalization()(L.Dense(2)(x))), X


MAKERS = [recurrent, masked, masking_layer, states_and_structures]
MAKERS += [inner_network, penalties, half_precision, statistics]


def told(network, run):
    """Outputs, their masks, losses and weights of a network after a call."""
    outputs = keras.tree.flatten(run())
    masks = [getattr(output, "_keras_mask", None) for output in outputs]
    found = [*outputs, *[m for m in masks if m is not None], *network.losses, *network.weights]
    return [keras.ops.convert_to_numpy(part) for part in found]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("make", MAKERS)
def test_a_network_computes_the_same(make, training):
    (network, inputs), (twin, _) = make(), make()
    twin.set_weights(network.get_weights())
    inputs = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
    for _ in range(2):  # what one call leaves behind is not in the next
        wanted = told(network, lambda: network(inputs, training=training))
        found = told(twin, lambda: native.run_network(twin, inputs, training))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_dropout_draws_the_same_numbers():
    x = keras.Input((None, 3))
    network = keras.Model(x, L.Dropout(0.5, seed=3)(layers.LSTM(4, dropout=0.5, seed=2)(x)))
    tensor = keras.ops.convert_to_tensor(X)
    seeds = [v for v in network.variables if "seed" in v.path]
    states = [keras.ops.copy(v) for v in seeds]
    wanted = keras.ops.convert_to_numpy(network(tensor, training=True))
    for variable, state in zip(seeds, states, strict=True):
        variable.assign(state)
    found = keras.ops.convert_to_numpy(native.run_network(network, tensor, training=True))
    np.testing.assert_array_equal(found, wanted)
    assert np.any(found != keras.ops.convert_to_numpy(native.run_network(network, tensor)))


def test_wrong_shapes_are_refused_as_by_keras():
    network, _ = recurrent()
    with pytest.raises(ValueError, match="shape"):
        native.run_network(network, keras.ops.ones((2, 5, 4)))


@pytest.mark.skipif(keras.config.backend() != "torch", reason="hooks are PyTorch's")
def test_hooks_of_a_layer_are_called():
    network, inputs = recurrent()
    calls = []
    network.layers[-1].register_forward_hook(lambda *a: calls.append(1))
    native.run_network(network, keras.ops.convert_to_tensor(inputs))
    assert calls == [1]


@pytest.mark.skipif(keras.config.backend() != "torch", reason="only PyTorch has a shorter way")
def test_the_short_way_is_taken(monkeypatch):
    network, inputs = recurrent()

    def refuse(*args, **kwargs):
        raise AssertionError("Keras's call")

    for layer in network.layers:
        monkeypatch.setattr(type(layer), "__call__", refuse)
    native.run_network(network, keras.ops.convert_to_tensor(inputs))


@pytest.mark.skipif(keras.config.backend() != "torch", reason="only PyTorch has a shorter way")
@pytest.mark.parametrize("where", ["module", "network", "layer", "tensor"])
def test_a_version_of_keras_with_other_names_is_called_in_the_usual_way(where, monkeypatch):
    from rnnkit.backend.torch import network as short_way

    assert short_way.reads_keras()
    monkeypatch.setitem(short_way.INTERNALS, where, ("name_of_another_version",))
    monkeypatch.setattr(short_way, "reads_keras", short_way.reads_keras.__wrapped__)
    assert not short_way.reads_keras()
    network, inputs = recurrent()
    calls = []
    usual = type(network).__call__
    monkeypatch.setattr(
        type(network), "__call__", lambda *a, **k: calls.append(1) or usual(*a, **k)
    )
    found = native.run_network(network, keras.ops.convert_to_tensor(inputs))
    assert calls == [1]
    assert tuple(found.shape) == (2, 5, 1)
