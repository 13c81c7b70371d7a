"""Weights between rnnkit, keras.layers and torch.nn: what goes over computes the same."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest
from deep import few_elsewhere
from parity import MASK, B, D, T, U, draw, numpy

from rnnkit import layers
from rnnkit.errors import InputError
from rnnkit.layers import GRU, LSTM, Bidirectional, SimpleRNN
from rnnkit.recurrent.convert import copy_weights, from_torch, to_torch
from rnnkit.recurrent.lstm_variants import PeepholeLSTM, ProjectedLSTM
from rnnkit.recurrent.stack import Stack

NO_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def built(layer, width=D):
    layer.build((None, None, width))
    return layer


@pytest.mark.parametrize("to_keras", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda kit: kit.SimpleRNN(U, "relu"),
        lambda kit: kit.LSTM(U, use_bias=False),
        lambda kit: kit.GRU(U, reset_after=False),
        lambda kit: kit.Bidirectional(kit.GRU(U), merge_mode="sum"),
    ],
    ids=["SimpleRNN", "LSTM", "GRU", "Bidirectional"],
)
def test_to_and_from_keras(make, to_keras):
    kits = [layers, keras.layers] if to_keras else [keras.layers, layers]
    source, target = (built(make(kit)) for kit in kits)
    source.set_weights([draw(*w.shape, seed=i) for i, w in enumerate(source.get_weights())])
    copy_weights(source, target)
    for one, other in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({w.tobytes() for w in target.get_weights()}) == len(target.get_weights())


def test_each_of_two_layers_of_the_same_weights_trains_alone():
    """On JAX a buffer that both held would be given away by the training of one of them."""
    source, target = built(keras.layers.GRU(U)), built(GRU(U))
    copy_weights(source, target)
    before = source.get_weights()
    inputs = keras.Input((None, D))
    model = keras.Model(inputs, target(inputs))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(draw(B, T, D), np.ones((B, U)), verbose=0)
    for kept, weight, trained in zip(
        before, source.get_weights(), target.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, kept)
        assert np.any(trained != kept)


def test_states_and_frozen_layers_do_not_matter():
    source, target = keras.layers.GRU(U, stateful=True), GRU(U, stateful=True, trainable=False)
    for layer in (source, target):
        layer.build((B, T, D))
    target.states[0].assign(np.ones((B, U)))
    copy_weights(source, target)
    np.testing.assert_array_equal(target.kernel, source.cell.kernel)
    np.testing.assert_array_equal(target.states[0], np.ones((B, U)))


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (lambda: keras.layers.LSTM(4), lambda: GRU(4), "expected two layers of one class"),
        (lambda: keras.layers.LSTM(4), lambda: PeepholeLSTM(4), "expected two layers of one class"),
        (lambda: keras.layers.Dense(4), lambda: keras.layers.Dense(4), "expected two layers"),
        (lambda: keras.layers.GRU(4), lambda: GRU(5), "has units=4, .* has 5"),
        (lambda: keras.layers.GRU(4, reset_after=False), lambda: GRU(4), "has reset_after=False"),
        (lambda: keras.layers.GRU(4, "relu"), lambda: GRU(4), "has activation='relu', .* 'tanh'"),
        (lambda: keras.layers.LSTM(4), lambda: LSTM(4, use_bias=False), "has use_bias=True"),
        (
            lambda: keras.layers.Bidirectional(keras.layers.GRU(4)),
            lambda: Bidirectional(GRU(4, "relu")),
            "has activation='tanh'",
        ),
    ],
)
def test_what_is_no_twin_is_refused(source, target, message):
    with pytest.raises(InputError, match=message):
        copy_weights(built(source()), built(target()))


def test_what_is_not_built_or_of_another_width_is_refused():
    with pytest.raises(InputError, match=r"gru.* has no weights yet"):
        copy_weights(built(GRU(4)), keras.layers.GRU(4))
    with pytest.raises(InputError, match=r"has weights of the shapes \[\(3, 4\).* expects \[\(5,"):
        copy_weights(built(SimpleRNN(4)), built(keras.layers.SimpleRNN(4), 5))


TOP = {"return_sequences": True, "return_state": True}
CASES = {  # torch's module, its options, our layer
    "RNN": ("RNN", {}, lambda: SimpleRNN(U, **TOP)),
    "RNN relu": ("RNN", {"nonlinearity": "relu"}, lambda: SimpleRNN(U, "relu", **TOP)),
    "LSTM": ("LSTM", {}, lambda: LSTM(U, **TOP)),
    "LSTM without bias": ("LSTM", {"bias": False}, lambda: LSTM(U, use_bias=False, **TOP)),
    "GRU": ("GRU", {}, lambda: GRU(U, **TOP)),
    "GRU without bias": ("GRU", {"bias": False}, lambda: GRU(U, use_bias=False, **TOP)),
    "projected": ("LSTM", {"proj_size": 2}, lambda: ProjectedLSTM(U, 2, **TOP)),
    "two directions": ("GRU", {"bidirectional": True}, lambda: Bidirectional(GRU(U, **TOP))),
    "three layers": ("LSTM", {"num_layers": 3}, lambda: Stack(LSTM(U, **TOP), depth=3)),
    "projected, two layers, two directions": (
        "LSTM",
        {"num_layers": 2, "bidirectional": True, "proj_size": 2},
        lambda: Stack(Bidirectional(ProjectedLSTM(U, 2, **TOP)), depth=2),
    ),
}


@NO_TORCH
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", few_elsewhere(CASES, "LSTM", "GRU"))
def test_from_torch_and_back(name):
    """Outputs and all states; then our weights, changed, in a fresh module of torch."""
    import torch

    kind, options, make = CASES[name]
    module = getattr(torch.nn, kind)(D, U, batch_first=True, **options).to("cpu")
    layer = from_torch(make(), module.state_dict())
    if name.startswith("GRU"):  # so that only the right order of the gates can agree
        with torch.no_grad():
            module.weight_ih_l0[:U] += 2
        from_torch(layer, module.state_dict())
    x = draw(B, T, D)
    assert_same(module, layer, x)
    layer.set_weights([w + 0.1 * draw(*w.shape, seed=9) for w in layer.get_weights()])
    again = getattr(torch.nn, kind)(D, U, batch_first=True, **options).to("cpu")
    again.load_state_dict({key: torch.from_numpy(w) for key, w in to_torch(layer).items()})
    assert_same(again, layer, x)


def assert_same(module, layer, x):
    import torch

    with torch.no_grad():
        wanted, states = module(torch.from_numpy(x))
    states = states if isinstance(states, tuple) else (states,)
    # torch stacks each kind of state over the layers and directions; ours is a list, pass by pass.
    states = [kind[place] for place in range(len(states[0])) for kind in states]
    found = layer(x)
    assert len(found) == 1 + len(states)
    for one, other in zip(found, [wanted, *states], strict=True):
        np.testing.assert_allclose(numpy(one), other.numpy(), atol=1e-5)


def fake(gates, width=D, units=U, number=0, names=("weight_ih", "weight_hh", "bias_ih", "bias_hh")):
    """What torch's state would be, without torch."""
    shapes = [(gates * units, width), (gates * units, units), (gates * units,), (gates * units,)]
    parts = zip(names, shapes, strict=False)
    return {f"{name}_l{number}": draw(*shape, seed=i) for i, (name, shape) in enumerate(parts)}


