"""Base of the layers over time: states, masks, resets, dropout of the inputs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypedDict, Unpack

import keras
from keras import ops

from rnnkit.backend import native
from rnnkit.backend.masking import check_flags, clean_steps, shapes_agree
from rnnkit.errors import InputError, check_count
from rnnkit.options import Option, Setting, expand_signature, separate, settings_of

Tensor = Any
Flags = Any  # booleans `(B, T)`, or None
Shape = tuple[int | None, ...]


class LayerOptions(TypedDict, total=False):
    """The arguments of every Keras layer."""

    name: Annotated[str | None, Option(None, "name of the layer.")]
    dtype: Annotated[Any, Option(None, "dtype or dtype policy of weights and computations.")]
    trainable: Annotated[bool, Option(True, "train the weights.")]


class SequenceOptions(LayerOptions, total=False):
    """The arguments of all layers over time, with the meaning that they have in Keras."""

    activity_regularizer: Annotated[Any, Option(None, "penalty on the output.")]
    dropout: Annotated[
        float, Option(0.0, "dropout rate of the inputs, one mask for all steps.", least=0, below=1)
    ]
    seed: Annotated[int | None, Option(None, "seed of the dropout masks.")]
    return_sequences: Annotated[
        bool, Option(False, "return the output of every step `(B, T, U)`, not the last `(B, U)`.")
    ]
    return_state: Annotated[bool, Option(False, "also return the states after the last step.")]
    go_backwards: Annotated[
        bool, Option(False, "run from the last step to the first and return the reversed sequence.")
    ]
    stateful: Annotated[
        bool,
        Option(False, "start from the last states of the previous batch; fixes the batch size."),
    ]
    zero_output_for_mask: Annotated[bool, Option(False, "masked steps output zeros.")]


def own_settings(group: Any, base: Any) -> dict[str, Setting]:
    """Return the settings that a group of options adds to its base.

    Example:
        >>> list(own_settings(LayerOptions, TypedDict("Nothing", {})))
        ['name', 'dtype', 'trainable']
    """
    inherited = settings_of(base)
    return {name: s for name, s in settings_of(group).items() if name not in inherited}


def refuse_memory(layer: str, options: dict[str, Any], advice: str) -> None:
    """Refuse `memory=`, the option of the layers with a recurrent kernel, by its name.

    Example:
        >>> refuse_memory("MinGRU", {"memory": "sqrt"}, "Leave it out.")
        Traceback (most recent call last):
        rnnkit.errors.InputError: MinGRU: memory='sqrt' was given, and this layer does not take ...
    """
    if "memory" in options:
        raise InputError(
            f"{layer}: memory={options['memory']!r} was given, and this layer does not take it; "
            f"layers with a recurrent kernel do, such as LSTM. {advice}"
        )


SEQUENCE = own_settings(SequenceOptions, LayerOptions)
OBJECTS = ("initializer", "regularizer", "constraint", "activation")


def check_rate(name: str, rate: Any) -> float:
    """Return a rate in [0, 1), or refuse anything else.

    Example:
        >>> check_rate("dropout", 1.5)
        Traceback (most recent call last):
        rnnkit.errors.InputError: dropout is 1.5; expected a number of at least 0 and below 1.
    """
    return float(SEQUENCE["dropout"]._replace(name=name).check(rate))


def set_options(layer: keras.layers.Layer, options: dict[str, Any]) -> None:
    """Set options as attributes; initializers and so on become objects of Keras."""
    for name, value in options.items():
        kind = name.rpartition("_")[2]
        found = getattr(keras, f"{kind}s").get(value) if kind in OBJECTS else value
        setattr(layer, name, found)


class SavedOptions:
    """Mixin of layers that keep the arguments named in `config_keys` as attributes."""

    config_keys: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer, for `from_config`."""
        config = super().get_config()  # type: ignore[misc]
        for name in [
            n for c in reversed(type(self).__mro__) for n in vars(c).get("config_keys", ())
        ]:
            kind = name.rpartition("_")[2]
            value = getattr(self, name)
            config[name] = getattr(keras, f"{kind}s").serialize(value) if kind in OBJECTS else value
        return config


