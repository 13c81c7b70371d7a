"""R4: the variants of the LSTM, against NumPy loops, hand formulas and torch.nn."""

import functools
from importlib.util import find_spec

import keras
import numpy as np
import oracles
import oracles_systems
import parity
import pytest
from keras import ops
from parity import MASK, B, D, T, U, draw, numpy

from rnnkit.errors import InputError
from rnnkit.recurrent.lstm import LSTM
from rnnkit.recurrent.lstm_variants import CoupledLSTM, LayerNormLSTM, PeepholeLSTM, ProjectedLSTM

KINDS = {
    "PeepholeLSTM": PeepholeLSTM,
    "CoupledLSTM": CoupledLSTM,
    "ProjectedLSTM": functools.partial(ProjectedLSTM, projection=2),
    "LayerNormLSTM": LayerNormLSTM,
}
NAMES = pytest.mark.parametrize("name", KINDS)


def builder(name):
    return functools.partial(KINDS[name], U)


@NAMES
def test_the_oracle_agrees_with_finite_differences(name):
    parity.check_slopes(name)


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@NAMES
def test_outputs_and_states(name, backwards):
    parity.check_values(name, builder(name), backwards)


@NAMES
def test_gradients(name):
    """Each in one direction: going back in time is the engine's part, not the cell's."""
    parity.check_gradients(name, builder(name), name in ("PeepholeLSTM", "LayerNormLSTM"))


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        (PeepholeLSTM(U), 4 * U * (D + U + 1) + 3 * U),
        (CoupledLSTM(U), 3 * U * (D + U + 1)),
        (ProjectedLSTM(U, 2), 4 * U * (D + 2 + 1) + U * 2),
        (LayerNormLSTM(U), 4 * U * (D + U + 1) + 8 * U + 2 * U),
        (LayerNormLSTM(U, use_bias=False), 4 * U * (D + U) + 8 * U + U),
    ],
)
def test_the_number_of_parameters(layer, count):
    layer.build((None, None, D))
    assert layer.count_params() == count


def run_twins(variant, weights, plain_weights):
    """What a variant and the plain LSTM put out with these weights."""
    found = []
    for layer, given in ((variant, weights), (LSTM(U, return_sequences=True), plain_weights)):
        layer.build((B, T, D))
        layer.set_weights(given)
        found.append(numpy(layer(draw(B, T, D), mask=MASK)))
    return found


def test_without_what_they_add_peepholes_and_projection_are_the_plain_lstm():
    kernel, recurrent, bias = draw(D, 4 * U), draw(U, 4 * U), draw(4 * U)
    plain = [kernel, recurrent, bias]
    peephole = PeepholeLSTM(U, return_sequences=True)
    np.testing.assert_allclose(*run_twins(peephole, [*plain, np.zeros((3, U))], plain), atol=1e-6)
    projected = ProjectedLSTM(U, U, return_sequences=True)
    np.testing.assert_allclose(*run_twins(projected, [*plain, np.eye(U)], plain), atol=1e-6)


def test_coupled_gates_are_the_plain_lstm_with_the_forget_gate_negated():
    """i = 1 - σ(a) = σ(-a): the input gate's weights are those of the forget gate, negated."""
    weights = [draw(D, 3 * U), draw(U, 3 * U), draw(3 * U)]
    plain = [np.concatenate([-w[..., :U], w], axis=-1) for w in weights]
    coupled = CoupledLSTM(U, return_sequences=True)
    np.testing.assert_allclose(*run_twins(coupled, weights, plain), atol=1e-6)


