"""A recurrent decoder with attention and input feeding."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, NamedTuple, Unpack

import keras
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError, check_choice
from rnnkit.options import Option, expand_signature, separate
from rnnkit.recurrent import cells
from rnnkit.recurrent.attention import attention_of, masked_softmax, read_memory
from rnnkit.recurrent.sequence import (
    LayerOptions,
    SavedOptions,
    Shape,
    Tensor,
    own_settings,
    refuse_memory,
    set_options,
)

ACTIVATIONS = {"activation": ops.tanh, "recurrent_activation": ops.sigmoid}
CELLS = {  # number of gates, of states; the step
    "lstm": (4, 2, partial(cells.lstm, **ACTIVATIONS)),
    "gru": (3, 1, partial(cells.gru_reset_after, **ACTIVATIONS)),
}


class DecoderOptions(LayerOptions, total=False):
    """The initializers of an attention decoder."""

    kernel_initializer: Annotated[Any, Option("glorot_uniform", "initializer of W.")]
    feed_initializer: Annotated[Any, Option("glorot_uniform", "initializer of F.")]
    recurrent_initializer: Annotated[Any, Option("orthogonal", "initializer of U.")]
    memory_initializer: Annotated[
        Any, Option("glorot_uniform", "initializer of the attention kernel of the memory.")
    ]
    value_initializer: Annotated[Any, Option("glorot_uniform", "initializer of V.")]
    query_initializer: Annotated[
        Any, Option("glorot_uniform", "initializer of the attention kernels of the query.")
    ]
    output_initializer: Annotated[Any, Option("glorot_uniform", "initializer of H.")]


INITIALIZERS = own_settings(DecoderOptions, LayerOptions)


class Memory(NamedTuple):
    """The memory that a decoder attends to, prepared once per sequence: keys, values, mask."""

    keys: Tensor
    values: Tensor
    mask: Tensor | None


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class AttentionDecoder(SavedOptions, keras.layers.Layer):
    """LSTM or GRU decoder with attention over a memory at each step, and input feeding.

    `h_t = cell(x_t W + a_{t-1} F + b, h_{t-1})`, `α_t = softmax_s(score(h_t, m_s))`,
    `a_t = tanh((Σ_s α_ts m_s) V + h_t H)`. The output `a_t`, the attentional state, also enters
    the next step together with `x_{t+1}` (input feeding). The terms independent of the state,
    `x W`, the keys and `m V`, are one product each before the loop.

    Args:
        units: size U of the state of the cell.
        attention_units: size A of the output.
        cell: "lstm" or "gru" (reset after the product).
        attention: "dot" or "additive"; see `rnnkit.recurrent.attention`.
        **options: initializers, and the arguments of every Keras layer.

    Call arguments:
        inputs: `(B, T, D)`.
        memory: `(B, S, E)`.
        memory_mask: boolean `(B, S)`, True = real step; the context of a row without one is zero.
        initial_state: h, or h and c, before the first step, each `(B, U)`; zeros when left out.
        return_attention: also return the attention weights.

    Returns:
        `a`, `(B, T, A)`; with `return_attention=True` also `α`, `(B, T, S)`.

    Raises:
        InputError: an unknown cell or attention, states that do not fit.

    Source: Luong, Pham and Manning 2015, arXiv:1508.04025.

    Example:
        >>> decoder = AttentionDecoder(8, 6, cell="gru")
        >>> decoder(keras.ops.ones((2, 3, 4)), keras.ops.ones((2, 5, 7))).shape
        (2, 3, 6)
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "units",
        "attention_units",
        "cell",
        "attention",
        *INITIALIZERS,
    )

    def __init__(
        self,
        units: int,
        attention_units: int,
        cell: str = "lstm",
        attention: str = "dot",
        **options: Unpack[DecoderOptions],
    ) -> None:
        own, rest = separate(options, INITIALIZERS, "AttentionDecoder")
        refuse_memory("AttentionDecoder", rest, "Leave it out.")
        super().__init__(**rest)
        check_choice("AttentionDecoder: cell", cell, CELLS)
        self.units, self.attention_units = units, attention_units
        self.cell, self.attention = cell, attention
        self.gates, self.state_count, self._cell_step = CELLS[cell]
        set_options(self, own)
        self.attend = attention_of(attention)(
            units,
            kernel_initializer=self.memory_initializer,
            query_initializer=self.query_initializer,
            name="attention",
            dtype=self.dtype_policy,
        )
        self.supports_masking = True

    def build(
        self,
        inputs_shape: Shape,
        memory_shape: Shape,
        memory_mask_shape: Any = None,
        initial_state_shape: Any = None,
    ) -> None:
        """Create the weights."""
        wide, size = self.gates * self.units, self.attention_units

        def weight(name: str, rows: Any, columns: int, initializer: Any) -> keras.Variable:
            return self.add_weight(shape=(rows, columns), name=name, initializer=initializer)

        self.kernel = weight("kernel", inputs_shape[-1], wide, self.kernel_initializer)
        self.feed_kernel = weight("feed_kernel", size, wide, self.feed_initializer)
        self.recurrent_kernel = weight(
            "recurrent_kernel", self.units, wide, self.recurrent_initializer
        )
        self.value_kernel = weight("value_kernel", memory_shape[-1], size, self.value_initializer)
        self.output_kernel = weight("output_kernel", self.units, size, self.output_initializer)
        self.bias = self.add_weight(shape=(wide,), name="bias", initializer=self._start_bias)
        self.recurrent_bias = None
        if self.cell == "gru":
            self.recurrent_bias = self.add_weight(
                shape=(wide,), name="recurrent_bias", initializer="zeros"
            )
        self.attend.build((None, self.units), memory_shape)

    def _start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the initial bias: zero, but one for the forget gate of an LSTM."""
        bias = ops.zeros(shape, dtype=dtype)
        if self.cell == "gru":
            return bias
        ones = ops.ones((self.units,), dtype=dtype)
        return ops.concatenate([bias[: self.units], ones, bias[2 * self.units :]])

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by their names in `step`."""
        names = ["feed_kernel", "recurrent_kernel", "output_kernel"]
        names += ["recurrent_bias"] if self.cell == "gru" else []
        own = {name: ops.cast(getattr(self, name), self.compute_dtype) for name in names}
        return own | self.attend.parameters()

    def project(self, inputs: Tensor) -> Tensor:
        """Input projection `x W + b` of inputs `(..., D)`."""
        kernel, bias = (ops.cast(w, self.compute_dtype) for w in (self.kernel, self.bias))
        return ops.matmul(ops.cast(inputs, self.compute_dtype), kernel) + bias

    def prepare_memory(self, memory: Tensor, mask: Tensor | None = None) -> Memory:
        """Return keys and values of a memory `(B, S, E)`, computed once before the loop."""
        memory, real = read_memory(self, "the mask of the memory", memory, mask)
        values = ops.matmul(memory, ops.cast(self.value_kernel, self.compute_dtype))
        return Memory(self.attend.keys(memory), values, real)

    def step(
        self, projected: Tensor, states: tuple, memory: Memory, params: dict[str, Tensor]
    ) -> tuple[tuple, Tensor]:
        """Compute one step from `project(x_t)` `(B, G U)` and the states `a`, then h or h and c.

        Returns the new states and the weights `(B, S)`.
        """
        fed = projected + ops.matmul(states[0], params["feed_kernel"])
        new = self._cell_step(fed, states[1:], params)
        scores = self.attend.score(new[0], memory.keys, params)
        weights = masked_softmax(scores, memory.mask)
        context = ops.squeeze(ops.matmul(ops.expand_dims(weights, 1), memory.values), 1)
        attentional = ops.tanh(context + ops.matmul(new[0], params["output_kernel"]))
        return (attentional, *new), weights

    def initial_states(self, like: Tensor, initial_state: Sequence[Tensor] | None = None) -> tuple:
        """Return the states before the first step; `like` is a tensor with B rows."""
        rows = ops.shape(like)[0]
        attentional = ops.zeros((rows, self.attention_units), dtype=self.compute_dtype)
        if initial_state is None:
            zeros = ops.zeros((rows, self.units), dtype=self.compute_dtype)
            return (attentional, *([zeros] * self.state_count))
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        shapes = [tuple(state.shape) for state in initial_state]
        if [shape[1:] for shape in shapes] != [(self.units,)] * self.state_count:
            raise InputError(
                f"AttentionDecoder: initial_state has the shapes {shapes}; expected "
                f"{self.state_count} of {(like.shape[0], self.units)}."
            )
        return (attentional, *(ops.cast(state, self.compute_dtype) for state in initial_state))

    def call(
        self,
        inputs: Tensor,
        memory: Tensor,
        memory_mask: Tensor | None = None,
        initial_state: Any = None,
        return_attention: bool = False,
    ) -> Any:
        """Run over `inputs` `(B, T, D)`, attending to `memory` `(B, S, E)` at every step."""
        prepared, params = self.prepare_memory(memory, memory_mask), self.parameters()
        states = self.initial_states(inputs, initial_state)
        batch, steps = inputs.shape[:2]
        if steps == 0:
            outputs = ops.zeros((batch, 0, self.attention_units), self.compute_dtype)
            weights = ops.zeros((batch, 0, memory.shape[1]), self.compute_dtype)
            return (outputs, weights) if return_attention else outputs

        def body(states: tuple, now: tuple) -> tuple[tuple, Tensor]:
            new, weights = self.step(now[0], states, prepared, params)
            # A scan collects one tensor per step.
            return new, ops.concatenate([new[0], weights], -1) if return_attention else new[0]

        projected = ops.swapaxes(self.project(inputs), 0, 1)
        _, outputs = native.scan(body, states, (projected,))
        outputs = ops.swapaxes(outputs, 0, 1)
        if not return_attention:
            return outputs
        return outputs[..., : self.attention_units], outputs[..., self.attention_units :]

    def compute_output_spec(
        self,
        inputs: Tensor,
        memory: Tensor,
        memory_mask: Tensor | None = None,
        initial_state: Any = None,
        return_attention: bool = False,
    ) -> Any:
        """Return shape and dtype of the outputs, and of the weights when they are returned."""
        steps = tuple(inputs.shape[:2])
        outputs = keras.KerasTensor((*steps, self.attention_units), dtype=self.compute_dtype)
        weights = keras.KerasTensor((*steps, memory.shape[1]), dtype=self.compute_dtype)
        return (outputs, weights) if return_attention else outputs

    def compute_mask(self, *args: Any, **kwargs: Any) -> None:
        """Return no mask."""
