"""Recurrent cells as pure functions: the equations of one step.

Every step takes `x`, the projected input `x_t W + b` of shape `(B, G U)`, the states `(B, U)` and
the parameters by name, and returns the new states, the output first. The parameter `drop`, if there
is one, is the recurrent dropout mask `(B, U)`, the same at every step (Gal and Ghahramani 2016,
arXiv:1512.05287): it applies to the state that enters the product with the recurrent kernel, never
to the state that is carried over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras import ops

from rnnkit.deprecation import renamed_names

Tensor = Any
Params = Mapping[str, Tensor]
Unary = Callable[[Tensor], Tensor]  # an activation


def linear(x: Tensor, params: Params) -> Tensor:
    """Input projection `x_t W + b`, the part of a step that is independent of the state."""
    projected = ops.matmul(x, params["kernel"])
    return projected + params["bias"] if "bias" in params else projected


def identity(params: Params) -> Params:
    """Return the parameters unchanged."""
    return params


@dataclass(frozen=True)
class Cell:
    """A recurrence as pure functions of tensors.

    Args:
        step: `(projected (B, P), states, params) -> states`, the output first.
        project: `(x (..., D), params) -> (..., P)`, the input projection.
        prepare: `params -> params`, applied once before the loop.
    """

    step: Callable[[Tensor, tuple, Params], tuple]
    project: Callable[[Tensor, Params], Tensor] = linear
    prepare: Callable[[Params], Params] = identity


def dropped(h: Tensor, params: Params) -> Tensor:
    """Apply the recurrent dropout mask, if any."""
    return h * params["drop"] if "drop" in params else h


def simple_rnn(x: Tensor, states: tuple, params: Params, *, activation: Unary) -> tuple:
    """Elman network: `h_t = f(x_t W + b + h_{t-1} U)` (Elman 1990)."""
    (h,) = states
    return (activation(x + ops.matmul(dropped(h, params), params["recurrent_kernel"])),)


def lstm(
    x: Tensor, states: tuple, params: Params, *, activation: Unary, recurrent_activation: Unary
) -> tuple:
    """LSTM: `c_t = f ⊙ c_{t-1} + i ⊙ c̃`, `h_t = o ⊙ tanh(c_t)`; gates in the order i, f, c, o.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    h, c = states
    gates = x + ops.matmul(dropped(h, params), params["recurrent_kernel"])
    i, f, candidate, o = ops.split(gates, 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(candidate)
    return recurrent_activation(o) * activation(c), c


def gru_reset_after(
    x: Tensor, states: tuple, params: Params, *, activation: Unary, recurrent_activation: Unary
) -> tuple:
    """GRU, reset after the product: `h̃ = tanh(x_h + r ⊙ (h_{t-1} U_h + b'_h))`; gates z, r, h.

    `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃`. This is the form that fused kernels compute.
    """
    (h,) = states
    inner = ops.matmul(dropped(h, params), params["recurrent_kernel"])
    if "recurrent_bias" in params:
        inner = inner + params["recurrent_bias"]
    x_z, x_r, x_h = ops.split(x, 3, axis=-1)
    h_z, h_r, h_h = ops.split(inner, 3, axis=-1)
    z = recurrent_activation(x_z + h_z)
    r = recurrent_activation(x_r + h_r)
    candidate = activation(x_h + r * h_h)
    return (candidate + z * (h - candidate),)


def split_recurrent_kernel(params: Params) -> Params:
    """Split the recurrent kernel into that of the gates `(U, 2U)` and of the candidate `(U, U)`.

    Split inside the loop, its gradient would be padded and summed at every step.
    """
    kernel = params["recurrent_kernel"]
    units = kernel.shape[0]
    split = {"gate_kernel": kernel[:, : 2 * units], "candidate_kernel": kernel[:, 2 * units :]}
    return {name: value for name, value in params.items() if name != "recurrent_kernel"} | split


def gru_reset_before(
    x: Tensor, states: tuple, params: Params, *, activation: Unary, recurrent_activation: Unary
) -> tuple:
    """GRU, reset before the product: `h̃ = tanh(x_h + (r ⊙ h_{t-1}) U_h)`; gates z, r, h.

    `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃` (Cho et al. 2014, arXiv:1406.1078).
    """
    (h,) = states
    entering = dropped(h, params)
    x_z, x_r, x_h = ops.split(x, 3, axis=-1)
    h_z, h_r = ops.split(ops.matmul(entering, params["gate_kernel"]), 2, axis=-1)
    z = recurrent_activation(x_z + h_z)
    r = recurrent_activation(x_r + h_r)
    candidate = activation(x_h + ops.matmul(r * entering, params["candidate_kernel"]))
    return (candidate + z * (h - candidate),)


__getattr__ = renamed_names(
    __name__, {"as_they_are": "identity", "cut_candidate": "split_recurrent_kernel"}
)
