"""The oracles themselves: their gradients agree with finite differences."""

import numpy as np
import oracles
import pytest

STEP = 1e-6


@pytest.mark.parametrize("zero_output", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", oracles.CELLS)
def test_bptt_agrees_with_finite_differences(name, backwards, zero_output):
    rng = np.random.default_rng(0)
    cell = oracles.CELLS[name]
    x = rng.normal(size=(3, 4, 2))
    mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
    weights = oracles.draw_weights(cell, 2, 3, rng)
    states = [rng.normal(size=(3, 3)) for _ in range(cell.states)]
    d_outputs = rng.normal(size=(3, 4, 3))
    d_last = [rng.normal(size=(3, 3)) for _ in range(cell.states)]

    def loss():
        outputs, last, _ = oracles.run(cell, x, weights, mask, states, backwards, zero_output)
        return np.sum(outputs * d_outputs) + sum(
            np.sum(s * d) for s, d in zip(last, d_last, strict=True)
        )

    record = oracles.run(cell, x, weights, mask, states, backwards, zero_output)[2]
    dx, dw, first = oracles.gradients(cell, record, d_outputs, d_last)
    for values, gradient in zip([x, *weights, *states], [dx, *dw, *first], strict=True):
        for index in np.ndindex(values.shape):
            kept = values[index]
            values[index] = kept + STEP
            above = loss()
            values[index] = kept - STEP
            below = loss()
            values[index] = kept
            assert gradient[index] == pytest.approx((above - below) / (2 * STEP), abs=1e-7)


def test_a_masked_step_keeps_states_and_repeats_the_output():
    rng = np.random.default_rng(1)
    weights = oracles.draw_weights(oracles.SimpleRNN, 2, 3, rng)
    x = rng.normal(size=(1, 4, 2))
    mask = np.array([[0, 1, 0, 1]], bool)
    outputs, (last,), _ = oracles.run(oracles.SimpleRNN, x, weights, mask, [np.ones((1, 3))])
    w, r, b = weights
    first = np.tanh(x[0, 1] @ w + np.ones(3) @ r + b)
    second = np.tanh(x[0, 3] @ w + first @ r + b)
    np.testing.assert_allclose(outputs[0], [np.zeros(3), first, first, second])
    np.testing.assert_allclose(last[0], second)
