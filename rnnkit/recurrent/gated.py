"""Base of the gated layers: a second activation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar, Unpack

import keras

from rnnkit.recurrent.base import RecurrentLayer, RecurrentOptions
from rnnkit.recurrent.cells import Cell


class GatedLayer(RecurrentLayer):
    """A recurrent layer with a separate activation of the gates. Abstract.

    Args:
        units: size U of the state.
        activation: activation of the candidate, and of an LSTM's output.
        recurrent_activation: activation of the gates.
        use_bias: add a bias.
        **options: see `RecurrentLayer`.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("activation", "recurrent_activation")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(units, use_bias=use_bias, **options)
        self.activation = keras.activations.get(activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    equations: Callable  # of one step

    @cached_property
    def cell(self) -> Cell:
        """The equations, with the layer's activations."""
        return Cell(self.with_activations(self.equations))

    def with_activations(self, step: Callable) -> Callable:
        """Return the step with the layer's activations."""
        return partial(
            step, activation=self.activation, recurrent_activation=self.recurrent_activation
        )
