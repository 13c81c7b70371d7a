"""MinGRU and MinLSTM: gates that depend on the input only, so that all steps are parallel."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.recurrent.linear import LinearOptions, LinearRecurrence
from rnnkit.recurrent.sequence import Tensor


@keras.saving.register_keras_serializable(package="rnnkit")
def positive(x: Tensor) -> Tensor:
    """Return `x + 0.5` for `x >= 0`, `σ(x)` below: positive, continuous, unbounded.

    The candidate's activation in the logarithmic form of minGRU and minLSTM (Feng et al. 2024).

    Example:
        >>> [float(y) for y in positive(keras.ops.array([0.0, 2.0]))]
        [0.5, 2.5]
    """
    return ops.where(x >= 0, ops.relu(x) + 0.5, ops.sigmoid(x))


class _Minimal(LinearRecurrence):
    """Base of MinGRU and MinLSTM: one kernel, an activation, the signed form. Abstract.

    Args:
        activation: g; "positive" is that of the paper's logarithmic form.
        signed: allow negative factors of the state.
        **options: see `LinearRecurrence`.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("activation", "signed")
    gates: int

    def __init__(
        self,
        units: int,
        activation: Any = "linear",
        *,
        signed: bool = False,
        **options: Unpack[LinearOptions],
    ) -> None:
        super().__init__(units, **options)
        known = positive if activation == "positive" else keras.activations.get(activation)
        self.activation = known
        self.signed = signed

    def build_weights(self, width: int) -> None:
        """Create the kernel `(D, G U)` and the bias `(G U,)`."""
        self.kernel = self.add_kernel("kernel", (width, self.gates * self.units))
        self.bias = self.add_bias("bias", (self.gates * self.units,))

    def project(self, sequences: Tensor) -> list[Tensor]:
        """Return the G gates before their activations, each `(B, T, U)`, in float32 at least."""
        x = ops.matmul(sequences, ops.convert_to_tensor(self.kernel))
        if self.bias is not None:
            x = x + ops.convert_to_tensor(self.bias)
        return ops.split(ops.cast(x, self.wide), self.gates, axis=-1)

    def blend(self, new: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors `a` and `b` of an update gate `new` and a candidate."""
        a = 1.0 - 2.0 * new if self.signed else 1.0 - new
        return a, new * self.activation(candidate)


@keras.saving.register_keras_serializable(package="rnnkit")
class MinGRU(_Minimal):
    """Minimal GRU: `h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t`, with `2U(D + 1)` parameters.

    `z_t = σ(x_t W_z + b_z)`, `h̃_t = g(x_t W_h + b_h)`. With `signed=True` the state is multiplied
    by `1 - 2 z_t`, in (-1, 1), instead of `1 - z_t`, in (0, 1): a state can change its sign, as
    parity needs.

    As in the paper z replaces the state; in `GRU` it keeps the state.

    Call arguments, masks, return values and errors: see `SequenceLayer`; one state, h.

    Args:
        **options: see `_Minimal`.

    Source: Feng et al. 2024, arXiv:2410.01201; the signed form: Grazzi et al. 2024,
    arXiv:2411.12537.

    Example:
        >>> MinGRU(8, return_sequences=True)(keras.ops.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    gates = 2

    def factors(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        """Return `1 - z` (or `1 - 2 z`) and `z ⊙ h̃`."""
        z, candidate = self.project(sequences)
        return self.blend(ops.sigmoid(z), candidate)

    def gate_activations(self, sequences: Tensor) -> dict[str, Tensor]:
        """Return z."""
        return {"z": ops.sigmoid(self.project(sequences)[0])}


@keras.saving.register_keras_serializable(package="rnnkit")
class MinLSTM(_Minimal):
    """Minimal LSTM: `h_t = f'_t ⊙ h_{t-1} + i'_t ⊙ h̃_t`, with `3U(D + 1)` parameters.

    `f_t, i_t = σ(x_t W_• + b_•)`, `h̃_t = g(x_t W_h + b_h)`, and both gates divided by their sum:
    `f' = f / (f + i)`, `i' = i / (f + i)`. With `signed=True` the state is multiplied by `f' - i'`,
    in (-1, 1), instead of `f'`, in (0, 1): a state can change its sign, as parity needs.

    Gates in the order f, i, h.

    Call arguments, masks, return values and errors: see `SequenceLayer`; one state, h.

    Args:
        **options: see `_Minimal`.

    Source: Feng et al. 2024, arXiv:2410.01201; the signed form: Grazzi et al. 2024,
    arXiv:2411.12537.

    Example:
        >>> MinLSTM(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    gates = 3

    def factors(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        """Return `f'` (or `f' - i'`) and `i' ⊙ h̃`."""
        f, i, candidate = self.project(sequences)
        return self.blend(_share(i, f), candidate)

    def gate_activations(self, sequences: Tensor) -> dict[str, Tensor]:
        """Return i' and f', which sum to 1."""
        f, i, _ = self.project(sequences)
        return {"i'": _share(i, f), "f'": _share(f, i)}


def _share(one: Tensor, other: Tensor) -> Tensor:
    """Return `σ(one) / (σ(one) + σ(other))`, without 0 / 0 where both gates are closed."""
    return ops.sigmoid(ops.softplus(-other) - ops.softplus(-one))  # σ(x) = exp(-softplus(-x))
