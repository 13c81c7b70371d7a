"""One step of each recurrence: the equations, nothing else.

Every function takes `x`, the projected input `x_t W + b` of shape `(B, G U)`, and the states
`(B, U)`, and returns the new states, the output first. `drop` is the recurrent dropout mask
`(B, U)`, the same at every step (Gal and Ghahramani 2016, arXiv:1512.05287), or None: it acts on
the state that enters the product with the recurrent kernel, never on the state that is carried on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

Tensor = Any
Activation = Callable[[Tensor], Tensor]


def dropped(h: Tensor, drop: Tensor | None) -> Tensor:
    """Apply the recurrent dropout mask, if there is one."""
    return h if drop is None else h * drop


def simple_rnn(
    x: Tensor, states: tuple, recurrent_kernel: Tensor, drop: Tensor | None, activation: Activation
) -> tuple:
    """Elman network: `h_t = f(x_t W + b + h_{t-1} U)` (Elman 1990)."""
    (h,) = states
    return (activation(x + ops.matmul(dropped(h, drop), recurrent_kernel)),)


def lstm(
    x: Tensor,
    states: tuple,
    recurrent_kernel: Tensor,
    drop: Tensor | None,
    activation: Activation,
    recurrent_activation: Activation,
) -> tuple:
    """LSTM: `c_t = f ⊙ c_{t-1} + i ⊙ c̃`, `h_t = o ⊙ tanh(c_t)`; gates in the order i, f, c, o.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    h, c = states
    gates = x + ops.matmul(dropped(h, drop), recurrent_kernel)
    i, f, candidate, o = ops.split(gates, 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(candidate)
    return recurrent_activation(o) * activation(c), c


def gru_reset_after(
    x: Tensor,
    states: tuple,
    recurrent_kernel: Tensor,
    recurrent_bias: Tensor | None,
    drop: Tensor | None,
    activation: Activation,
    recurrent_activation: Activation,
) -> tuple:
    """GRU, reset after the product: `h̃ = tanh(x_h + r ⊙ (h_{t-1} U_h + b'_h))`; gates z, r, h.

    `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃`. This is the form that fused kernels compute.
    """
    (h,) = states
    inner = ops.matmul(dropped(h, drop), recurrent_kernel)
    if recurrent_bias is not None:
        inner = inner + recurrent_bias
    x_z, x_r, x_h = ops.split(x, 3, axis=-1)
    h_z, h_r, h_h = ops.split(inner, 3, axis=-1)
    z = recurrent_activation(x_z + h_z)
    r = recurrent_activation(x_r + h_r)
    candidate = activation(x_h + r * h_h)
    return (candidate + z * (h - candidate),)


def gru_reset_before(
    x: Tensor,
    states: tuple,
    gate_kernel: Tensor,
    candidate_kernel: Tensor,
    drop: Tensor | None,
    activation: Activation,
    recurrent_activation: Activation,
) -> tuple:
    """GRU, reset before the product: `h̃ = tanh(x_h + (r ⊙ h_{t-1}) U_h)`; gates z, r, h.

    `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃` (Cho et al. 2014, arXiv:1406.1078). The recurrent kernel comes
    in two parts, for the gates `(U, 2U)` and for the candidate `(U, U)`: cut inside the loop, its
    gradient would be padded and added up anew at every step.
    """
    (h,) = states
    entering = dropped(h, drop)
    x_z, x_r, x_h = ops.split(x, 3, axis=-1)
    h_z, h_r = ops.split(ops.matmul(entering, gate_kernel), 2, axis=-1)
    z = recurrent_activation(x_z + h_z)
    r = recurrent_activation(x_r + h_r)
    candidate = activation(x_h + ops.matmul(r * entering, candidate_kernel))
    return (candidate + z * (h - candidate),)
