"""One step of each variant of the LSTM: the equations, nothing else.

The arguments and the recurrent dropout mask are those of `rnnkit.recurrent.cells`.
"""

from __future__ import annotations

import keras
from keras import ops

from rnnkit.recurrent.cells import Params, Tensor, Unary, dropped


def peephole(
    x: Tensor, states: tuple, params: Params, *, activation: Unary, recurrent_activation: Unary
) -> tuple:
    """Peephole LSTM: i and f also depend on `c_{t-1}`, o on `c_t`; gates i, f, c, o.

    Source: Gers and Schmidhuber 2000, Recurrent Nets that Time and Count.
    """
    h, c = states
    gates = x + ops.matmul(dropped(h, params), params["recurrent_kernel"])
    i, f, candidate, o = ops.split(gates, 4, axis=-1)
    to_i, to_f, to_o = ops.split(params["peephole_kernel"], 3, axis=0)
    i, f = recurrent_activation(i + c * to_i), recurrent_activation(f + c * to_f)
    c = f * c + i * activation(candidate)
    return recurrent_activation(o + c * to_o) * activation(c), c


def coupled(
    x: Tensor, states: tuple, params: Params, *, activation: Unary, recurrent_activation: Unary
) -> tuple:
    """Coupled LSTM: `c_t = f ⊙ c_{t-1} + (1 - f) ⊙ c̃`; gates f, c, o.

    Source: Greff et al. 2017, LSTM: A Search Space Odyssey, arXiv:1503.04069 (CIFG).
    """
    h, c = states
    gates = x + ops.matmul(dropped(h, params), params["recurrent_kernel"])
    f, candidate, o = ops.split(gates, 3, axis=-1)
    candidate = activation(candidate)
    c = candidate + recurrent_activation(f) * (c - candidate)
    return recurrent_activation(o) * activation(c), c


def projected(
    x: Tensor, states: tuple, params: Params, *, activation: Unary, recurrent_activation: Unary
) -> tuple:
    """Projected LSTM: `h_t = (o ⊙ tanh(c_t)) P`; gates i, f, c, o.

    Source: Sak, Senior and Beaufays 2014, arXiv:1402.1128.
    """
    h, c = states
    gates = x + ops.matmul(dropped(h, params), params["recurrent_kernel"])
    i, f, candidate, o = ops.split(gates, 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(candidate)
    return ops.matmul(recurrent_activation(o) * activation(c), params["projection_kernel"]), c


def normalize(x: Tensor, gain: Tensor, epsilon: float) -> Tensor:
    """Layer normalisation: `g ⊙ (x - mean) / sqrt(variance + ε)`, both over the last axis.

    Computed in float32 at least: squares of float16 numbers overflow.
    """
    dtype = keras.backend.standardize_dtype(x.dtype)
    wide = ops.cast(x, keras.backend.result_type(dtype, "float32"))
    centred = wide - ops.mean(wide, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    return ops.cast(centred * ops.rsqrt(variance + epsilon), dtype) * gain


def project_normalized(x: Tensor, params: Params, *, epsilon: float) -> Tensor:
    """Project the inputs for `layer_norm`: `LN(x_t W; g) + b`."""
    product = normalize(ops.matmul(x, params["kernel"]), params["kernel_gain"], epsilon)
    return product + params["bias"] if "bias" in params else product


def layer_norm(
    x: Tensor,
    states: tuple,
    params: Params,
    *,
    activation: Unary,
    recurrent_activation: Unary,
    epsilon: float,
) -> tuple:
    """Layer-normalised LSTM: its two products and its cell are normalised; gates i, f, c, o.

    `gates = LN(x_t W; g) + LN(h_{t-1} U; g') + b`, `h_t = o ⊙ tanh(LN(c_t; g'') + b'')`.

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """
    h, c = states
    product = ops.matmul(dropped(h, params), params["recurrent_kernel"])
    gates = x + normalize(product, params["recurrent_gain"], epsilon)
    i, f, candidate, o = ops.split(gates, 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(candidate)
    normalized = normalize(c, params["cell_gain"], epsilon)
    if "cell_bias" in params:
        normalized = normalized + params["cell_bias"]
    return recurrent_activation(o) * activation(normalized), c
