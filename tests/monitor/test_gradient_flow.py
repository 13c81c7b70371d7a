"""The gradient of the last state by every earlier one, against products of step Jacobians."""

import numpy as np
import oracles
import pytest
from keras import ops

from rnnkit import errors, layers, monitor

T, D, U = 6, 3, 4
LAYERS = {
    "SimpleRNN": layers.SimpleRNN,
    "LSTM": layers.LSTM,
    "GRU": layers.GRU,
    "GRU before": lambda *args, **kwargs: layers.GRU(*args, reset_after=False, **kwargs),
}
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [1, 0, 0, 1, 0, 1],
        [0, 0, 0, 0, 0, 0],
    ],
    bool,
)
RESETS = np.zeros_like(MASK)
RESETS[0, 3] = RESETS[3, 4] = True  # also at a masked step
B = len(MASK)


def slopes(cell, x, state, weights):
    """Central differences of one step: `∂s_t/∂s_{t-1}` of all states side by side."""
    flat, width = np.concatenate(state), len(state[0])
    columns = []
    for place in range(len(flat)):
        ends = []
        for change in (1e-6, -1e-6):
            moved = flat.copy()
            moved[place] += change
            parts = np.split(moved, len(flat) // width)
            ends.append(np.concatenate(cell.step(x, tuple(parts), weights)[0]))
        columns.append((ends[0] - ends[1]) / 2e-6)
    return np.stack(columns, 1)


def expected(cell, x, weights, mask, resets, states, backwards, order):
    """The norms of the products, by state."""
    x, weights = x.astype("float64"), [w.astype("float64") for w in weights]
    flows = np.zeros((cell.states, B, T))
    times = list(range(T))[:: -1 if backwards else 1]
    for row in range(B):
        state, steps = tuple(s[row].astype("float64") for s in states), {}
        for t in times:
            steps[t] = np.eye(U * cell.states)
            if resets[row, t]:
                state = tuple(0 * s for s in state)
                steps[t] *= 0
            if mask[row, t]:
                steps[t] = slopes(cell, x[row, t], state, weights) @ steps[t]
                state = cell.step(x[row, t], state, weights)[0]
        product = np.eye(U * cell.states)[:U]  # of the last h
        for t in times[::-1]:
            for i, part in enumerate(np.split(product, cell.states, axis=1)):
                flows[i, row, t] = np.linalg.norm(part, order)
            product = product @ steps[t]
    return flows


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "backwards"),
    [
        ("SimpleRNN", False),
        ("LSTM", False),
        ("LSTM", True),
        ("GRU", False),
        ("GRU before", True),
    ],
)
def test_equals_the_product_of_jacobians(name, backwards):
    rng = np.random.default_rng(0)
    cell = oracles.CELLS[name]
    layer = LAYERS[name](U, go_backwards=backwards)
    layer.build((B, T, D))
    weights = [w.astype("float32") for w in oracles.draw_weights(cell, D, U, rng)]
    layer.set_weights(weights)
    x = rng.normal(size=(B, T, D)).astype("float32")
    states = [rng.normal(size=(B, U)).astype("float32") for _ in range(cell.states)]
    norm = "frobenius" if backwards else "spectral"
    found = monitor.gradient_flow(
        layer, x, mask=MASK, resets=RESETS, initial_state=states, norm=norm
    )
    wanted = expected(cell, x, weights, MASK, RESETS, states, backwards, "fro" if backwards else 2)
    assert list(found) == ["h", "c"][: cell.states]
    for one, other in zip(found.values(), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_few_copies_at_a_time_give_the_same(monkeypatch):
    layer, x = layers.GRU(U), np.random.default_rng(0).normal(size=(2, T, D))
    whole = monitor.gradient_flow(layer, x)["h"]
    monkeypatch.setattr("rnnkit.monitor.gradients._MAX_ELEMENTS", 3 * T * (D + 8 * U))
    np.testing.assert_allclose(monitor.gradient_flow(layer, x)["h"], whole, rtol=1e-5)


def test_a_linear_network_shrinks_and_grows_by_its_spectral_radius():
    flows = {}
    for radius in (0.5, 1.0, 2.0, 1e9):
        layer = layers.SimpleRNN(U, activation="linear")
        layer.build((1, T, D))
        layer.set_weights([np.zeros((D, U)), radius * np.eye(U), np.zeros(U)])
        flows[f"{radius}"] = monitor.gradient_flow(layer, np.ones((1, T, D)))["h"]
        np.testing.assert_allclose(flows[f"{radius}"][0, -4:], radius ** np.arange(4.0)[::-1])
    assert np.isinf(flows["1000000000.0"][0, 0])  # 1e45 is no float32
    assert monitor.gradient_flow_png(flows)[1:4] == b"PNG"


def test_bad_input():
    layer, x = layers.SimpleRNN(U), np.ones((2, T, D), "float32")
    with pytest.raises(errors.InputError, match="pass the inner layers"):
        monitor.gradient_flow(layers.Bidirectional(layer), x)
    with pytest.raises(errors.InputError, match=r"shape \(2, 3\)"):
        monitor.gradient_flow(layer, ops.ones((2, 3)))
    with pytest.raises(errors.InputError, match="mask has the shape"):
        monitor.gradient_flow(layer, x, mask=np.ones((2, T + 1)))
    with pytest.raises(errors.InputError, match="initial_state has the shapes"):
        monitor.gradient_flow(layer, x, initial_state=np.zeros((1, U)))
    with pytest.raises(errors.InputError, match="norm is 'max'"):
        monitor.gradient_flow(layer, x, norm="max")
    x[1, 2] = np.nan
    with pytest.raises(errors.InputError, match=r"inputs\[1, 2\]"):
        monitor.gradient_flow(layer, x)
    with pytest.raises(errors.InputError, match="no flow"):
        monitor.gradient_flow_png({})