def test_one_step_of_layer_norm_by_keras():
    """The same step with `keras.layers.LayerNormalization` for each of the three."""
    layer = LayerNormLSTM(U, return_state=True, bias_initializer="normal")
    x, h, c = draw(B, 1, D), draw(B, U, seed=1), draw(B, U, seed=2)
    y, *_, new = map(numpy, layer(x, initial_state=[h, c]))
    kernel, recurrent, bias, *gains, last = layer.get_weights()

    def norm(a, gain, shift):
        twin = keras.layers.LayerNormalization(epsilon=1e-5)
        twin.build(a.shape)
        twin.set_weights([gain, shift])
        return numpy(twin(a))

    gates = norm(x[:, 0] @ kernel, gains[0], bias) + norm(h @ recurrent, gains[1], 0 * bias)
    i, f, g, o = np.split(gates, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
    np.testing.assert_allclose(new, f * c + i * np.tanh(g), atol=1e-5)
    np.testing.assert_allclose(y, o * np.tanh(norm(new, gains[2], last)), atol=1e-5)


def test_layer_norm_forgets_the_scale_of_inputs_and_kernels():
    layer = LayerNormLSTM(U, epsilon=1e-12)
    x = draw(B, T, D)
    first = numpy(layer(x))
    np.testing.assert_allclose(numpy(layer(100 * x)), first, atol=1e-3)
    kernel, recurrent, *rest = layer.get_weights()
    layer.set_weights([30 * kernel, 30 * recurrent, *rest])
    np.testing.assert_allclose(numpy(layer(x)), first, atol=1e-3)


def test_the_forget_gate_starts_open():
    layer = CoupledLSTM(2)
    layer.build((None, None, D))
    np.testing.assert_array_equal(layer.get_weights()[2], [1, 1, 0, 0, 0, 0])
    layer = CoupledLSTM(2, unit_forget_bias=False, bias_initializer="ones")
    layer.build((None, None, D))
    np.testing.assert_array_equal(layer.get_weights()[2], np.ones(6))


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_projected_equals_torch():
    import torch

    twin = torch.nn.LSTM(D, U, proj_size=2, batch_first=True)
    layer = ProjectedLSTM(U, 2, return_sequences=True, return_state=True)
    layer.build((B, T, D))
    w, r, b, b2, p = (value.detach().cpu().numpy() for value in twin.parameters())
    layer.set_weights([w.T, r.T, b + b2, p.T])
    with torch.no_grad():
        outputs, states = twin(torch.from_numpy(draw(B, T, D)))
    wanted = [outputs, *(state[0] for state in states)]
    for one, other in zip(layer(draw(B, T, D)), wanted, strict=True):
        np.testing.assert_allclose(numpy(one), other.numpy(), atol=1e-5)


def network():
    """All variants one after the other, with what only they can be given."""
    x, mask = keras.Input((None, D)), keras.Input((None,), dtype="bool")
    y = PeepholeLSTM(U, peephole_initializer="ones", return_sequences=True)(x, mask=mask)
    y = CoupledLSTM(U, return_sequences=True, unit_forget_bias=False)(y, mask=mask)
    y = ProjectedLSTM(U, 3, return_sequences=True, projection_initializer="he_normal")(y, mask=mask)
    y = LayerNormLSTM(U, epsilon=1e-3, use_bias=False)(y, mask=mask)
    return keras.Model([x, mask], y)


def test_a_model_saved_and_loaded(tmp_path):
    model = network()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(model.layers, again.layers, strict=True):
        assert one.get_config() == other.get_config()
        for weight, same in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, same)


@NAMES
def test_mixed_precision(name):
    """Large inputs, too: the normalisation's squares would not fit into float16."""
    layer, weights, _ = parity.make(name, builder(name), dtype="mixed_float16")
    x = draw(B, T, D) * (1000 if name == "LayerNormLSTM" else 1)
    found = layer(x, mask=MASK)[0]
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    wanted = oracles.run(oracles_systems.CELLS[name], x, weights, MASK)[0]
    np.testing.assert_allclose(numpy(ops.cast(found, "float32")), wanted, atol=0.03)


def test_regularised_training_with_everything_on():
    """Dropout of inputs, states and weights, zoneout and penalties reach the weights they add."""
    x, mask = keras.Input((T, D)), keras.Input((T,), dtype="bool")
    options = {"dropout": 0.1, "recurrent_dropout": 0.1, "weight_dropout": 0.1}
    layer = ProjectedLSTM(U, 2, zoneout=(0.1, 0.2), kernel_regularizer="l2", **options)
    model = keras.Model([x, mask], layer(x, mask=mask))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    inputs = [draw(B, T, D), MASK]
    history = model.fit(inputs, 0.2 * np.ones((B, 2)), epochs=6, batch_size=B, verbose=0)
    losses = history.history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    kernel, _, _, projection = layer.get_weights()
    wanted = 0.01 * (np.sum(kernel**2) + np.sum(projection**2))
    assert float(numpy(sum(layer.losses))) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PeepholeLSTM(0), "PeepholeLSTM: units is 0; expected an integer"),
        (lambda: ProjectedLSTM(4, 0), "projection is 0; expected an integer"),
        (lambda: ProjectedLSTM(4, 5), "projection is 5, wider than the cell of 4 units"),
        (lambda: LayerNormLSTM(4, epsilon=0), "epsilon is 0; expected a small positive"),
        (lambda: PeepholeLSTM(4, kernel="fused")(draw(B, T, D)), "cannot run this lstm_peephole"),
        (
            lambda: ProjectedLSTM(4, 2)(draw(B, T, D), initial_state=[draw(B, 4), draw(B, 4)]),
            r"initial_state has the shapes .*expected \[\(9, 2\), \(9, 4\)\]",
        ),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