def test_a_layer_out_of_a_deep_module_and_two_biases_become_one():
    state = fake(4) | fake(4, width=U, number=1)
    layer = from_torch(LSTM(U), state, layer_index=1)
    assert layer.kernel.shape == (U, 4 * U)
    bias = state["bias_ih_l1"] + state["bias_hh_l1"]
    np.testing.assert_allclose(numpy(layer.bias), bias, atol=1e-6)
    back = to_torch(layer, layer_index=1)
    assert sorted(back) == sorted(fake(4, number=1))
    np.testing.assert_allclose(back["bias_ih_l1"], bias, atol=1e-6)
    np.testing.assert_array_equal(back["bias_hh_l1"], 0)


@pytest.mark.parametrize(
    ("make", "state", "message"),
    [
        (
            lambda: LSTM(U),
            fake(4, number=1),
            r"the state lacks \['bias_hh_l0'.* additionally has \[\]",
        ),
        (
            lambda: LSTM(U, use_bias=False),
            fake(4),
            r"lacks \[\] and additionally has \['bias_hh_l0', 'bias_ih_l0'\]",
        ),
        (
            lambda: LSTM(U),
            fake(4) | {"weight_ih_l0_reverse": 0},
            "additionally has .'weight_ih_l0_reverse'",
        ),
        (lambda: GRU(U), fake(4), r"weight_ih_l0 has the shape \(16, 3\); .* expects \(12, 3\)"),
        (lambda: built(GRU(U), 5), fake(3), r"the shape \(12, 3\); gru.* expects \(12, 5\)"),
        (lambda: GRU(U, reset_after=False), fake(3), "no GRU .cell type 'gru_reset_before'"),
        (lambda: PeepholeLSTM(U), fake(4), "no PeepholeLSTM"),
        (lambda: keras.layers.LSTM(U), fake(4), "no LSTM .cell type None"),
        (lambda: LSTM(U, "relu"), fake(4), "activation is 'relu'; torch.nn.LSTM has tanh only"),
        (lambda: SimpleRNN(U, "elu"), fake(1), "torch.nn.RNN has tanh and relu only"),
        (lambda: GRU(U, go_backwards=True), fake(3), "go_backwards is True; in torch.nn only"),
        (lambda: Bidirectional(GRU(U), "sum"), fake(3), "merge_mode is 'sum'"),
        (lambda: Stack([GRU(U), GRU(5)]), fake(3), "have one class and one size"),
        (lambda: Stack(GRU(U), 2, residual=True), fake(3), "no residual connections"),
    ],
)
def test_what_torch_has_no_twin_of_is_refused(make, state, message):
    layer = make()
    before = layer.get_weights()
    with pytest.raises(InputError, match=message):
        from_torch(layer, state)
    for one, other in zip(before, layer.get_weights(), strict=False):
        np.testing.assert_array_equal(one, other)


def test_to_torch_wants_a_built_layer():
    with pytest.raises(InputError, match=r"gru.* has no weights yet"):
        to_torch(GRU(U))


def test_converted_layers_take_masks():
    """What torch cannot: the converted layer is a layer like any other."""
    layer = from_torch(GRU(U), fake(3))
    assert tuple(layer(draw(B, T, D), mask=MASK).shape) == (B, U)
