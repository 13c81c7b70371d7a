"""Layers against the NumPy loops of `oracles`: every kind of mask and resets in one batch."""

from __future__ import annotations

import autodiff
import numpy as np
import oracles
import oracles_systems
from keras import ops

CELLS = oracles.CELLS | oracles_systems.CELLS
T, D, U = 5, 3, 4
ROWS = [  # mask, resets
    ([1, 1, 1, 1, 1], [0, 0, 0, 0, 0]),
    ([1, 1, 0, 0, 0], [0, 0, 0, 0, 0]),  # right-padded
    ([0, 0, 0, 1, 1], [0, 0, 0, 0, 0]),  # left-padded
    ([1, 0, 0, 1, 0], [0, 0, 0, 0, 0]),  # gaps
    ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),  # no real step
    ([1, 1, 1, 1, 1], [0, 0, 1, 0, 1]),
    ([1, 1, 0, 1, 0], [0, 0, 1, 1, 0]),  # a reset at a masked step and one at a real step
    ([1, 0, 1, 0, 0], [0, 0, 0, 1, 0]),  # a reset after which no real step comes
    ([0, 0, 0, 0, 0], [0, 1, 0, 0, 0]),
]
B = len(ROWS)
MASK, RESETS = (np.array(part, bool) for part in zip(*ROWS, strict=True))


def numpy(value):
    return ops.convert_to_numpy(value)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def draw_weights(cell, width, units, rng):
    """Weights of the shapes that the layer has."""
    room = oracles_systems if hasattr(cell, "shapes") else oracles
    return room.draw_weights(cell, width, units, rng)


def make(name, build, **options):
    """A built layer with drawn weights, these weights, and given states for its batch."""
    cell, rng = CELLS[name], np.random.default_rng(3)
    layer = build(return_sequences=True, return_state=True, **options)
    layer.build((B, T, D))
    weights = [w.astype("float32") for w in draw_weights(cell, D, U, rng)]
    layer.set_weights(weights)
    sizes = oracles.state_sizes(cell, weights)
    assert layer.state_size == sizes
    return layer, weights, [draw(B, size, seed=i + 5) for i, size in enumerate(sizes)]


def check_values(name, build, backwards):
    """Outputs and states, with masks, resets and given states."""
    layer, weights, states = make(name, build, go_backwards=backwards)
    wanted, last, _ = oracles.run(
        CELLS[name], draw(B, T, D), weights, MASK, states, backwards, resets=RESETS
    )
    found = layer(draw(B, T, D), initial_state=states, mask=MASK, resets=RESETS)
    for one, other in zip(found, [wanted, *last], strict=True):
        np.testing.assert_allclose(numpy(one), other, atol=1e-5)


def check_gradients(name, build, backwards):
    """Gradients by inputs, weights and states, from all outputs and the last states."""
    layer, weights, states = make(name, build, go_backwards=backwards)
    cell, x = CELLS[name], draw(B, T, D)
    by = [draw(B, T, states[0].shape[1], seed=11), *(draw(*s.shape, seed=12) for s in states)]

    def loss(x, *states):
        found = layer(x, initial_state=list(states), mask=MASK, resets=RESETS)
        return sum(ops.sum(ops.multiply(f, b)) for f, b in zip(found, by, strict=True))

    (dx, *first), dw = autodiff.gradients(loss, [x, *states], layer.trainable_variables)
    record = oracles.run(cell, x, weights, MASK, states, backwards, resets=RESETS)[2]
    wanted_x, wanted_w, wanted_first = oracles.gradients(cell, record, by[0], by[1:])
    pairs = zip([dx, *dw, *first], [wanted_x, *wanted_w, *wanted_first], strict=True)
    for found, wanted in pairs:
        np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)


def check_slopes(name, step=1e-6):
    """The gradients of the oracle itself against finite differences."""
    cell, rng = CELLS[name], np.random.default_rng(0)
    arrays = [rng.normal(size=(3, 4, 2)), *draw_weights(cell, 2, 3, rng)]
    sizes, count = oracles.state_sizes(cell, arrays[1:]), len(arrays)
    arrays += [rng.normal(size=(3, size)) for size in sizes]
    mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
    resets = np.array([[0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]], bool)
    by = [rng.normal(size=(3, 4, sizes[0])), *(rng.normal(size=(3, size)) for size in sizes)]

    def run():
        return oracles.run(
            cell, arrays[0], arrays[1:count], mask, arrays[count:], True, resets=resets
        )

    def loss():
        outputs, last, _ = run()
        return sum(np.sum(f * b) for f, b in zip([outputs, *last], by, strict=True))

    dx, dw, first = oracles.gradients(cell, run()[2], by[0], by[1:])
    for values, gradient in zip(arrays, [dx, *dw, *first], strict=True):
        for index in np.ndindex(values.shape):
            kept = values[index]
            values[index] = kept + step
            above = loss()
            values[index] = kept - step
            slope = (above - loss()) / (2 * step)
            values[index] = kept
            assert abs(gradient[index] - slope) < 1e-7
