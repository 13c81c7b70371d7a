"""Recurrent layers as plain NumPy loops in float64, with back-propagation through time by hand.

Written from the equations of the specification, one row and one step at a time, so that nothing of
the layers' own code can leak in. `run` goes through time in the order of the pass; `gradients`
goes back. Both know masks: a masked step keeps the states and repeats the last output (zeros before
the first real step), or puts out zeros with `zero_output`. Both know resets: before such a step the
states, and the output to be repeated, are zero.
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class SimpleRNN:
    """h = tanh(x W + s R + b)."""

    gates, states = 1, 1

    @staticmethod
    def bias_shape(units):
        return (units,)

    @staticmethod
    def step(x, states, weights):
        (s,), (w, r, b) = states, weights
        h = np.tanh(x @ w + s @ r + b)
        return (h,), (x, s, h)

    @staticmethod
    def back(d_states, kept, weights):
        (dh,), (x, s, h), (w, r, _) = d_states, kept, weights
        da = dh * (1 - h**2)
        return da @ w.T, (da @ r.T,), (np.outer(x, da), np.outer(s, da), da)


class LSTM:
    """Gates in the order i, f, candidate, o."""

    gates, states = 4, 2

    @staticmethod
    def bias_shape(units):
        return (4 * units,)

    @staticmethod
    def step(x, states, weights):
        (s, c0), (w, r, b) = states, weights
        a_i, a_f, a_c, a_o = np.split(x @ w + s @ r + b, 4)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_c), sigmoid(a_o)
        c = f * c0 + i * g
        return (o * np.tanh(c), c), (x, s, c0, i, f, g, o, c)

    @staticmethod
    def back(d_states, kept, weights):
        (dh, dc), (x, s, c0, i, f, g, o, c), (w, r, _) = d_states, kept, weights
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        da = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * c0 * f * (1 - f),
                dc * i * (1 - g**2),
                dh * np.tanh(c) * o * (1 - o),
            ]
        )
        return da @ w.T, (da @ r.T, dc * f), (np.outer(x, da), np.outer(s, da), da)


class GRUAfter:
    """Reset after the product; gates in the order z, r, candidate; bias (2, 3U)."""

    gates, states = 3, 1

    @staticmethod
    def bias_shape(units):
        return (2, 3 * units)

    @staticmethod
    def step(x, states, weights):
        (s,), (w, u, b) = states, weights
        x_z, x_r, x_h = np.split(x @ w + b[0], 3)
        s_z, s_r, s_h = np.split(s @ u + b[1], 3)
        z, r = sigmoid(x_z + s_z), sigmoid(x_r + s_r)
        g = np.tanh(x_h + r * s_h)
        return (z * s + (1 - z) * g,), (x, s, z, r, g, s_h)

    @staticmethod
    def back(d_states, kept, weights):
        (dh,), (x, s, z, r, g, s_h), (w, u, _) = d_states, kept, weights
        d_z = dh * (s - g) * z * (1 - z)
        d_g = dh * (1 - z) * (1 - g**2)
        d_r = d_g * s_h * r * (1 - r)
        dx = np.concatenate([d_z, d_r, d_g])
        ds = np.concatenate([d_z, d_r, d_g * r])
        return (
            dx @ w.T,
            (ds @ u.T + dh * z,),
            (np.outer(x, dx), np.outer(s, ds), np.stack([dx, ds])),
        )


class GRUBefore:
    """Reset before the product; gates in the order z, r, candidate; bias (3U,)."""

    gates, states = 3, 1

    @staticmethod
    def bias_shape(units):
        return (3 * units,)

    @staticmethod
    def step(x, states, weights):
        (s,), (w, u, b) = states, weights
        n = len(s)
        x_z, x_r, x_h = np.split(x @ w + b, 3)
        z, r = sigmoid(x_z + s @ u[:, :n]), sigmoid(x_r + s @ u[:, n : 2 * n])
        g = np.tanh(x_h + (r * s) @ u[:, 2 * n :])
        return (z * s + (1 - z) * g,), (x, s, z, r, g)

    @staticmethod
    def back(d_states, kept, weights):
        (dh,), (x, s, z, r, g), (w, u, _) = d_states, kept, weights
        n = len(s)
        d_z = dh * (s - g) * z * (1 - z)
        d_g = dh * (1 - z) * (1 - g**2)
        d_rs = d_g @ u[:, 2 * n :].T
        d_r = d_rs * s * r * (1 - r)
        da = np.concatenate([d_z, d_r, d_g])
        ds = dh * z + d_rs * r + d_z @ u[:, :n].T + d_r @ u[:, n : 2 * n].T
        du = np.concatenate([np.outer(s, d_z), np.outer(s, d_r), np.outer(r * s, d_g)], axis=1)
        return da @ w.T, (ds,), (np.outer(x, da), du, da)


CELLS = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRUAfter, "GRU before": GRUBefore}


def draw_weights(cell, width, units, rng, scale=0.6):
    """Weights of the shapes that the layers have: kernel, recurrent kernel, bias."""
    shapes = [(width, cell.gates * units), (units, cell.gates * units), cell.bias_shape(units)]
    return [scale * rng.normal(size=shape) for shape in shapes]


def state_sizes(cell, weights):
    """The size of each state, the output first; the recurrent kernel's rows if the cell is mute."""
    if hasattr(cell, "state_sizes"):
        return cell.state_sizes(weights)
    return [weights[1].shape[0]] * cell.states


