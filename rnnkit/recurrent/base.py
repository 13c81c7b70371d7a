"""The base of every recurrent layer: arguments, weights, states, masks, dropout. No equations."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, TypedDict

import keras
from keras import ops

from rnnkit.backend import portable
from rnnkit.errors import InputError

Tensor = Any
Shape = tuple[int | None, ...]


class Options(TypedDict, total=False):
    """The arguments that all recurrent layers share, with the meaning they have in Keras."""

    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    activity_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float
    seed: int | None
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    implementation: int
    use_cudnn: bool | str
    name: str | None
    dtype: Any
    trainable: bool


class RecurrentLayer(keras.layers.Layer):
    """A layer that runs a recurrence over time, with any mask. Abstract.

    A subclass gives the equations: `gates`, `state_count` and `step_function`.

    Masks: boolean `(B, T)`, true = real step, any pattern. A masked step leaves the states as they
    were and repeats the last output (zeros before the first real step; zeros throughout with
    `zero_output_for_mask=True`). A row without a real step returns zeros and its initial state.

    Args:
        units: size U of the state and of the output.
        use_bias: add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights.
        dropout: share of the inputs dropped, the same ones at every step.
        recurrent_dropout: share of the state dropped on its way into the recurrent product, the
            same units at every step.
        seed: seed of the dropout masks.
        return_sequences: return the output of every step `(B, T, U)` instead of the last `(B, U)`.
        return_state: return the states after the last step too.
        go_backwards: run from the last step to the first and return the sequence reversed.
        stateful: start from the states in which the last batch ended; needs a fixed batch size.
        unroll: write all steps out instead of looping; needs a fixed T.
        zero_output_for_mask: masked steps put out zeros.
        implementation, use_cudnn: accepted for the sake of code written for `keras.layers`;
            they change nothing.
    """

    gates: int
    state_count: int = 1

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        implementation: int = 2,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        del implementation, use_cudnn
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
            raise InputError(
                f"{type(self).__name__}: units is {units!r}; expected a positive whole number."
            )
        for label, share in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not isinstance(share, Real) or not 0.0 <= share < 1.0:
                raise InputError(
                    f"{type(self).__name__}: {label} is {share!r}; expected a share in [0, 1)."
                )
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.states: list[keras.Variable] | None = None
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    # What a subclass says of itself.

    def step_function(self, drop: Tensor | None) -> Callable[[Tensor, tuple], tuple]:
        """Return `(projected input, states) -> states` for the current weights."""
        raise NotImplementedError

    def bias_shape(self) -> Shape:
        """Return the shape of the bias."""
        return (self.gates * self.units,)

    def input_bias(self) -> Tensor | None:
        """Return the bias that is added to the input projection."""
        return ops.convert_to_tensor(self.bias) if self.use_bias else None

    @property
    def state_size(self) -> list[int]:
        """Size of each state."""
        return [self.units] * self.state_count

    # Weights and states.

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Create the weights, with the names and shapes they have in `keras.layers`."""
        del initial_state_shape
        self._check_steps(sequences_shape)
        width = sequences_shape[-1]
        if width is None:
            raise InputError(
                f"{type(self).__name__}: the number of input features is unknown in the input "
                f"shape {tuple(sequences_shape)}; expected (batch, time, features)."
            )
        self.kernel = self.add_weight(
            shape=(width, self.gates * self.units),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.gates * self.units),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self.bias_shape(),
                name="bias",
                initializer=self.start_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        if self.stateful:
            if sequences_shape[0] is None:
                raise InputError(
                    f"{type(self).__name__}: stateful=True needs a fixed batch size; got the input "
                    f"shape {tuple(sequences_shape)}. Give keras.Input(batch_shape=(B, T, D))."
                )
            self.states = [
                self.add_weight(
                    shape=(sequences_shape[0], size),
                    name=f"state_{i}",
                    initializer="zeros",
                    trainable=False,
                )
                for i, size in enumerate(self.state_size)
            ]

    def start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the first value of the bias."""
        return self.bias_initializer(shape, dtype=dtype)

    def get_initial_state(self, batch_size: Any) -> list[Tensor]:
        """Return the zero states for a batch of the given size."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        for state in self.states or ():
            state.assign(ops.zeros(state.shape, dtype=state.dtype))

    reset_states = reset_state  # the name in older Keras code

    # One pass.

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
        training: bool = False,
        sequences_mask: Tensor | None = None,
    ) -> Any:
        """Run the recurrence over `sequences` `(B, T, D)`."""
        # Beside an initial state Keras gives the mask that the sequences carry under this name.
        mask = sequences_mask if mask is None else mask
        self._check_steps(sequences.shape)
        if mask is not None:
            self._check_mask(mask, sequences)
        states = self._first_states(sequences, initial_state)
        started_at_zero = initial_state is None and not self.stateful
        drop = None
        if training and self.dropout:
            ones = ops.ones_like(sequences[:, :1, :])
            keep = keras.random.dropout(ones, self.dropout, seed=self.seed_generator)
            sequences = sequences * keep
        if training and self.recurrent_dropout:
            ones = ops.ones_like(states[0])
            drop = keras.random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator)

        kernel, bias = ops.convert_to_tensor(self.kernel), self.input_bias()

        def project(x: Tensor) -> Tensor:
            projected = ops.matmul(x, kernel)
            return projected if bias is None else projected + bias

        outputs, states = portable.recurrence(
            self.step_function(drop),
            project,
            sequences,
            states,
            mask=mask,
            reverse=self.go_backwards,
            unroll=self.unroll,
            sequences=self.return_sequences,
        )
        output = self._output(outputs, states[0], mask, started_at_zero)
        if self.stateful:
            for variable, state in zip(self.states or (), states, strict=True):
                variable.assign(ops.cast(state, variable.dtype))
        return (output, *states) if self.return_state else output

    def _output(
        self, outputs: Tensor | None, last: Tensor, mask: Tensor | None, started_at_zero: bool
    ) -> Tensor:
        """Put zeros where the meaning of the mask asks for them, and reverse a backward pass."""
        if outputs is None:
            if mask is None or (started_at_zero and not self.zero_output_for_mask):
                return last
            end = mask[:, :1] if self.go_backwards else mask[:, -1:]
            real = end if self.zero_output_for_mask else ops.any(mask, axis=1, keepdims=True)
            return ops.where(real, last, ops.zeros_like(last))
        if mask is not None and (self.zero_output_for_mask or not started_at_zero):
            mask = ops.cast(mask, "bool")
            shown = mask if self.zero_output_for_mask else self._seen(mask)
            outputs = ops.where(ops.expand_dims(shown, -1), outputs, ops.zeros_like(outputs))
        return ops.flip(outputs, axis=1) if self.go_backwards else outputs

    def _seen(self, mask: Tensor) -> Tensor:
        """Tell for every step whether a real step has come by then, in the order of the pass."""
        count = ops.cast(mask, "int32")
        if self.go_backwards:
            return ops.flip(ops.cumsum(ops.flip(count, axis=1), axis=1), axis=1) > 0
        return ops.cumsum(count, axis=1) > 0

    def _first_states(self, sequences: Tensor, initial_state: Any) -> tuple:
        """Return the states before the first step, in the compute dtype."""
        if initial_state is None:
            if not self.stateful:
                return tuple(self.get_initial_state(ops.shape(sequences)[0]))
            initial_state = self.states
            fixed, came = self.states[0].shape[0], sequences.shape[0]  # type: ignore[index]
            if came is not None and came != fixed:
                raise InputError(
                    f"{type(self).__name__}: stateful=True was built for batches of {fixed} rows; "
                    f"this batch has {came}."
                )
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        shapes = [tuple(state.shape) for state in initial_state]
        expected = [(sequences.shape[0], size) for size in self.state_size]
        if len(shapes) != len(expected) or not all(map(_agree, shapes, expected)):
            raise InputError(
                f"{type(self).__name__}: initial_state has the shapes {shapes}; expected "
                f"{expected}."
            )
        return tuple(ops.cast(state, self.compute_dtype) for state in initial_state)

    def _check_steps(self, shape: Shape) -> None:
        """Refuse to unroll an unknown number of steps."""
        if self.unroll and shape[1] is None:
            raise InputError(
                f"{type(self).__name__}: unroll=True needs a fixed number of steps; the input "
                f"shape is {tuple(shape)}. Give keras.Input(shape=(T, D)), or drop unroll."
            )

    def _check_mask(self, mask: Tensor, sequences: Tensor) -> None:
        """Refuse a mask that does not fit the sequences."""
        shape, expected = tuple(mask.shape), tuple(sequences.shape[:2])
        if not _agree(shape, expected):
            raise InputError(
                f"{type(self).__name__}: the mask has the shape {shape}; expected {expected}, one "
                "boolean for each step of each row."
            )

    # What Keras asks of a layer.

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """Return the shape of the output, and of the states when they are returned."""
        del initial_state_shape
        batch, time = sequences_shape[:2]
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        if not self.return_state:
            return output
        return (output, *((batch, size) for size in self.state_size))

    def compute_mask(self, sequences: Tensor, mask: Tensor | None = None) -> Any:
        """Pass the mask on with the sequences, reversed where they are reversed."""
        del sequences
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        passed = mask if self.return_sequences else None
        if passed is not None and self.go_backwards:
            passed = ops.flip(passed, axis=1)
        return [passed] + [None] * self.state_count if self.return_state else passed

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        config = super().get_config()
        for part in ("kernel", "recurrent", "bias"):
            for kind in ("initializer", "regularizer", "constraint"):
                key = f"{part}_{kind}"
                module = getattr(keras, f"{kind}s")
                config[key] = module.serialize(getattr(self, key))
        config["activity_regularizer"] = keras.regularizers.serialize(self.activity_regularizer)
        for key in (
            "units",
            "use_bias",
            "dropout",
            "recurrent_dropout",
            "seed",
            "return_sequences",
            "return_state",
            "go_backwards",
            "stateful",
            "unroll",
            "zero_output_for_mask",
        ):
            config[key] = getattr(self, key)
        return config


def _agree(shape: tuple, expected: tuple) -> bool:
    """Compare two shapes; an unknown size agrees with any."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