@expand_signature
class SequenceLayer(SavedOptions, keras.layers.Layer):
    """A layer that runs over time step by step, with any mask. Abstract.

    A subclass defines `state_size`, `build_weights` and `run`.

    Masks: boolean `(B, T)`, true = real step, any pattern. A masked step leaves the states
    unchanged and repeats the last output (zeros before the first real step; zeros throughout with
    `zero_output_for_mask=True`). A row without a real step returns zeros and its initial state. A
    stateful layer continues from the end of the last batch: there the output before the first real
    step is the last one of the previous batch, so that a sequence can be fed in pieces of any size.
    What stands at masked steps, a NaN for instance, changes no output and no gradient. Without rows
    or steps (B or T is 0) the outputs have none either, and the last output of a row is zeros.

    Resets: boolean `(B, T)`, true = the states of the row are zero before this step. With
    `go_backwards` "before" is in the order of the pass.

    Args:
        units: size U of the output.

    Call arguments:
        sequences: `(B, T, D)`.
        initial_state: the states before the first step, each `(B, S)`; zeros when left out.
        mask: boolean `(B, T)`.
        training: apply dropout.
        resets: boolean `(B, T)`.
        in_order: return the outputs of a backward pass in the order of the inputs.

    Returns:
        `(B, U)`, or `(B, T, U)` with `return_sequences=True`; with `return_state=True` also the
        states after the last step.

    Raises:
        InputError: sizes that are no positive integers, a state or mask of another shape.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("units", *SEQUENCE)
    # Whether `run` itself ignores what stands at masked steps, and with `zero_output_for_mask`
    # returns zeros there.
    handles_padding: ClassVar[bool] = False

    def __init__(self, units: int, **options: Unpack[SequenceOptions]) -> None:
        refuse_memory(type(self).__name__, dict(options), "Leave it out.")
        own, rest = separate(options, SEQUENCE, type(self).__name__)
        super().__init__(activity_regularizer=own.pop("activity_regularizer"), **rest)
        self.units = check_count(f"{type(self).__name__}: units", units)
        set_options(self, own)
        self.dropout = float(own["dropout"])
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.states: list[keras.Variable] | None = None
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def __init_subclass__(cls, **options: Any) -> None:
        """Replace `**options` by real arguments in the signature of a subclass."""
        super().__init_subclass__(**options)
        expand_signature(cls)

    @property
    def state_size(self) -> list[int]:
        """Size of each state; the first state is the output."""
        return [self.units]

    def build_weights(self, width: int) -> None:
        """Create the weights for inputs of `width` features."""
        raise NotImplementedError

    def run(
        self, sequences: Tensor, states: tuple, mask: Flags, resets: Flags, training: bool
    ) -> tuple[Tensor | None, tuple]:
        """Run one pass, from the last step to the first with `go_backwards`.

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
            zeros = {"initializer": "zeros", "trainable": False}
            self.states = [
                self.add_weight((sequences_shape[0], size), name=f"state_{i}", **zeros)
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
        in_order: bool = False,
    ) -> Any:
        """Run over `sequences` `(B, T, D)`."""
        # With an initial state Keras passes the mask of the sequences under this name.
        mask = sequences_mask if mask is None else mask
        if 0 in tuple(sequences.shape[:2]):
            return call_empty(self, sequences, initial_state, mask, training, resets)
        self.check_steps(sequences.shape)
        name = type(self).__name__
        mask = None if mask is None else check_flags(name, "the mask", mask, sequences)
        resets = None if resets is None else check_flags(name, "resets", resets, sequences)
        cleaned = None if self.handles_padding else mask
        sequences = clean_steps(sequences, cleaned, self.compute_dtype)
        states = self._first_states(sequences, initial_state)
        if training and self.dropout:
            sequences = sequences * self.dropout_mask(sequences[:, :1, :], self.dropout)
        outputs, states = self.run(sequences, states, mask, resets, training)
        if not self.return_sequences:
            outputs = None
        output = self._output(outputs, states[0], mask, from_zero=initial_state is None)
        if self.go_backwards and outputs is not None and not in_order:
            output = ops.flip(output, axis=1)
        if self.stateful:
            for variable, state in zip(self.states or (), states, strict=True):
                variable.assign(ops.cast(state, variable.dtype))
        return (output, *states) if self.return_state else output

    def dropout_mask(self, like: Tensor, rate: float) -> Tensor:
        """Draw a dropout mask: 0 with probability `rate`, else `1 / (1 - rate)`."""
        return keras.random.dropout(ops.ones_like(like), rate, seed=self.seed_generator)

    def _output(
        self, outputs: Tensor | None, last: Tensor, mask: Tensor | None, *, from_zero: bool
    ) -> Tensor:
        """Zero the outputs of masked steps where required."""
        if outputs is None:
            if mask is None or (from_zero and not self.zero_output_for_mask):
                return last
            end = mask[:, :1] if self.go_backwards else mask[:, -1:]
            real = end if self.zero_output_for_mask else ops.any(mask, axis=1, keepdims=True)
            return ops.where(real, last, ops.zeros_like(last))
        zeroed = self.zero_output_for_mask and self.handles_padding  # by `run`
        if mask is not None and not zeroed and (self.zero_output_for_mask or not from_zero):
            mask = ops.cast(mask, "bool")
            valid = mask if self.zero_output_for_mask else self._any_real_so_far(mask)
            outputs = ops.where(ops.expand_dims(valid, -1), outputs, ops.zeros_like(outputs))
        return outputs

    def _any_real_so_far(self, mask: Tensor) -> Tensor:
        """Return for every step whether it or one before it, in the order of the pass, is real."""
        count = ops.cast(mask, "int32")
        if self.go_backwards:
            return ops.flip(ops.cumsum(ops.flip(count, axis=1), axis=1), axis=1) > 0
        return ops.cumsum(count, axis=1) > 0

    def _first_states(self, sequences: Tensor, initial_state: Any) -> tuple:
        """Return the states before the first step, in the compute dtype."""
        if initial_state is None:
            if not self.stateful:
                return tuple(self.get_initial_state(ops.shape(sequences)[0]))
            initial_state = carried_states(self, sequences)
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        shapes = [tuple(state.shape) for state in initial_state]
        expected = [(sequences.shape[0], size) for size in self.state_size]
        if len(shapes) != len(expected) or not all(map(shapes_agree, shapes, expected)):
            where = type(self).__name__
            raise InputError(
                f"{where}: initial_state has the shapes {shapes}; expected {expected}."
            )
        return tuple(ops.cast(state, self.compute_dtype) for state in initial_state)

    def check_steps(self, shape: Shape) -> None:
        """Refuse a number of steps that the layer cannot take; any by default."""

    # Interface of Keras layers.

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> Any:
        """Return the shape of the output, and of the states when they are returned."""
        batch, time = sequences_shape[:2]
        size = self.state_size[0]
        output = (batch, time, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return (output, *((batch, size) for size in self.state_size))

    def compute_mask(self, sequences: Tensor, mask: Tensor | None = None) -> Any:
        """Propagate the mask with the sequences, reversed if they are."""
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        passed = mask if self.return_sequences else None
        if passed is not None and self.go_backwards:
            passed = ops.flip(passed, axis=1)
        return [passed] + [None] * len(self.state_size) if self.return_state else passed


def carried_states(layer: keras.layers.Layer, sequences: Tensor) -> Any:
    """Return the states from which a stateful layer, of rnnkit or of Keras, starts a batch.

    Copies: on PyTorch the variables are overwritten in place, and the gradient needs them.

    Raises:
        InputError: a batch of another size.
    """
    came = sequences.shape[0]
    message = (
        f"{type(layer).__name__}: stateful=True was built for batches of {{}} rows; this batch has "
        f"{came or 'another number'}. Leave out the rows that fill no batch, or add some."
    )

    def carried(variable: keras.Variable) -> Tensor:
        state = ops.copy(ops.convert_to_tensor(variable))
        if came is None:
            return native.check_sizes(state, sequences, 1, message.format(state.shape[0]))
        if came != state.shape[0]:
            raise InputError(message.format(state.shape[0]))
        return state

    return keras.tree.map_structure(carried, layer.states)


def call_empty(
    layer: Any,
    sequences: Tensor,
    initial_state: Any,
    mask: Tensor | None,
    training: bool,
    resets: Tensor | None,
) -> Any:
    """Return what a layer over time answers a batch without rows or steps.

    The kernels need one of each: the layer runs over one more row, or one more step, a masked one,
    and the results are cut to the size of the batch.
    """
    batch, steps = sequences.shape[:2]
    rows, more = int(batch == 0), int(steps == 0)
    name = type(layer).__name__
    mask = ops.ones((batch, steps), "bool") if mask is None else mask
    mask = _padded(check_flags(name, "the mask", mask, sequences), rows, more)
    if resets is not None:
        resets = _padded(check_flags(name, "resets", resets, sequences), rows, more)
    if initial_state is not None:
        several = isinstance(initial_state, (list, tuple))
        states = [ops.convert_to_tensor(s) for s in (initial_state if several else [initial_state])]
        initial_state = [_padded(state, rows, 0) for state in states]
    found = layer.call(
        _padded(sequences, rows, more), initial_state, mask, training=training, resets=resets
    )

    def cut(part: Tensor) -> Tensor:
        return part[:batch, :steps] if len(part.shape) > 2 else part[:batch]

    return tuple(map(cut, found)) if isinstance(found, tuple) else cut(found)


def _padded(part: Tensor, rows: int, steps: int) -> Tensor:
    """Return a tensor with more rows of zeros, and more steps where it has them."""
    for axis, more in enumerate((rows, steps)):
        if more:
            shape = list(part.shape)
            shape[axis] = more
            part = ops.concatenate([part, ops.zeros(shape, dtype=part.dtype)], axis=axis)
    return part