def run(cell, x, weights, mask=None, states=None, backwards=False, zero_output=False, resets=None):
    """Run a cell over `x (B, T, D)`.

    Returns the outputs `(B, T, U)` in the order of the pass (a backward pass starts at the last
    step), the states after the last step, each `(B, U)`, and what `gradients` needs.
    """
    x, weights = np.asarray(x, "float64"), [np.asarray(w, "float64") for w in weights]
    batch, steps, _ = x.shape
    sizes = state_sizes(cell, weights)
    mask = np.ones((batch, steps), bool) if mask is None else np.asarray(mask, bool)
    resets = np.zeros((batch, steps), bool) if resets is None else np.asarray(resets, bool)
    if states is None:
        states = [np.zeros((batch, size)) for size in sizes]
    outputs = np.zeros((batch, steps, sizes[0]))
    last = [np.zeros((batch, size)) for size in sizes]
    tape = []
    for row in range(batch):
        state = tuple(np.asarray(s[row], "float64") for s in states)
        output = np.zeros(sizes[0])
        for place, t in enumerate(range(steps)[:: -1 if backwards else 1]):
            kept = None
            if resets[row, t]:
                state, output = tuple(np.zeros(size) for size in sizes), np.zeros(sizes[0])
            if mask[row, t]:
                state, kept = cell.step(x[row, t], state, weights)
                output = state[0]
            shown = mask[row, t] or not zero_output
            outputs[row, place] = output if shown else 0.0
            tape.append((row, place, t, kept, shown, resets[row, t]))
        for into, value in zip(last, state, strict=True):
            into[row] = value
    return outputs, last, (x, weights, tape, sizes, batch)


def gradients(cell, record, d_outputs, d_last):
    """Back-propagate through time.

    `d_outputs (B, T, U)` and `d_last` are the gradients of the loss by the outputs and by the last
    states that `run` returned. Returns those by `x`, by each weight and by each first state.
    """
    x, weights, tape, sizes, batch = record
    dx = np.zeros_like(x)
    dw = [np.zeros_like(w) for w in weights]
    first = [np.zeros((batch, size)) for size in sizes]
    for row in range(batch):
        d_state = tuple(np.array(d[row], "float64") for d in d_last)
        d_output = np.zeros(sizes[0])  # waiting for the step that made the output now repeated
        mine = [entry for entry in tape if entry[0] == row]
        for _, place, t, kept, shown, reset in reversed(mine):
            if shown:
                d_output = d_output + d_outputs[row, place]
            if kept is not None:
                d_state = (d_state[0] + d_output, *d_state[1:])
                d_output = np.zeros(sizes[0])
                dx[row, t], d_state, parts = cell.back(d_state, kept, weights)
                for into, part in zip(dw, parts, strict=True):
                    into += part
            if reset:  # nothing flows past it
                d_state, d_output = tuple(np.zeros(size) for size in sizes), np.zeros(sizes[0])
        for into, value in zip(first, d_state, strict=True):
            into[row] = value
    return dx, dw, first
