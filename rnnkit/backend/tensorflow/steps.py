"""One step of each cell and its gradient, by hand, without masks.

Every cell has the same three methods, so that one loop (`loop.py`) serves all of them. Gates and
equations are those of `rnnkit.recurrent.cells`; `a` is the projected input, `h_dropped` the state h
after recurrent dropout, which enters the recurrent product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

Tensor = Any
Rows = Sequence[Tensor]


def sigmoid_grad(y: Tensor, dy: Tensor) -> Tensor:
    """Return the gradient by `a` of `y = sigmoid(a)`, `dy y (1 - y)`."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


def tanh_grad(y: Tensor, dy: Tensor) -> Tensor:
    """Return the gradient by `a` of `y = tanh(a)`, `dy (1 - y²)`."""
    return tf.raw_ops.TanhGrad(y=y, dy=dy)


def relu_grad(y: Tensor, dy: Tensor) -> Tensor:
    """Return the gradient by `a` of `y = relu(a)`, `dy` where `y` is above zero."""
    return tf.raw_ops.ReluGrad(gradients=dy, features=y)


ACTIVATIONS = {"tanh": (tf.tanh, tanh_grad), "relu": (tf.nn.relu, relu_grad)}


def product_grad(d: Tensor, kernel: Tensor) -> Tensor:
    """Return the gradient by `v` of `v @ kernel`."""
    return tf.matmul(d, kernel, transpose_b=True)


def kernel_grad(v: Tensor, d: Tensor) -> Tensor:
    """Return the gradient by the kernel of `v @ kernel`, the sum over the rows."""
    return tf.matmul(v, d, transpose_a=True)


