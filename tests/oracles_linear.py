"""The gated linear recurrences as NumPy loops in float64: one row and one step at a time.

Gradients are slopes: differences of the loops themselves, so that no derivation stands behind them.
Where that takes too long, `scan_gradients` goes back through time by hand (and is tested against
slopes in its turn).
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def gelu(x):
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the form of Griffin."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def slopes(f, arrays, step=1e-6):
    """Return the gradient of the number `f(*arrays)` by each array, by central differences."""
    arrays = [np.array(a, "float64") for a in arrays]
    found = []
    for array in arrays:
        slope = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            kept = array[place]
            array[place] = kept + step
            above = f(*arrays)
            array[place] = kept - step
            slope[place] = (above - f(*arrays)) / (2 * step)
            array[place] = kept
        found.append(slope)
    return found


def scan(a, b, h0, reverse=False):
    """h_t = a_t h_{t-1} + b_t."""
    a, b, h = (np.asarray(x, "float64") for x in (a, b, h0))
    states = np.zeros_like(b)
    for t in range(b.shape[1])[:: -1 if reverse else 1]:
        h = a[:, t] * h + b[:, t]
        states[:, t] = h
    return states


def scan_gradients(a, b, h0, by, reverse=False):
    """The gradients of `sum(by * h)` by a, b and h0, back through time."""
    a, h0, by = (np.asarray(x, "float64") for x in (a, h0, by))
    states = scan(a, b, h0, reverse)
    order = list(range(a.shape[1]))[:: -1 if reverse else 1]
    da, db, dh = np.zeros_like(a), np.zeros_like(a), np.zeros_like(h0)
    for place in reversed(range(len(order))):
        t = order[place]
        before = states[:, order[place - 1]] if place else h0
        dh = dh + by[:, t]
        da[:, t], db[:, t] = dh * before, dh
        dh = dh * a[:, t]
    return da, db, dh


def min_gru(x, h, weights, g=lambda x: x, signed=False):
    """Gates in the order z, h."""
    z, candidate = np.split(x @ weights[0] + weights[1], 2)
    z = sigmoid(z)
    return (1 - 2 * z if signed else 1 - z) * h + z * g(candidate)


def min_lstm(x, h, weights, g=lambda x: x, signed=False):
    """Gates in the order f, i, h."""
    f, i, candidate = np.split(x @ weights[0] + weights[1], 3)
    f, i = sigmoid(f), sigmoid(i)
    kept, new = f / (f + i), i / (f + i)
    return (kept - new if signed else kept) * h + new * g(candidate)


def positive(x):
    return np.where(x >= 0, x + 0.5, sigmoid(x))


def blocks(x, kernel):
    """Multiply each part of x by its own block of the kernel (blocks, D/blocks, U/blocks)."""
    return np.concatenate([p @ k for p, k in zip(np.split(x, len(kernel)), kernel, strict=True)])


def rg_lru(x, h, weights):
    """Weights: gate kernels (2, blocks, D/blocks, U/blocks), gate biases (2, U), Λ, then W, b."""
    gate_kernel, gate_bias, decay, *projection = weights
    r = sigmoid(blocks(x, gate_kernel[0]) + gate_bias[0])
    i = sigmoid(blocks(x, gate_kernel[1]) + gate_bias[1])
    v = x @ projection[0] + projection[1] if projection else x
    a = np.exp(-8 * softplus(decay) * r)
    return a * h + np.sqrt(1 - a**2) * (i * v)


def run(step, x, state, mask=None, resets=None, backwards=False, zero_output=False):
    """Run `step(x_t, h) -> h` over `x (B, T, D)`: outputs in the order of the pass, last state."""
    batch, steps, _ = x.shape
    mask = np.ones((batch, steps), bool) if mask is None else mask
    resets = np.zeros((batch, steps), bool) if resets is None else resets
    state = np.array(state, "float64")
    outputs = np.zeros((batch, steps, state.shape[1]))
    for row in range(batch):
        output = np.zeros(state.shape[1])
        for place, t in enumerate(range(steps)[:: -1 if backwards else 1]):
            if resets[row, t]:
                state[row] = output = 0.0 * output
            if mask[row, t]:
                state[row] = output = step(x[row, t], state[row])
            if mask[row, t] or not zero_output:
                outputs[row, place] = output
    return outputs, state
