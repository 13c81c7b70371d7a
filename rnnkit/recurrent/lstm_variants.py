"""Variants of the LSTM: peepholes, coupled gates, a projected output, layer normalisation."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit.errors import InputError, check_count
from rnnkit.options import Option
from rnnkit.recurrent import lstm_cells
from rnnkit.recurrent.base import RecurrentOptions
from rnnkit.recurrent.cells import Cell
from rnnkit.recurrent.lstm import LSTM
from rnnkit.recurrent.sequence import Shape, Tensor


class LSTMOptions(RecurrentOptions, total=False):
    """The arguments of all variants of the LSTM, besides activations and bias."""

    unit_forget_bias: Annotated[
        bool, Option(True, "initialise the bias of the forget gate at one.")
    ]


@keras.saving.register_keras_serializable(package="rnnkit")
class PeepholeLSTM(LSTM):
    """LSTM with peephole connections from the cell to the gates, `4U(D + U + 1) + 3U` parameters.

    `i, f = σ(x_t W_• + h_{t-1} U_• + p_• ⊙ c_{t-1} + b_•)`,
    `c̃ = tanh(x_t W_c + h_{t-1} U_c + b_c)`, `c_t = f ⊙ c_{t-1} + i ⊙ c̃`,
    `o = σ(x_t W_o + h_{t-1} U_o + p_o ⊙ c_t + b_o)`, `h_t = o ⊙ tanh(c_t)`.

    Weights: those of `LSTM`, gates in the order i, f, c, o, then `peephole_kernel (3, U)`, its rows
    for i, f, o. Call arguments and return values are those of `LSTM`.

    Args:
        peephole_initializer: initializer of p; the rest is that of the recurrent kernel.
        **options: see `LSTM`.

    Source: Gers and Schmidhuber 2000, Recurrent Nets that Time and Count.

    Example:
        >>> PeepholeLSTM(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("peephole_initializer",)
    cell_type = "lstm_peephole"
    gate_names = ("i", "f", "o")
    more_weights = ("peephole_kernel",)
    equations = staticmethod(lstm_cells.peephole)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        peephole_initializer: Any = "glorot_uniform",
        **options: Unpack[LSTMOptions],
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)

    def build_weights(self, width: int) -> None:
        """Create the LSTM's weights and the peepholes."""
        super().build_weights(width)
        self.peephole_kernel = self.add_weight_like(
            "recurrent", "peephole_kernel", (3, self.units), self.peephole_initializer
        )


@keras.saving.register_keras_serializable(package="rnnkit")
class CoupledLSTM(LSTM):
    """LSTM with coupled input and forget gates (CIFG, `i = 1 - f`), `3U(D + U + 1)` parameters.

    `f, o = σ(x_t W_• + h_{t-1} U_• + b_•)`, `c̃ = tanh(x_t W_c + h_{t-1} U_c + b_c)`,
    `c_t = f ⊙ c_{t-1} + (1 - f) ⊙ c̃`, `h_t = o ⊙ tanh(c_t)`.

    Weights: kernel, recurrent kernel and bias, gates in the order f, c, o. Arguments, call
    arguments and return values are those of `LSTM`.

    Source: Greff et al. 2017, LSTM: A Search Space Odyssey, arXiv:1503.04069 (CIFG).

    Example:
        >>> CoupledLSTM(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    gates = 3
    cell_type = "lstm_coupled"
    gate_names = ("f", "o")
    equations = staticmethod(lstm_cells.coupled)

    def start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the initial value of the bias: one for the forget gate."""
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype)
        rest = self.bias_initializer((2 * self.units,), dtype=dtype)
        return ops.concatenate([ops.ones((self.units,), dtype=dtype), rest])


