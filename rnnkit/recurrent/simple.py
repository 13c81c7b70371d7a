"""The simple (Elman) recurrent network."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, ClassVar, Unpack

import keras

from rnnkit.recurrent import cells
from rnnkit.recurrent.base import RecurrentLayer, RecurrentOptions
from rnnkit.recurrent.cells import Cell


@keras.saving.register_keras_serializable(package="rnnkit")
class SimpleRNN(RecurrentLayer):
    """Elman network: `h_t = f(x_t W + h_{t-1} U + b)`, with `U(D + U + 1)` parameters.

    Drop-in replacement for `keras.layers.SimpleRNN`: same arguments, same weights.

    Call arguments, masks, return values and errors: see `SequenceLayer`; one state, h.

    Args:
        units: size U of the state and of the output.
        activation: f.
        use_bias: add b.
        **options: see `RecurrentLayer`.

    Source: Elman 1990, Finding Structure in Time.

    Example:
        >>> SimpleRNN(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("activation",)
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
