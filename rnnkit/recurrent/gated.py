"""Base of the gated layers: a second activation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar, Unpack

import keras

from rnnkit.recurrent.base import RecurrentLayer, RecurrentOptions
from rnnkit.recurrent.cells import Cell
from rnnkit.recurrent.sequence import Tensor

GATES = ("i", "f", "o", "z", "r")  # in the order in which they are shown


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
    gate_names: ClassVar[tuple[str, ...]] = ()  # in the order in which a step activates them

    @cached_property
    def cell(self) -> Cell:
        """The equations, with the layer's activations."""
        return Cell(self.with_activations(self.equations))

    def gate_activations(self, x: Tensor, states: tuple) -> dict[str, Tensor]:
        """Return the values of the gates in one step, by name.

        Args:
            x: `(N, D)`, the inputs of the step.
            states: before it, each `(N, S)`.

        Returns:
            name -> `(N, U)`; "gate 1" and so on in a subclass that does not name its gates.
        """
        values: list[Tensor] = []

        def kept(gate: Tensor) -> Tensor:
            values.append(self.recurrent_activation(gate))
            return values[-1]

        params = self.cell.prepare(self.parameters())
        step: Callable = partial(self.cell.step, recurrent_activation=kept)  # type: ignore[call-arg]
        step(self.cell.project(x, params), states, params)
        if len(self.gate_names) != len(values):
            return {f"gate {place}": value for place, value in enumerate(values, 1)}
        found = dict(zip(self.gate_names, values, strict=True))
        return {name: found[name] for name in sorted(found, key=GATES.index)}

    def with_activations(self, step: Callable) -> Callable:
        """Return the step with the layer's activations."""
        return partial(
            step, activation=self.activation, recurrent_activation=self.recurrent_activation
        )
