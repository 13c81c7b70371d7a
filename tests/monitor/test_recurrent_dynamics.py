"""Gradient flow by lag, gates and step Jacobians, against NumPy loops and finite differences."""

import keras
import numpy as np
import oracles
import pytest

from rnnkit import errors, layers, monitor
from rnnkit.monitor.dynamics import recurrent_dynamics
from rnnkit.monitor.recurrent_passes import record_passes

T, D, U = 6, 3, 4
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 1, 0], [0] * 6], bool)
B = len(MASK)


def network(layer, masked=True):
    """A model of one layer that takes ids; 0 is padding."""
    embedding = keras.layers.Embedding(20, D, mask_zero=masked)
    return keras.Sequential([embedding, layer])


def ids():
    drawn = np.random.default_rng(0).integers(1, 20, (B, T))
    return np.where(MASK, drawn, 0)


def filled(model, x):
    """Give a model weights of a generator, the same on every backend; return the embedded ids."""
    model(x)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.7, w.shape).astype("float32") for w in model.get_weights()])
    return model.layers[0].get_weights()[0][x].astype("float64")


MINIMAL = ("MinGRU", "MinLSTM")
ONE = pytest.mark.one_backend  # a variant of what is compared on every backend


@pytest.mark.every_backend
@pytest.mark.parametrize("backwards", [True, pytest.param(False, marks=ONE)])
def test_an_elman_network_equals_the_product_of_its_jacobians(backwards):
    model = network(layers.SimpleRNN(U, go_backwards=backwards))
    x = filled(model, ids())
    w, r, b = (value.astype("float64") for value in model.layers[1].get_weights())
    (found,) = recurrent_dynamics(model, ids(), directions=None, steps=100)
    radii = []
    for row in range(B):
        times = np.flatnonzero(MASK[row])[:: -1 if backwards else 1]
        h, slopes = np.zeros(U), []
        for t in times:
            h = np.tanh(x[row, t] @ w + h @ r + b)
            slopes.append((1 - h**2)[:, None] * r.T)  # ∂h_t/∂h_{t-1}
        product = np.eye(U)
        for lag, slope in enumerate(slopes[::-1]):
            assert found.flow[row, lag] == pytest.approx(np.linalg.norm(product) / 2, rel=1e-4)
            product = product @ slope
        assert np.isnan(found.flow[row, len(times) :]).all()
        radii += [np.abs(np.linalg.eigvals(slope)).max() for slope in slopes]
    assert sorted(found.step.spectral_radius) == pytest.approx(sorted(radii), rel=1e-4)
    assert found.kernel_spectral_radius == pytest.approx(np.abs(np.linalg.eigvals(r)).max())
    assert found.gates == {}
    assert found.decay is None


GATED = {"LSTM": layers.LSTM, "GRU": layers.GRU, "GRU before": layers.GRU}
KEPT = {"LSTM": {"i": 3, "f": 4, "o": 6}, "GRU": {"z": 2, "r": 3}, "GRU before": {"z": 2, "r": 3}}


@pytest.mark.parametrize("name", ["LSTM", "GRU", pytest.param("GRU before", marks=ONE)])
def test_gates_and_steps_of_gated_cells_equal_numpy_loops(name):
    cell = oracles.CELLS[name]
    layer = GATED[name](U, **({"reset_after": False} if name == "GRU before" else {}))
    model = network(layer)
    x = filled(model, ids())
    weights = [value.astype("float64") for value in layer.get_weights()]
    (found,) = recurrent_dynamics(model, ids(), steps=100)
    assert found.step.largest_singular_value.shape == (MASK.sum(),)
    gates, norms, radii = {key: [] for key in found.gates}, [], []
    for row in range(B):
        state = (np.zeros(U),) * cell.states
        for t in np.flatnonzero(MASK[row]):
            jacobian = slopes_of(cell, x[row, t], state, weights)
            norms.append(np.linalg.norm(jacobian, 2))
            radii.append(np.abs(np.linalg.eigvals(jacobian)).max())
            state, values = gates_of(name, cell, x[row, t], state, weights)
            for key, value in values.items():
                gates[key].append(value)
    assert list(gates) == list(KEPT[name])
    for key, value in gates.items():
        np.testing.assert_allclose(found.gates[key], value, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.step.largest_singular_value, norms, rtol=1e-3)
    np.testing.assert_allclose(found.step.spectral_radius, radii, rtol=1e-3)
    key = next(iter(gates))
    low, high = found.saturation[key]
    assert low == pytest.approx(np.mean(np.array(gates[key]) < 0.1))
    assert high == pytest.approx(np.mean(np.array(gates[key]) > 0.9))


