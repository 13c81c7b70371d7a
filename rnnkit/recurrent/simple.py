"""The simple (Elman) recurrent network."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, Unpack

import keras

from rnnkit.recurrent import cells
from rnnkit.recurrent.base import RecurrentLayer, RecurrentOptions
from rnnkit.recurrent.cells import Cell


@keras.saving.register_keras_serializable(package="rnnkit")
class SimpleRNN(RecurrentLayer):
    """Elman network: `h_t = f(x_t W + h_{t-1} U + b)`, with `U(D + U + 1)` parameters.

    Drop-in replacement for `keras.layers.SimpleRNN`: same arguments, same weights. The meaning of
    masks is in `SequenceLayer`.

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
        resets: boolean `(B, T)`, true = the state is zero before this step.

    Returns:
        `(B, U)`, or `(B, T, U)` with `return_sequences=True`; with `return_state=True` also `h`.

    Raises:
        InputError: units that are no positive integer, a state or mask of another shape.

    Source: Elman 1990, Finding Structure in Time.

    Example:
        >>> SimpleRNN(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    gates = 1
    cell_type = "simple_rnn"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(units, use_bias=use_bias, **options)
        self.activation = keras.activations.get(activation)

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        return Cell(partial(cells.simple_rnn, activation=self.activation))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer, for `from_config`."""
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "activation": activation}
