"""RG-LRU: the real-gated linear recurrent unit of Griffin."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import keras
import numpy as np
from keras import ops

from rnnkit.errors import InputError, check_count
from rnnkit.recurrent.linear import LinearOptions, LinearRecurrence
from rnnkit.recurrent.sequence import Shape, Tensor

SHARPNESS = 8.0  # c of the paper: scale of the gate in the exponent of the decay
MAX_SLOPE = 1000.0  # bound on the slope of sqrt(1 - a²), which is infinite at a = 1


def bounded_sqrt(x: Tensor) -> Tensor:
    """Return `sqrt(x)`, with its gradient, infinite at 0, clipped at `MAX_SLOPE`.

    Example:
        >>> float(bounded_sqrt(keras.ops.array(4.0)))
        2.0
    """
    root = ops.stop_gradient(ops.sqrt(x))
    slope = 0.5 / ops.maximum(root, 0.5 / MAX_SLOPE)
    return root + slope * (x - ops.stop_gradient(x))


@keras.saving.register_keras_serializable(package="rnnkit")
class RGLRU(LinearRecurrence):
    """Real-gated linear recurrent unit: `h_t = a_t ⊙ h_{t-1} + sqrt(1 - a_t²) ⊙ (i_t ⊙ v_t)`.

    `r_t, i_t = σ(x_t W_• + b_•)`, `a_t = exp(-8 softplus(Λ) ⊙ r_t)`, `v_t = x_t W + b`, with
    `3U(D + 1) + U` parameters. Λ is initialised so that `a_t` at `r_t = 1` is uniform in `decay`.

    With `blocks=n` the kernels of the gates are block-diagonal, and the gates cost 1/n of the
    products and parameters. With `project=False` `v_t = x_t`, as in Griffin, where a convolution
    comes before (`RGLRUBlock`); D must be U then. The kernel of the other arguments is W; the
    regularizers and constraints of kernel and bias apply to those of the gates, too.

    Call arguments, masks and return values: see `SequenceLayer`; one state, h.

    Args:
        units: size U of the state and of the output.
        blocks: number of blocks of the kernels of the gates; must divide D and U.
        project: compute `v_t` by a kernel.
        decay: initial lowest and highest `a_t` at `r_t = 1`.
        gate_initializer: initializer of the kernels of the gates.
        **options: see `LinearRecurrence`.

    Raises:
        InputError: units that are no positive integer, blocks that do not divide the sizes,
            a decay outside (0, 1), a state or mask of another shape.

    Source: De et al. 2024, Griffin, arXiv:2402.19427.

    Example:
        >>> RGLRU(8, blocks=2)(keras.ops.ones((2, 5, 4))).shape
        (2, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("blocks", "project", "decay", "gate_initializer")

    def __init__(
        self,
        units: int,
        *,
        blocks: int = 1,
        project: bool = True,
        decay: tuple[float, float] = (0.9, 0.999),
        gate_initializer: Any = "lecun_normal",
        **options: Unpack[LinearOptions],
    ) -> None:
        super().__init__(units, **options)
        self.blocks = check_count("RGLRU: blocks", blocks)
        self.project = project
        self.gate_initializer = keras.initializers.get(gate_initializer)
        if len(decay) != 2 or not 0 < decay[0] <= decay[1] < 1:
            raise InputError(
                f"RGLRU: decay is {decay!r}; expected the lowest and the highest factor of the "
                "state at the start, between 0 and 1, such as (0.9, 0.999)."
            )
        self.decay = tuple(decay)

    def build_weights(self, width: int) -> None:
        """Create the gates' kernel `(n, D/n, 2U/n)`, their bias `(2, U)`, Λ `(U,)`, W and b."""
        if width % self.blocks or self.units % self.blocks:
            raise InputError(
                f"RGLRU: blocks is {self.blocks}; expected a number that divides the input "
                f"features ({width}) and the units ({self.units})."
            )
        if not self.project and width != self.units:
            raise InputError(
                f"RGLRU: project=False takes inputs of as many features as units ({self.units}); "
                f"got {width}. Set project=True, or units={width}."
            )
        n = self.blocks
        gates = (n, width // n, 2 * self.units // n)
        self.gate_kernel = self.add_kernel("gate_kernel", gates, self.start_gates)
        self.gate_bias = self.add_bias("gate_bias", (2, self.units))
        # Not cast to 16 bits, which cannot represent 0.999.
        self.decay_parameter = self.add_weight(
            (self.units,), name="decay", initializer=self.start_decay, autocast=False
        )
        self.kernel = self.bias = None
        if self.project:
            self.kernel = self.add_kernel("kernel", (width, self.units))
            self.bias = self.add_bias("bias", (self.units,))

    def start_gates(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Draw the kernels of the gates as one matrix, so that fan-in is the input size."""
        n, rows, columns = shape
        values = self.gate_initializer((rows, n * columns), dtype=dtype)
        return ops.transpose(ops.reshape(values, (rows, n, columns)), (1, 0, 2))

    def start_decay(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Draw Λ such that `exp(-8 softplus(Λ))` is uniform between the bounds of `decay`."""
        seed = keras.initializers.RandomUniform(seed=self.seed).seed  # a number in any case
        low, high = self.decay
        drawn = np.random.default_rng(seed).uniform(low, high, self.units)  # on every backend
        a = ops.convert_to_tensor(drawn, dtype=dtype)
        return ops.log(ops.expm1(-ops.log(a) / SHARPNESS))

    def factors(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        """Return `a` and `sqrt(1 - a²) ⊙ i ⊙ v`."""
        r, i = self._gates(sequences)
        rate = SHARPNESS * ops.softplus(ops.cast(self.decay_parameter, self.wide))
        log_a = -rate * ops.sigmoid(r)
        v = sequences
        if self.kernel is not None:
            v = ops.matmul(v, ops.convert_to_tensor(self.kernel))
            if self.bias is not None:
                v = v + ops.convert_to_tensor(self.bias)
        # 1 - a² by expm1: near a = 1 the difference itself would lose all digits
        scale = bounded_sqrt(-ops.expm1(2.0 * log_a))
        return ops.exp(log_a), scale * ops.sigmoid(i) * ops.cast(v, self.wide)

    def gate_activations(self, sequences: Tensor) -> dict[str, Tensor]:
        """Return r and i."""
        r, i = self._gates(sequences)
        return {"r": ops.sigmoid(r), "i": ops.sigmoid(i)}

    def _gates(self, x: Tensor) -> list[Tensor]:
        """Return r and i before their activation, each `(B, T, U)`."""
        kernel = ops.convert_to_tensor(self.gate_kernel)
        if self.blocks == 1:
            r, i = ops.split(ops.matmul(x, kernel[0]), 2, axis=-1)
        else:
            batch, time, width = ops.shape(x)
            x = ops.reshape(x, (batch, time, self.blocks, width // self.blocks))
            parts = ops.split(ops.einsum("btnd,ndu->btnu", x, kernel), 2, axis=-1)
            r, i = (ops.reshape(part, (batch, time, self.units)) for part in parts)
        if self.gate_bias is not None:
            bias = ops.convert_to_tensor(self.gate_bias)
            r, i = r + bias[0], i + bias[1]
        return [ops.cast(r, self.wide), ops.cast(i, self.wide)]