def gates_of(name, cell, x, state, weights):
    """The next state and the gates of a step, by the equations."""
    w, r, b = weights
    if name == "LSTM":
        i, f, _, o = np.split(oracles.sigmoid(x @ w + state[0] @ r + b), 4)
        found = {"i": i, "f": f, "o": o}
    else:
        both = x @ w + state[0] @ r + np.atleast_2d(b).sum(0)
        z, reset, _ = np.split(oracles.sigmoid(both), 3)
        found = {"z": z, "r": reset}
    return cell.step(x, state, weights)[0], found


def slopes_of(cell, x, state, weights):
    """Central differences of one step: `∂s_t/∂s_{t-1}` of all states side by side."""
    flat, columns = np.concatenate(state), []
    for change in np.eye(len(flat)) * 1e-6:
        ends = [
            np.concatenate(cell.step(x, tuple(np.split(moved, cell.states)), weights)[0])
            for moved in (flat + change, flat - change)
        ]
        columns.append((ends[0] - ends[1]) / 2e-6)
    return np.stack(columns, 1)


@pytest.mark.parametrize("name", ["RGLRU", *(pytest.param(n, marks=ONE) for n in MINIMAL)])
def test_a_linear_recurrence_flows_by_the_product_of_its_decay(name):
    model = network(getattr(layers, name)(U))
    filled(model, ids())
    (found,) = recurrent_dynamics(model, ids(), directions=None, steps=100)
    ends = np.cumsum(MASK.sum(1))
    for row, end in enumerate(ends):
        a = found.decay[end - MASK[row].sum() : end].astype("float64")
        products = np.cumprod(np.concatenate([np.ones((1, U)), a[:0:-1]]), 0)[: len(a)]
        expected = np.sqrt((products**2).mean(1))
        np.testing.assert_allclose(found.flow[row, : len(a)], expected, rtol=1e-4)
    np.testing.assert_allclose(found.step.spectral_radius, found.decay.max(1), rtol=1e-5)
    assert found.memory_length == pytest.approx(np.median(1 / (1 - found.decay)), rel=1e-3)
    if name == "MinGRU":
        np.testing.assert_allclose(found.gates["z"], 1 - found.decay, rtol=1e-4, atol=1e-6)
    if name == "MinLSTM":
        np.testing.assert_allclose(found.gates["f'"], found.decay, rtol=1e-4)


def test_layers_of_keras_and_both_directions_give_the_same():
    ours = network(layers.Bidirectional(layers.GRU(U, return_sequences=True)))
    theirs = network(keras.layers.Bidirectional(keras.layers.GRU(U, return_sequences=True)))
    filled(ours, ids()), filled(theirs, ids())
    both = (recurrent_dynamics(one, ids()) for one in (ours, theirs))
    pairs = list(zip(*both, strict=True))
    assert [one.name.partition("_")[0] for one, _ in pairs] == ["forward", "backward"]
    for one, other in pairs:
        np.testing.assert_allclose(one.flow, other.flow, rtol=1e-4)
        np.testing.assert_allclose(one.gates["z"], other.gates["z"], rtol=1e-4)
    lags = (~np.isnan(pairs[1][0].flow)).sum(1)
    assert lags.tolist() == MASK.sum(1).tolist()


@ONE
def test_few_directions_estimate_the_flow_of_all():
    rng = np.random.default_rng(0)
    layer, x = layers.SimpleRNN(40), rng.normal(size=(3, 5, D))
    (exact,), (few,) = recurrent_dynamics(layer, x, directions=None), recurrent_dynamics(layer, x)
    np.testing.assert_allclose(few.flow, exact.flow, rtol=0.35)
    np.testing.assert_allclose(few.flow[:, 0], 1, rtol=1e-5)
    assert few.flow_per_step == pytest.approx(exact.flow_per_step, rel=0.1)


def test_a_reset_ends_the_flow_and_states_stay():
    layer = layers.LSTM(U, stateful=True)
    x, resets = np.ones((2, T, D), "float32"), np.zeros((2, T), bool)
    resets[1, 4] = True
    layer(x)
    before = [np.array(keras.ops.convert_to_numpy(state)) for state in layer.states]
    (one,) = record_passes(layer, x)
    np.testing.assert_allclose(one.states, before)
    for state, value in zip(layer.states, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(state), value)
    flow = np.tile(np.arange(T)[::-1], (2, 1))
    found = monitor.dynamics.flow_by_lag(one._replace(resets=resets), flow)
    assert found[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert found[1, :2].tolist() == [0, 1]
    assert np.isnan(found[1, 2:]).all()


def test_unusable_input():
    with pytest.raises(errors.InputError, match="no recurrent layer"):
        recurrent_dynamics(keras.Sequential([keras.layers.Dense(2)]), np.ones((2, 3)))
    with pytest.raises(errors.InputError, match="directions"):
        recurrent_dynamics(layers.GRU(U), np.ones((2, T, D)), directions=0)
