"""The Jordan network: the output is fed back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.errors import check_count
from rnnkit.recurrent.base import RecurrentLayer, RecurrentOptions
from rnnkit.recurrent.cells import Cell, Params, Tensor, dropped


def jordan_rnn(
    x: Tensor,
    states: tuple,
    params: Params,
    *,
    activation: Callable[[Tensor], Tensor],
    output_activation: Callable[[Tensor], Tensor],
) -> tuple:
    """Jordan network: `h_t = f(x_t W + y_{t-1} U + b)`, `y_t = g(h_t V + c)` (Jordan 1986)."""
    (y,) = states
    h = activation(x + ops.matmul(dropped(y, params), params["recurrent_kernel"]))
    y = ops.matmul(h, params["output_kernel"])
    return (output_activation(y + params["output_bias"] if "output_bias" in params else y),)


@keras.saving.register_keras_serializable(package="rnnkit")
class JordanRNN(RecurrentLayer):
    """Jordan network: the output, not the hidden layer, is fed back.

    `h_t = f(x_t W + y_{t-1} U + b)`, `y_t = g(h_t V + c)`, with `U(D + O + 1) + O(U + 1)`
    parameters. The one state is y.

    Weights: kernel `(D, U)`, recurrent kernel `(O, U)`, bias `(U)`, `output_kernel (U, O)`,
    `output_bias (O)`. The last two have the initializers, regularizers and constraints of kernel
    and bias. Recurrent dropout applies to y.

    Call arguments, masks, return values and errors: see `SequenceLayer`.

    Args:
        units: size U of the hidden layer h.
        output_units: size O of the state and output y; `units` when left out.
        activation: f.
        output_activation: g. With an unbounded one y can diverge.
        use_bias: add b and c.
        **options: see `RecurrentLayer`.

    Source: Jordan 1986, Serial Order: A Parallel Distributed Processing Approach.

    Example:
        >>> JordanRNN(8, output_units=2)(keras.ops.ones((2, 5, 3))).shape
        (2, 2)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("output_units", "activation", "output_activation")
    gates = 1
    cell_type = "jordan_rnn"

    def __init__(
        self,
        units: int,
        output_units: int | None = None,
        activation: Any = "tanh",
        output_activation: Any = "tanh",
        use_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        output_units = units if output_units is None else output_units
        check_count("JordanRNN: units", units)
        self.output_units = check_count("JordanRNN: output_units", output_units)  # for `state_size`
        super().__init__(units, use_bias=use_bias, **options)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)

    @property
    def state_size(self) -> list[int]:
        """Size of y."""
        return [self.output_units]

    def build_weights(self, width: int) -> None:
        """Create the weights of the hidden layer and of the output."""
        super().build_weights(width)
        self.output_kernel = self.add_weight_like(
            "kernel", "output_kernel", (self.units, self.output_units)
        )
        if self.use_bias:
            self.output_bias = self.add_weight_like("bias", "output_bias", (self.output_units,))

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        names = ("activation", "output_activation")
        return Cell(partial(jordan_rnn, **{name: getattr(self, name) for name in names}))

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights."""
        names = ["output_kernel"] + ["output_bias"] * self.use_bias
        added = {name: ops.convert_to_tensor(getattr(self, name)) for name in names}
        return {**super().parameters(), **added}
