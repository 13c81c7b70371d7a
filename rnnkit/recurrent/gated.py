"""What the layers with gates share: a second activation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

import keras

from rnnkit.recurrent.base import Options, RecurrentLayer


class GatedLayer(RecurrentLayer):
    """A recurrent layer whose gates have an activation of their own. Abstract."""

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

    def with_activations(self, step: Callable) -> Callable:
        """Return the step with the layer's activations."""
        return partial(
            step, activation=self.activation, recurrent_activation=self.recurrent_activation
        )

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
        }
