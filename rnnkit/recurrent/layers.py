"""The recurrent layers: each names its equations (`cells.py`) and its own arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

import keras
from keras import ops

from rnnkit.recurrent import cells
from rnnkit.recurrent.base import Options, RecurrentLayer, Shape, Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class SimpleRNN(RecurrentLayer):
    """Elman network: `h_t = f(x_t W + h_{t-1} U + b)`, with `U(D + U + 1)` parameters.

    Stands where `keras.layers.SimpleRNN` stood: same arguments, same weights. The arguments that
    all recurrent layers share, and the meaning of masks, are in `RecurrentLayer`.

    Args:
        units: size U of the state and of the output.
        activation: f.
        use_bias: add b.
        **options: see `RecurrentLayer`.

    Call arguments:
        sequences: `(B, T, D)`.
        initial_state: `[(B, U)]`; zeros when left out.
        mask: boolean `(B, T)`, any pattern.
        training: apply dropout.

    Returns:
        `(B, U)`, or `(B, T, U)` with `return_sequences=True`; with `return_state=True` also `h`.

    Raises:
        InputError: units that are no positive whole number, a state or mask of another shape.

    Source: Elman 1990, Finding Structure in Time.

    Example:
        >>> SimpleRNN(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(units, use_bias=use_bias, **options)
        self.activation = keras.activations.get(activation)

    def step_function(self, drop: Tensor | None) -> Callable[[Tensor, tuple], tuple]:
        """Return the equations of one step for the current weights."""
        return partial(
            cells.simple_rnn,
            recurrent_kernel=ops.convert_to_tensor(self.recurrent_kernel),
            drop=drop,
            activation=self.activation,
        )

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "activation": activation}


class _GatedLayer(RecurrentLayer):
    """What LSTM and GRU share: a second activation, for the gates."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(units, use_bias=use_bias, **options)
        self.activation = keras.activations.get(activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
        }


@keras.saving.register_keras_serializable(package="rnnkit")
class LSTM(_GatedLayer):
    """Long short-term memory, with `4U(D + U + 1)` parameters.

    `i, f, o = σ(x_t W_• + h_{t-1} U_• + b_•)`, `c̃ = tanh(x_t W_c + h_{t-1} U_c + b_c)`,
    `c_t = f ⊙ c_{t-1} + i ⊙ c̃`, `h_t = o ⊙ tanh(c_t)`.

    Stands where `keras.layers.LSTM` stood: same arguments, same weights, gates in the order
    i, f, c, o. The arguments that all recurrent layers share, and the meaning of masks, are in
    `RecurrentLayer`.

    Args:
        units: size U of the states and of the output.
        activation: the activation of the candidate and of the cell's output.
        recurrent_activation: the activation of the gates.
        use_bias: add b.
        unit_forget_bias: start the forget gate's bias at one (Jozefowicz et al. 2015).
        **options: see `RecurrentLayer`.

    Call arguments:
        sequences: `(B, T, D)`.
        initial_state: `[h, c]`, each `(B, U)`; zeros when left out.
        mask: boolean `(B, T)`, any pattern.
        training: apply dropout.

    Returns:
        `(B, U)`, or `(B, T, U)` with `return_sequences=True`; with `return_state=True` also `h, c`.

    Raises:
        InputError: units that are no positive whole number, a state or mask of another shape.

    Source: Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000.

    Example:
        >>> LSTM(8, return_sequences=True)(keras.ops.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    gates = 4
    state_count = 2

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        self.unit_forget_bias = unit_forget_bias

    def start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the first value of the bias: the forget gate's part is one."""
        if not self.unit_forget_bias:
            return super().start_bias(shape, dtype)
        ones = ops.ones((self.units,), dtype=dtype)
        before = self.bias_initializer((self.units,), dtype=dtype)
        after = self.bias_initializer((2 * self.units,), dtype=dtype)
        return ops.concatenate([before, ones, after])

    def step_function(self, drop: Tensor | None) -> Callable[[Tensor, tuple], tuple]:
        """Return the equations of one step for the current weights."""
        return partial(
            cells.lstm,
            recurrent_kernel=ops.convert_to_tensor(self.recurrent_kernel),
            drop=drop,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
        )

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


@keras.saving.register_keras_serializable(package="rnnkit")
class GRU(_GatedLayer):
    """Gated recurrent unit, in both forms.

    `z, r = σ(x_t W_• + h_{t-1} U_• + b_•)`, `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃`, and
    with `reset_after=True` (Keras's default, what fused kernels compute, `3U(D + U + 2)`
    parameters)
    `h̃ = tanh(x_t W_h + b_h + r ⊙ (h_{t-1} U_h + b'_h))`,
    with `reset_after=False` (`3U(D + U + 1)` parameters)
    `h̃ = tanh(x_t W_h + b_h + (r ⊙ h_{t-1}) U_h)`.

    Stands where `keras.layers.GRU` stood: same arguments, same weights, gates in the order
    z, r, h. Literature that lets z replace instead of keep means the same model with the update
    gate's weights negated. The arguments that all recurrent layers share, and the meaning of
    masks, are in `RecurrentLayer`.

    Args:
        units: size U of the state and of the output.
        activation: the activation of the candidate.
        recurrent_activation: the activation of the gates.
        use_bias: add the biases.
        reset_after: apply the reset gate after the product with the recurrent kernel.
        **options: see `RecurrentLayer`.

    Call arguments:
        sequences: `(B, T, D)`.
        initial_state: `[(B, U)]`; zeros when left out.
        mask: boolean `(B, T)`, any pattern.
        training: apply dropout.

    Returns:
        `(B, U)`, or `(B, T, U)` with `return_sequences=True`; with `return_state=True` also `h`.

    Raises:
        InputError: units that are no positive whole number, a state or mask of another shape.

    Source: Cho et al. 2014, arXiv:1406.1078.

    Example:
        >>> GRU(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        reset_after: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        self.reset_after = reset_after

    def bias_shape(self) -> Shape:
        """Return `(2, 3U)`, input and recurrent bias, or `(3U,)`."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self) -> Tensor | None:
        """Return the bias that is added to the input projection."""
        bias = super().input_bias()
        return bias[0] if bias is not None and self.reset_after else bias

    def step_function(self, drop: Tensor | None) -> Callable[[Tensor, tuple], tuple]:
        """Return the equations of one step for the current weights."""
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        shared = {
            "drop": drop,
            "activation": self.activation,
            "recurrent_activation": self.recurrent_activation,
        }
        if self.reset_after:
            bias = ops.convert_to_tensor(self.bias)[1] if self.use_bias else None
            return partial(
                cells.gru_reset_after, recurrent_kernel=kernel, recurrent_bias=bias, **shared
            )
        return partial(
            cells.gru_reset_before,
            gate_kernel=kernel[:, : 2 * self.units],
            candidate_kernel=kernel[:, 2 * self.units :],
            **shared,
        )

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "reset_after": self.reset_after}