class Cell(Protocol):
    """Interface between the loop and a cell.

    `kept` is the number of tensors `(n, U)` that `forward` keeps for the gradient; the first
    `factors` of them are the inputs of the recurrent products.
    """

    kept: int
    factors: int

    def forward(self, a: Tensor, h_dropped: Tensor, states: tuple) -> tuple[tuple, tuple]:
        """Return the new states `(n, U)`, and the activations that the gradient needs."""

    def backward(self, d_states: tuple, kept: tuple) -> tuple[tuple, Tensor, tuple]:
        """Return the gradients by the gates before activation, by `h_dropped`, and by the states.

        The last are those of paths that bypass `h_dropped`; None for a first state without one.
        """

    def gradients(self, factors: Rows, d: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the gradient by the projected inputs, and those by the recurrent weights.

        Both `factors` and `d`, the gradients by the gates, contain the rows of several steps.
        """


class SimpleRNN:
    """Elman network: `h = activation(a + h U)`."""

    kept, factors = 2, 1

    def __init__(self, params: Mapping[str, Tensor], activation: str) -> None:
        self.kernel = params["recurrent_kernel"]
        self.activation, self.activation_grad = ACTIVATIONS[activation]

    def forward(self, a: Tensor, h_dropped: Tensor, states: tuple) -> tuple[tuple, tuple]:
        """See `Cell`."""
        h = self.activation(a + tf.matmul(h_dropped, self.kernel))
        return (h,), (h_dropped, h)

    def backward(self, d_states: tuple, kept: tuple) -> tuple[tuple, Tensor, tuple]:
        """See `Cell`."""
        d = self.activation_grad(kept[1], d_states[0])
        return (d,), product_grad(d, self.kernel), (None,)

    def gradients(self, factors: Rows, d: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Cell`."""
        return d[0], {"recurrent_kernel": kernel_grad(factors[0], d[0])}


class LSTM:
    """LSTM: `c = f c + i g`, `h = o tanh(c)`."""

    kept, factors = 7, 1

    def __init__(self, params: Mapping[str, Tensor], activation: str) -> None:
        self.kernel = params["recurrent_kernel"]

    def forward(self, a: Tensor, h_dropped: Tensor, states: tuple) -> tuple[tuple, tuple]:
        """See `Cell`."""
        i, f, g, o = tf.split(a + tf.matmul(h_dropped, self.kernel), 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * states[1] + i * g
        squashed = tf.tanh(c)
        return (o * squashed, c), (h_dropped, states[1], i, f, g, o, squashed)

    def backward(self, d_states: tuple, kept: tuple) -> tuple[tuple, Tensor, tuple]:
        """See `Cell`."""
        dh, dc = d_states
        _, c_before, i, f, g, o, squashed = kept
        dc += tanh_grad(squashed, dh * o)
        d = tf.concat(
            [
                sigmoid_grad(i, dc * g),
                sigmoid_grad(f, dc * c_before),
                tanh_grad(g, dc * i),
                sigmoid_grad(o, dh * squashed),
            ],
            axis=1,
        )
        return (d,), product_grad(d, self.kernel), (None, dc * f)

    def gradients(self, factors: Rows, d: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Cell`."""
        return d[0], {"recurrent_kernel": kernel_grad(factors[0], d[0])}


def interpolation_grad(dh: Tensor, h_before: Tensor, z: Tensor, g: Tensor) -> tuple:
    """Gradients of `z h_before + (1 - z) g` by z and g before activation, and by `h_before`."""
    d_before = dh * z
    return sigmoid_grad(z, dh * (h_before - g)), tanh_grad(g, dh - d_before), d_before


class GRUResetAfter:
    """GRU: `h = z h + (1 - z) g`, `g = tanh(a_g + r (h U_g + b_g))`."""

    kept, factors = 6, 1

    def __init__(self, params: Mapping[str, Tensor], activation: str) -> None:
        self.kernel, self.bias = params["recurrent_kernel"], params.get("recurrent_bias")

    def forward(self, a: Tensor, h_dropped: Tensor, states: tuple) -> tuple[tuple, tuple]:
        """See `Cell`."""
        (h_before,) = states
        inner = tf.matmul(h_dropped, self.kernel)
        if self.bias is not None:
            inner = tf.nn.bias_add(inner, self.bias)
        a_z, a_r, a_g = tf.split(a, 3, axis=1)
        u_z, u_r, u_g = tf.split(inner, 3, axis=1)
        z, r = tf.sigmoid(a_z + u_z), tf.sigmoid(a_r + u_r)
        g = tf.tanh(a_g + r * u_g)
        return (g + z * (h_before - g),), (h_dropped, h_before, z, r, g, u_g)

    def backward(self, d_states: tuple, kept: tuple) -> tuple[tuple, Tensor, tuple]:
        """See `Cell`."""
        _, h_before, z, r, g, u_g = kept
        d_z, d_g, d_before = interpolation_grad(d_states[0], h_before, z, g)
        d_r = sigmoid_grad(r, d_g * u_g)
        inner = tf.concat([d_z, d_r, d_g * r], axis=1)
        projected = tf.concat([d_z, d_r, d_g], axis=1)
        return (projected, inner), product_grad(inner, self.kernel), (d_before,)

    def gradients(self, factors: Rows, d: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Cell`."""
        projected, inner = d
        found = {"recurrent_kernel": kernel_grad(factors[0], inner)}
        if self.bias is not None:
            found["recurrent_bias"] = tf.reduce_sum(inner, axis=0)
        return projected, found


class GRUResetBefore:
    """GRU: `h = z h + (1 - z) g`, `g = tanh(a_g + (r h) U_g)`."""

    kept, factors = 6, 2

    def __init__(self, params: Mapping[str, Tensor], activation: str) -> None:
        kernel = params["recurrent_kernel"]
        units = kernel.shape[0]
        self.gates, self.candidate = tf.split(kernel, [2 * units, units], axis=1)

    def forward(self, a: Tensor, h_dropped: Tensor, states: tuple) -> tuple[tuple, tuple]:
        """See `Cell`."""
        (h_before,) = states
        units = self.candidate.shape[0]
        a_gates, a_g = tf.split(a, [2 * units, units], axis=1)
        z, r = tf.split(tf.sigmoid(a_gates + tf.matmul(h_dropped, self.gates)), 2, axis=1)
        part = r * h_dropped
        g = tf.tanh(a_g + tf.matmul(part, self.candidate))
        return (g + z * (h_before - g),), (h_dropped, part, h_before, z, r, g)

    def backward(self, d_states: tuple, kept: tuple) -> tuple[tuple, Tensor, tuple]:
        """See `Cell`."""
        h_dropped, _, h_before, z, r, g = kept
        d_z, d_g, d_before = interpolation_grad(d_states[0], h_before, z, g)
        d_part = product_grad(d_g, self.candidate)
        d_gates = tf.concat([d_z, sigmoid_grad(r, d_part * h_dropped)], axis=1)
        d_h_dropped = product_grad(d_gates, self.gates) + d_part * r
        return (d_gates, d_g), d_h_dropped, (d_before,)

    def gradients(self, factors: Rows, d: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Cell`."""
        parts = [kernel_grad(factors[0], d[0]), kernel_grad(factors[1], d[1])]
        return tf.concat(d, axis=1), {"recurrent_kernel": tf.concat(parts, axis=1)}


CELLS = {
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru_reset_after": GRUResetAfter,
    "gru_reset_before": GRUResetBefore,
}
