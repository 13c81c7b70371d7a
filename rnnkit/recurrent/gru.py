"""Gated recurrent unit, in both forms."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Unpack

import keras

from rnnkit.recurrent import cells
from rnnkit.recurrent.base import RecurrentOptions
from rnnkit.recurrent.cells import Cell
from rnnkit.recurrent.gated import GatedLayer
from rnnkit.recurrent.sequence import Shape, Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class GRU(GatedLayer):
    """Gated recurrent unit, with the reset gate after or before the product.

    `z, r = σ(x_t W_• + h_{t-1} U_• + b_•)`, `h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃`, and
    with `reset_after=True` (Keras's default, the form of fused kernels, `3U(D + U + 2)`
    parameters)
    `h̃ = tanh(x_t W_h + b_h + r ⊙ (h_{t-1} U_h + b'_h))`,
    with `reset_after=False` (`3U(D + U + 1)` parameters)
    `h̃ = tanh(x_t W_h + b_h + (r ⊙ h_{t-1}) U_h)`.

    Drop-in replacement for `keras.layers.GRU`: same arguments, same weights, gates in the order
    z, r, h. Where the literature swaps z and 1 - z it is the same model with the weights of the
    update gate negated.

    Call arguments, masks, return values and errors: see `SequenceLayer`; one state, h.

    Args:
        reset_after: apply the reset gate after the product with the recurrent kernel.
        **options: see `GatedLayer`.

    Source: Cho et al. 2014, arXiv:1406.1078.

    Example:
        >>> GRU(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("reset_after",)
    gates = 3
    gate_names: ClassVar[tuple[str, ...]] = ("z", "r")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        reset_after: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        self.reset_after = reset_after

    def bias_shape(self) -> Shape:
        """Return `(2, 3U)`, input and recurrent bias, or `(3U,)`."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    @property
    def cell_type(self) -> str:  # type: ignore[override]
        """The form: "gru_reset_after" or "gru_reset_before"."""
        return "gru_reset_after" if self.reset_after else "gru_reset_before"

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        if self.reset_after:
            return Cell(self.with_activations(cells.gru_reset_after))
        return Cell(
            self.with_activations(cells.gru_reset_before), prepare=cells.split_recurrent_kernel
        )

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights, the two biases separately."""
        params = super().parameters()
        if self.use_bias and self.reset_after:
            params["bias"], params["recurrent_bias"] = params["bias"][0], params["bias"][1]
        return params
