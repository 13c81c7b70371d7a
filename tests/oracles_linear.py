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


def min_gru(x, states, weights, g=lambda x: x, signed=False):
    """Gates in the order z, h."""
    z, candidate = np.split(x @ weights[0] + weights[1], 2)
    z = sigmoid(z)
    return ((1 - 2 * z if signed else 1 - z) * states[0] + z * g(candidate),)


def min_lstm(x, states, weights, g=lambda x: x, signed=False):
    """Gates in the order f, i, h."""
    f, i, candidate = np.split(x @ weights[0] + weights[1], 3)
    f, i = sigmoid(f), sigmoid(i)
    kept, new = f / (f + i), i / (f + i)
    return ((kept - new if signed else kept) * states[0] + new * g(candidate),)


def positive(x):
    return np.where(x >= 0, x + 0.5, sigmoid(x))


def rg_lru(x, states, weights):
    """Weights: gates' kernel (n, D/n, 2U/n), their bias (2, U), Λ, and for v a kernel and bias."""
    kernel, bias, decay, *projection = weights
    parts = [part @ block for part, block in zip(np.split(x, len(kernel)), kernel, strict=True)]
    halves = [np.split(part, 2) for part in parts]
    r, i = (sigmoid(np.concatenate([half[k] for half in halves]) + bias[k]) for k in (0, 1))
    v = x @ projection[0] + projection[1] if projection else x
    a = np.exp(-8 * softplus(decay) * r)
    return (a * states[0] + np.sqrt(1 - a**2) * (i * v),)


def rms_norm(x, scale):
    return scale * x / np.sqrt(np.mean(x**2) + 1e-6)


def block(x, states, weights):
    """States: the last output, h, the last inputs of the convolution, the latest last."""
    convolution, norm, mlp_norm, w1, b1, w2, b2, *gates = weights
    *gates, w3, b3, w4, b4, w5, b5 = gates
    _, h, before = states
    normed = rms_norm(x, norm)
    seen = np.concatenate([before.reshape(-1, len(h)), [normed @ w1 + b1]])
    mixed = sum(k * u for k, u in zip(convolution, seen[::-1], strict=True))
    (h,) = rg_lru(mixed, (h,), gates)
    x = x + (h * gelu(normed @ w2 + b2)) @ w3 + b3
    gate, value = np.split(rms_norm(x, mlp_norm) @ w4 + b4, 2)
    return x + (gelu(gate) * value) @ w5 + b5, h, seen[1:].reshape(-1)


def run(step, x, states, weights, mask=None, resets=None, backwards=False, zero_output=False):
    """Run `step(x_t, states, weights) -> states` over `x (B, T, D)`.

    Returns the first state of every step in the order of the pass, and the last states.
    """
    batch, steps, _ = x.shape
    mask = np.ones((batch, steps), bool) if mask is None else mask
    resets = np.zeros((batch, steps), bool) if resets is None else resets
    outputs = np.zeros((batch, steps, states[0].shape[1]))
    last = [np.zeros(state.shape) for state in states]
    for row in range(batch):
        now, output = tuple(state[row] for state in states), np.zeros(outputs.shape[-1])
        for place, t in enumerate(range(steps)[:: -1 if backwards else 1]):
            if resets[row, t]:
                now, output = tuple(0 * state for state in now), 0 * output
            if mask[row, t]:
                now = step(x[row, t], now, weights)
                output = now[0]
            if mask[row, t] or not zero_output:
                outputs[row, place] = output
        for into, state in zip(last, now, strict=True):
            into[row] = state
    return outputs, last
