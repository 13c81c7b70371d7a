"""Long short-term memory."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.recurrent import cells
from rnnkit.recurrent.base import RecurrentOptions
from rnnkit.recurrent.gated import GatedLayer
from rnnkit.recurrent.sequence import Shape, Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class LSTM(GatedLayer):
    """Long short-term memory, with `4U(D + U + 1)` parameters.

    `i, f, o = σ(x_t W_• + h_{t-1} U_• + b_•)`, `c̃ = tanh(x_t W_c + h_{t-1} U_c + b_c)`,
    `c_t = f ⊙ c_{t-1} + i ⊙ c̃`, `h_t = o ⊙ tanh(c_t)`.

    Drop-in replacement for `keras.layers.LSTM`: same arguments, same weights, gates in the order
    i, f, c, o.

    Call arguments, masks, return values and errors: see `SequenceLayer`; the states are h and c.

    Args:
        unit_forget_bias: initialise the bias of the forget gate at one (Jozefowicz et al. 2015).
        **options: see `GatedLayer`.

    Source: Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000.

    Example:
        >>> LSTM(8, return_sequences=True)(keras.ops.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("unit_forget_bias",)
    gates = 4
    cell_type = "lstm"
    gate_names: ClassVar[tuple[str, ...]] = ("f", "i", "o")
    equations = staticmethod(cells.lstm)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        self.unit_forget_bias = unit_forget_bias

    def start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the initial value of the bias: one for the forget gate."""
        if not self.unit_forget_bias:
            return super().start_bias(shape, dtype)
        ones = ops.ones((self.units,), dtype=dtype)
        before = self.bias_initializer((self.units,), dtype=dtype)
        after = self.bias_initializer((2 * self.units,), dtype=dtype)
        return ops.concatenate([before, ones, after])

    @property
    def state_size(self) -> list[int]:
        """Size of h and of c."""
        return [self.units, self.units]