@keras.saving.register_keras_serializable(package="rnnkit")
class ProjectedLSTM(LSTM):
    """LSTM with a recurrent projection layer (LSTMP), with `4U(D + P + 1) + UP` parameters.

    `i, f, o = σ(x_t W_• + h_{t-1} U_• + b_•)`, `c̃ = tanh(x_t W_c + h_{t-1} U_c + b_c)`,
    `c_t = f ⊙ c_{t-1} + i ⊙ c̃`, `h_t = (o ⊙ tanh(c_t)) P`.

    Weights: kernel `(D, 4U)`, recurrent kernel `(P, 4U)`, bias, gates in the order i, f, c, o, then
    `projection_kernel (U, P)`. This is `torch.nn.LSTM(D, U, proj_size=P)`;
    `rnnkit.recurrent.from_torch` converts the weights.

    The states are h `(B, P)` and c `(B, U)`; call arguments and return values as for `LSTM`.

    Args:
        units: size U of the cell c.
        projection: size P of the output and state h.
        projection_initializer: initializer of P; regularizer and constraint are the kernel's.
        **options: see `LSTM`.

    Raises:
        InputError: units or a projection that are no positive integer, a projection wider
            than the cell, a state or mask of another shape.

    Source: Sak, Senior and Beaufays 2014, arXiv:1402.1128.

    Example:
        >>> ProjectedLSTM(8, projection=4)(keras.ops.ones((2, 5, 3))).shape
        (2, 4)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("projection", "projection_initializer")
    cell_type = "lstm_projected"
    more_weights = ("projection_kernel",)
    equations = staticmethod(lstm_cells.projected)

    def __init__(
        self,
        units: int,
        projection: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        projection_initializer: Any = "glorot_uniform",
        **options: Unpack[LSTMOptions],
    ) -> None:
        self.projection = check_count("ProjectedLSTM: projection", projection)  # for `state_size`
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        if projection > units:
            raise InputError(
                f"ProjectedLSTM: projection is {projection}, wider than the cell of {units} units."
            )
        self.projection_initializer = keras.initializers.get(projection_initializer)

    @property
    def state_size(self) -> list[int]:
        """Size of h and of c."""
        return [self.projection, self.units]

    def build_weights(self, width: int) -> None:
        """Create the LSTM's weights and the projection."""
        super().build_weights(width)
        self.projection_kernel = self.add_weight_like(
            "kernel",
            "projection_kernel",
            (self.units, self.projection),
            self.projection_initializer,
        )


@keras.saving.register_keras_serializable(package="rnnkit")
class LayerNormLSTM(LSTM):
    """LSTM with layer normalisation, with `4U(D + U + 1) + 8U + 2U` parameters.

    `i, f, c̃, o = LN(x_t W; g) + LN(h_{t-1} U; g') + b` before `σ`, `tanh`,
    `c_t = f ⊙ c_{t-1} + i ⊙ c̃`, `h_t = o ⊙ tanh(LN(c_t; g'') + b'')`, where
    `LN(a; g) = g ⊙ (a - mean(a)) / sqrt(var(a) + ε)`; mean and variance of a product are those of
    all four gates together.

    Weights: those of `LSTM`, gates in the order i, f, c, o, then `kernel_gain (4U)`,
    `recurrent_gain (4U)`, `cell_gain (U)`, initially one, and `cell_bias (U)`. Call arguments and
    return values are those of `LSTM`.

    Args:
        epsilon: ε, above 0.
        **options: see `LSTM`; `use_bias` adds b and b''.

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450, equations 20 to 22 of its supplement; the
    biases of its two inner normalisations are the one b.

    Example:
        >>> LayerNormLSTM(8)(keras.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("epsilon",)
    cell_type = "lstm_layer_norm"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        epsilon: float = 1e-5,
        **options: Unpack[LSTMOptions],
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **options)
        if not epsilon > 0:
            raise InputError(
                f"LayerNormLSTM: epsilon is {epsilon!r}; expected a small positive number."
            )
        self.epsilon = float(epsilon)

    def build_weights(self, width: int) -> None:
        """Create the LSTM's weights, the gains and the cell's bias."""
        super().build_weights(width)
        for name, size in self._gains():
            setattr(self, name, self.add_weight((size,), name=name, initializer="ones"))
        if self.use_bias:
            self.cell_bias = self.add_weight_like("bias", "cell_bias", (self.units,))

    def _gains(self) -> tuple:
        """Return names and sizes of the gains."""
        wide = self.gates * self.units
        return ("kernel_gain", wide), ("recurrent_gain", wide), ("cell_gain", self.units)

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        return Cell(
            partial(self.with_activations(lstm_cells.layer_norm), epsilon=self.epsilon),
            partial(lstm_cells.project_normalized, epsilon=self.epsilon),
        )

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights."""
        names = [name for name, _ in self._gains()] + ["cell_bias"] * self.use_bias
        added = {name: ops.convert_to_tensor(getattr(self, name)) for name in names}
        return {**super().parameters(), **added}
