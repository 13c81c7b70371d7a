"""The cells of the further recurrent systems in NumPy, for `oracles.run` and `oracles.gradients`.

Each gives `shapes (D, U)` of its weights in the layer's order, `step` and its `back` by hand.
"""

from __future__ import annotations

import numpy as np
from oracles import LSTM, sigmoid

NARROW = 2  # the size of a projection, and of the Jordan network's output


def squash(c):
    """The slope of tanh."""
    return 1 - np.tanh(c) ** 2


class Peephole:
    """Gates in the order i, f, candidate, o; peepholes to i, f (from c before) and o (from c)."""

    states = 2

    @staticmethod
    def shapes(width, units):
        return [(width, 4 * units), (units, 4 * units), (4 * units,), (3, units)]

    @staticmethod
    def step(x, states, weights):
        (s, c0), (w, r, b, p) = states, weights
        a_i, a_f, a_c, a_o = np.split(x @ w + s @ r + b, 4)
        i, f, g = sigmoid(a_i + p[0] * c0), sigmoid(a_f + p[1] * c0), np.tanh(a_c)
        c = f * c0 + i * g
        o = sigmoid(a_o + p[2] * c)
        return (o * np.tanh(c), c), (x, s, c0, i, f, g, o, c)

    @staticmethod
    def back(d_states, kept, weights):
        (dh, dc), (x, s, c0, i, f, g, o, c), (w, r, _, p) = d_states, kept, weights
        d_o = dh * np.tanh(c) * o * (1 - o)
        dc = dc + dh * o * squash(c) + d_o * p[2]
        d_i, d_f = dc * g * i * (1 - i), dc * c0 * f * (1 - f)
        da = np.concatenate([d_i, d_f, dc * i * (1 - g**2), d_o])
        dc0 = dc * f + d_i * p[0] + d_f * p[1]
        dp = np.stack([d_i * c0, d_f * c0, d_o * c])
        return da @ w.T, (da @ r.T, dc0), (np.outer(x, da), np.outer(s, da), da, dp)


class Coupled:
    """Gates in the order f, candidate, o; the input gate is 1 - f."""

    states = 2

    @staticmethod
    def shapes(width, units):
        return [(width, 3 * units), (units, 3 * units), (3 * units,)]

    @staticmethod
    def step(x, states, weights):
        (s, c0), (w, r, b) = states, weights
        a_f, a_c, a_o = np.split(x @ w + s @ r + b, 3)
        f, g, o = sigmoid(a_f), np.tanh(a_c), sigmoid(a_o)
        c = f * c0 + (1 - f) * g
        return (o * np.tanh(c), c), (x, s, c0, f, g, o, c)

    @staticmethod
    def back(d_states, kept, weights):
        (dh, dc), (x, s, c0, f, g, o, c), (w, r, _) = d_states, kept, weights
        dc = dc + dh * o * squash(c)
        d_f, d_g = dc * (c0 - g) * f * (1 - f), dc * (1 - f) * (1 - g**2)
        da = np.concatenate([d_f, d_g, dh * np.tanh(c) * o * (1 - o)])
        return da @ w.T, (da @ r.T, dc * f), (np.outer(x, da), np.outer(s, da), da)


class Projected:
    """The LSTM of `oracles`, its output times a matrix."""

    states = 2

    @staticmethod
    def shapes(width, units):
        return [(width, 4 * units), (NARROW, 4 * units), (4 * units,), (units, NARROW)]

    @staticmethod
    def state_sizes(weights):
        units, narrow = weights[3].shape
        return [narrow, units]

    @staticmethod
    def step(x, states, weights):
        (h, c), kept = LSTM.step(x, states, weights[:3])
        return (h @ weights[3], c), (h, kept)

    @staticmethod
    def back(d_states, kept, weights):
        (dy, dc), (h, kept) = d_states, kept
        dx, first, parts = LSTM.back((dy @ weights[3].T, dc), kept, weights[:3])
        return dx, first, (*parts, np.outer(h, dy))


class LayerNorm:
    """Gates in the order i, f, candidate, o, from LN(x W) + LN(s R) + b; LN(c) before the output's
    tanh."""

    states = 2
    EPSILON = 1e-5

    @staticmethod
    def shapes(width, units):
        wide = 4 * units
        return [(width, wide), (units, wide), (wide,), (wide,), (wide,), (units,), (units,)]

    @classmethod
    def norm(cls, a):
        return (a - a.mean()) / np.sqrt(a.var() + cls.EPSILON)

    @classmethod
    def norm_back(cls, d, a):
        """The gradient by `a`, given `d`, the one by `norm(a)`."""
        n = cls.norm(a)
        return (d - d.mean() - n * (d * n).mean()) / np.sqrt(a.var() + cls.EPSILON)

    @classmethod
    def step(cls, x, states, weights):
        (s, c0), (w, r, b, gain_w, gain_r, gain_c, bias_c) = states, weights
        gates = gain_w * cls.norm(x @ w) + gain_r * cls.norm(s @ r) + b
        a_i, a_f, a_c, a_o = np.split(gates, 4)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_c), sigmoid(a_o)
        c = f * c0 + i * g
        shown = np.tanh(gain_c * cls.norm(c) + bias_c)
        return (o * shown, c), (x, s, c0, i, f, g, o, c, shown)

    @classmethod
    def back(cls, d_states, kept, weights):
        (dh, dc), (x, s, c0, i, f, g, o, c, shown) = d_states, kept
        w, r, _, gain_w, gain_r, gain_c, _ = weights
        d_shown = dh * o * (1 - shown**2)
        dc = dc + cls.norm_back(d_shown * gain_c, c)
        d_i, d_f, d_g = dc * g * i * (1 - i), dc * c0 * f * (1 - f), dc * i * (1 - g**2)
        da = np.concatenate([d_i, d_f, d_g, dh * shown * o * (1 - o)])
        d_xw, d_sr = cls.norm_back(da * gain_w, x @ w), cls.norm_back(da * gain_r, s @ r)
        parts = (np.outer(x, d_xw), np.outer(s, d_sr), da)
        parts += (da * cls.norm(x @ w), da * cls.norm(s @ r), d_shown * cls.norm(c), d_shown)
        return d_xw @ w.T, (d_sr @ r.T, dc * f), parts


class Jordan:
    """h = tanh(x W + y R + b), y = tanh(h V + c); the state is y."""

    states = 1

    @staticmethod
    def shapes(width, units):
        return [(width, units), (NARROW, units), (units,), (units, NARROW), (NARROW,)]

    @staticmethod
    def step(x, states, weights):
        (s,), (w, r, b, v, c) = states, weights
        h = np.tanh(x @ w + s @ r + b)
        y = np.tanh(h @ v + c)
        return (y,), (x, s, h, y)

    @staticmethod
    def back(d_states, kept, weights):
        (dy,), (x, s, h, y), (w, r, _, v, _) = d_states, kept, weights
        d_out = dy * (1 - y**2)
        da = (d_out @ v.T) * (1 - h**2)
        parts = (np.outer(x, da), np.outer(s, da), da, np.outer(h, d_out), d_out)
        return da @ w.T, (da @ r.T,), parts


CELLS = {
    "PeepholeLSTM": Peephole,
    "CoupledLSTM": Coupled,
    "ProjectedLSTM": Projected,
    "LayerNormLSTM": LayerNorm,
    "JordanRNN": Jordan,
}


def draw_weights(cell, width, units, rng, scale=0.6):
    """Weights of the shapes that the layers have, in their order."""
    return [scale * rng.normal(size=shape) for shape in cell.shapes(width, units)]
