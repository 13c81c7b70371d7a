"""Gated recurrent unit, in both forms."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Unpack

import keras

from rnnkit.recurrent import cells
from rnnkit.recurrent.base import Options
from rnnkit.recurrent.cells import Cell
from rnnkit.recurrent.gated import GatedLayer
from rnnkit.recurrent.sequence import Shape, Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
class GRU(GatedLayer):
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
        resets: boolean `(B, T)`, true = the row starts anew at this step.

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

    @property
    def system(self) -> str:  # type: ignore[override]
        """Which of the two forms."""
        return "gru_reset_after" if self.reset_after else "gru_reset_before"

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        if self.reset_after:
            return Cell(self.with_activations(cells.gru_reset_after))
        return Cell(self.with_activations(cells.gru_reset_before), prepare=cells.cut_candidate)

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights, the two biases apart."""
        params = super().parameters()
        if self.use_bias and self.reset_after:
            params["bias"], params["recurrent_bias"] = params["bias"][0], params["bias"][1]
        return params

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        return {**super().get_config(), "reset_after": self.reset_after}
