"""Layers over time: states, masks, resets, dropout of the inputs. No weights and no equations."""

from __future__ import annotations

from numbers import Real
from typing import Any, TypedDict

import keras
from keras import ops

from rnnkit.errors import InputError

Tensor = Any
Shape = tuple[int | None, ...]


class SequenceOptions(TypedDict, total=False):
    """The arguments that all layers over time share, with the meaning they have in Keras."""

    activity_regularizer: Any
    dropout: float
    seed: int | None
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool
    name: str | None
    dtype: Any
    trainable: bool


class SequenceLayer(keras.layers.Layer):
    """A layer that goes through time step by step, with any mask. Abstract.

    A subclass gives `state_size`, `build_weights` and `run`.

    Masks: boolean `(B, T)`, true = real step, any pattern. A masked step leaves the states as they
    were and repeats the last output (zeros before the first real step; zeros throughout with
    `zero_output_for_mask=True`). A row without a real step returns zeros and its initial state. A
    stateful layer goes on where the last batch ended: there the output before the first real step
    is the last one of the batch before, so that a sequence may be fed in pieces of any size.

    Resets: boolean `(B, T)`, true = the row starts anew at this step: its states are zero before
    it. In a backward pass "before" is in the order of the pass.

    Args:
        units: size U of the output.
        activity_regularizer: penalty on the output.
        dropout: share of the inputs dropped, the same ones at every step.
        seed: seed of the dropout masks.
        return_sequences: return the output of every step `(B, T, U)` instead of the last `(B, U)`.
        return_state: return the states after the last step too.
        go_backwards: run from the last step to the first and return the sequence reversed.
        stateful: start from the states in which the last batch ended; needs a fixed batch size.
        zero_output_for_mask: masked steps put out zeros.
    """

    def __init__(
        self,
        units: int,
        *,
        activity_regularizer: Any = None,
        dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = self.check_size("units", units)
        self.dropout = self.check_share("dropout", dropout)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.zero_output_for_mask = zero_output_for_mask
        self.states: list[keras.Variable] | None = None
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    # What a subclass says of itself.

    @property
    def state_size(self) -> list[int]:
        """Size of each state; the first state is the output."""
        return [self.units]

    def build_weights(self, width: int) -> None:
        """Create the weights for inputs of `width` features."""
        raise NotImplementedError

    def run(
        self,
        sequences: Tensor,
        states: tuple,
        mask: Tensor | None,
        resets: Tensor | None,
        training: bool,
    ) -> tuple[Tensor | None, tuple]:
        """Run one pass, from the last step to the first with `go_backwards`.

        Args:
            sequences: `(B, T, D)`.
            states: the states before the first step, each `(B, S)`.
            mask: boolean `(B, T)`; a masked step keeps the states.
            resets: boolean `(B, T)`; the states are zero before such a step.
            training: apply dropout.

        Returns:
            The first state after every step, `(B, T, S)` in the order of the inputs (None is
            allowed unless `return_sequences`), and the states after the last step.
        """
        raise NotImplementedError

    # Weights and states.

    def build(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> None:
        """Create the weights, and the states of a stateful layer."""
        del initial_state_shape, resets_shape
        width = sequences_shape[-1]
        if width is None:
            raise InputError(
                f"{type(self).__name__}: the number of input features is unknown in the input "
                f"shape {tuple(sequences_shape)}; expected (batch, time, features)."
            )
        self.check_steps(sequences_shape)
        self.build_weights(width)
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
        resets: Tensor | None = None,
        sequences_mask: Tensor | None = None,
    ) -> Any:
        """Go through `sequences` `(B, T, D)`."""
        # Beside an initial state Keras gives the mask that the sequences carry under this name.
        mask = sequences_mask if mask is None else mask
        self.check_steps(sequences.shape)
        if mask is not None:
            mask = self._flags("the mask", mask, sequences)
        if resets is not None:
            resets = self._flags("resets", resets, sequences)
        states = self._first_states(sequences, initial_state)
        if training and self.dropout:
            sequences = sequences * self.keep(sequences[:, :1, :], self.dropout)
        outputs, states = self.run(sequences, states, mask, resets, training)
        if not self.return_sequences:
            outputs = None
        output = self._output(outputs, states[0], mask, from_zero=initial_state is None)
        if self.stateful:
            for variable, state in zip(self.states or (), states, strict=True):
                variable.assign(ops.cast(state, variable.dtype))
        return (output, *states) if self.return_state else output

    def keep(self, like: Tensor, share: float) -> Tensor:
        """Draw a dropout mask: zero for the given share, `1 / (1 - share)` for the rest."""
        return keras.random.dropout(ops.ones_like(like), share, seed=self.seed_generator)

    def _output(
        self, outputs: Tensor | None, last: Tensor, mask: Tensor | None, *, from_zero: bool
    ) -> Tensor:
        """Put zeros where the meaning of the mask asks for them, and reverse a backward pass."""
        if outputs is None:
            if mask is None or (from_zero and not self.zero_output_for_mask):
                return last
            end = mask[:, :1] if self.go_backwards else mask[:, -1:]
            real = end if self.zero_output_for_mask else ops.any(mask, axis=1, keepdims=True)
            return ops.where(real, last, ops.zeros_like(last))
        if mask is not None and (self.zero_output_for_mask or not from_zero):
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

    def check_steps(self, shape: Shape) -> None:
        """Refuse a number of steps that the layer cannot take; any by default."""

    def check_size(self, label: str, size: Any) -> int:
        """Refuse a size that is no positive whole number."""
        if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
            raise InputError(
                f"{type(self).__name__}: {label} is {size!r}; expected a positive whole number."
            )
        return size

    def check_share(self, label: str, share: Any) -> float:
        """Refuse a share outside [0, 1)."""
        if not isinstance(share, Real) or not 0.0 <= float(share) < 1.0:
            raise InputError(
                f"{type(self).__name__}: {label} is {share!r}; expected a share in [0, 1)."
            )
        return float(share)

    def _flags(self, label: str, flags: Tensor, sequences: Tensor) -> Tensor:
        """Return a mask or resets as booleans; refuse those that do not fit the sequences."""
        flags = ops.convert_to_tensor(flags, dtype="bool")
        shape, expected = tuple(flags.shape), tuple(sequences.shape[:2])
        if not _agree(shape, expected):
            raise InputError(
                f"{type(self).__name__}: {label} has the shape {shape}; expected {expected}, one "
                "boolean for each step of each row."
            )
        return flags

    # What Keras asks of a layer.

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> Any:
        """Return the shape of the output, and of the states when they are returned."""
        del initial_state_shape, resets_shape
        batch, time = sequences_shape[:2]
        size = self.state_size[0]
        output = (batch, time, size) if self.return_sequences else (batch, size)
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
        return [passed] + [None] * len(self.state_size) if self.return_state else passed

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        names = (
            "units",
            "dropout",
            "seed",
            "return_sequences",
            "return_state",
            "go_backwards",
            "stateful",
            "zero_output_for_mask",
        )
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
        }


def _agree(shape: tuple, expected: tuple) -> bool:
    """Compare two shapes; an unknown size agrees with any."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
