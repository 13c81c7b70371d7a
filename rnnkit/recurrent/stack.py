"""Stacked recurrent layers as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnkit.backend.masking import check_flags, forward_fill
from rnnkit.errors import InputError, check_count
from rnnkit.recurrent.copies import changed, copy
from rnnkit.recurrent.sequence import SequenceLayer, Shape, Tensor, call_empty, check_rate
from rnnkit.recurrent.wrappers import Bidirectional


@keras.saving.register_keras_serializable(package="rnnkit")
class Stack(keras.layers.Layer):
    """Stack of recurrent layers that behaves as one recurrent layer.

    `y_t^(l) = layer_l(dropout(y^(l-1)))_t`, with residual connections `+ y_t^(l-1)` around every
    layer but the first, whose inputs have another width.

    Use a stack where several layers have to act as one: with `initial_state`, `return_state`,
    `stateful` or `resets` over all of them, with residual connections that respect masks, or as the
    twin of `torch.nn.LSTM(num_layers=...)`. For a plain feed-forward stack call the layers in a
    loop, `for layer in layers: x = layer(x)`: that computes the same, and each layer stays visible
    in the model.

    Call arguments, masks and resets are as in `SequenceLayer`. The return value is that of the last
    layer; the layers below return sequences. The states are those of all layers in one flat list,
    from the first layer to the last.

    Args:
        layers: recurrent or `Bidirectional` layers, of which copies are stacked; or one layer.
        depth: the number of copies of the one layer.
        residual: add the input of each layer but the first to its output.
        dropout: dropout rate of the outputs between layers, one mask for all steps. For dropout of
            the inputs give the first layer a `dropout`.
        go_backwards: run from the last step to the first and return the reversed sequence.
        seed: seed of the dropout masks.
        name: name of the layer.
        trainable: train the weights.

    Raises:
        InputError: layers that cannot be stacked, or residual layers of unequal width.

    Source: Graves, Mohamed and Hinton 2013, arXiv:1303.5778; residual connections: Wu et al. 2016,
    arXiv:1609.08144.

    Example:
        >>> from rnnkit.layers import GRU, LSTM
        >>> Stack([LSTM(8), GRU(4)])(keras.ops.ones((2, 5, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        layers: Sequence[keras.layers.Layer] | keras.layers.Layer,
        depth: int | None = None,
        *,
        residual: bool = False,
        dropout: float = 0.0,
        go_backwards: bool = False,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        given = _listed(layers, depth)
        last = given[-1]
        super().__init__(name=name, trainable=trainable, dtype=last.dtype_policy)
        self.residual, self.go_backwards, self.seed = residual, go_backwards, seed
        self.dropout = check_rate("Stack: dropout", dropout)
        self.seed_generator = keras.random.SeedGenerator(seed)
        for attribute in ("return_sequences", "return_state", "stateful"):
            setattr(self, attribute, getattr(last, attribute))
        self._check_layers(given)
        top = self.return_sequences or residual  # the residual connection needs every step
        below = {"return_sequences": True, "return_state": self.return_state}
        self.layers = [copy(layer, **below) for layer in given[:-1]]
        self.layers.append(copy(last, return_sequences=top))
        self.last_output: keras.Variable | None = None
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def _check_layers(self, layers: list) -> None:
        """Refuse layers that cannot be stacked."""
        for place, layer in enumerate(layers):
            if getattr(layer, "go_backwards", False):  # Bidirectional has none
                raise InputError(
                    f"Stack: layer {place} ({layer.name}) has go_backwards=True. Give it to the "
                    "Stack, which then runs all layers from the last step to the first; for both "
                    "directions stack Bidirectional layers."
                )
            if layer.stateful != self.stateful:
                raise InputError(
                    f"Stack: layer {place} ({layer.name}) has stateful={layer.stateful}, the last "
                    f"one stateful={self.stateful}; expected the same of all."
                )
            if getattr(layer, "merge_mode", "concat") is None:
                raise InputError(
                    f"Stack: layer {place} ({layer.name}) has merge_mode=None and returns two "
                    "sequences; expected one of the other merge modes."
                )
        if self.residual and isinstance(layers[-1], Bidirectional) and not self.return_sequences:
            raise InputError(
                "Stack: residual=True with a Bidirectional last layer that returns the last output "
                "only: its two directions end at different steps. Make it return sequences."
            )

    # Properties of the whole stack.

    @property
    def state_size(self) -> list[int]:
        """Size of each state, layer by layer."""
        return [size for layer in self.layers for size in _state_size(layer)]

    @property
    def states(self) -> list | None:
        """The states of all layers in one list; None unless stateful."""
        if any(layer.states is None for layer in self.layers):
            return None
        return [state for layer in self.layers for state in layer.states]

    @property
    def zero_output_for_mask(self) -> bool:
        """Whether masked steps output zeros, as set in the last layer."""
        return _innermost(self.layers[-1])[0].zero_output_for_mask

    @zero_output_for_mask.setter
    def zero_output_for_mask(self, value: bool) -> None:
        for layer in _innermost(self.layers[-1]):
            layer.zero_output_for_mask = value

    def reset_state(self) -> None:
        """Set the states of stateful layers to zero."""
        for layer in self.layers:
            layer.reset_state()
        if self.last_output is not None:
            self.last_output.assign(ops.zeros(self.last_output.shape, dtype=self.last_output.dtype))

    reset_states = reset_state  # the name in older Keras code

    def build(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> None:
        """Build all layers."""
        shape, widths = tuple(sequences_shape), []
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = self._first(layer.compute_output_shape(shape))
            widths.append(shape[-1])
        if self.residual:
            unequal = [place for place in range(1, len(widths)) if widths[place] != widths[0]]
            if unequal:
                raise InputError(
                    f"Stack: residual=True needs layers of one width; got the widths {widths}. "
                    f"The output of layer {unequal[0]} ({self.layers[unequal[0]].name}) cannot be "
                    "added to its input."
                )
        if self.residual and self.stateful:
            # Needed by a batch that begins with masked steps; it is no state of a layer.
            self.last_output = self.add_weight(
                shape=(sequences_shape[0], shape[-1]),
                name="last_output",
                initializer="zeros",
                trainable=False,
            )

    def _first(self, found: Any) -> Any:
        """Return the output, or its shape, without the states."""
        return found[0] if self.return_state else found

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
        """Run over `sequences` `(B, T, D)` with one layer after the other."""
        # With an initial state Keras passes the mask of the sequences under this name.
        mask = sequences_mask if mask is None else mask
        if 0 in tuple(sequences.shape[:2]):
            return call_empty(self, sequences, initial_state, mask, training, resets)
        mask, resets = (
            self._flags(label, flags, sequences)
            for label, flags in (("the mask", mask), ("resets", resets))
        )
        shared = {"mask": mask, "training": training, "resets": resets}
        read = ops.flip(sequences, axis=1) if self.go_backwards else sequences
        first_states, states = self._split(initial_state), []
        for place, layer in enumerate(self.layers):
            entering = self._dropped(read) if training and place else read
            found = layer(entering, initial_state=first_states[place], **shared)
            if self.return_state:
                states += found[1:]
            output = self._first(found)
            read = output + ops.cast(read, output.dtype) if self.residual and place else output
        if self.residual:
            read = self._fill_masked(read, mask, resets, initial_state is None)
        return (read, *states) if self.return_state else read

    def _fill_masked(
        self, outputs: Tensor, mask: Tensor | None, resets: Tensor | None, from_zero: bool
    ) -> Tensor:
        """Forward fill at masked steps, where the residual connection adds arbitrary values."""
        before = None
        if self.last_output is not None and from_zero:
            before = ops.cast(ops.copy(ops.convert_to_tensor(self.last_output)), outputs.dtype)
        filled = outputs if mask is None else forward_fill(outputs, mask, resets, before)
        if self.last_output is not None:
            self.last_output.assign(ops.cast(filled[:, -1], self.last_output.dtype))
        if mask is not None and self.zero_output_for_mask:
            filled = ops.where(ops.expand_dims(mask, -1), filled, ops.zeros_like(filled))
        return filled if self.return_sequences else filled[:, -1]

    def _flags(self, label: str, flags: Tensor | None, sequences: Tensor) -> Tensor | None:
        """Return a mask or resets as booleans, in the order of the pass."""
        if flags is None:
            return None
        flags = check_flags("Stack", label, flags, sequences)
        return ops.flip(flags, axis=-1) if self.go_backwards else flags

    def _split(self, initial_state: Any) -> list:
        """Split a flat list of initial states by layer."""
        counts = [len(_state_size(layer)) for layer in self.layers]
        if initial_state is None:
            return [None] * len(counts)
        flat = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
        if len(flat) != sum(counts):
            raise InputError(
                f"Stack: initial_state has {len(flat)} states; expected {sum(counts)}, the states "
                f"of all layers one after the other, of the sizes {self.state_size}."
            )
        ends = [sum(counts[: place + 1]) for place in range(len(counts))]
        return [list(flat[end - count : end]) for end, count in zip(ends, counts, strict=True)]

    def _dropped(self, sequences: Tensor) -> Tensor:
        """Apply dropout between layers, one mask for all steps."""
        if not self.dropout:
            return sequences
        ones = ops.ones_like(sequences[:, :1, :])
        return sequences * keras.random.dropout(ones, self.dropout, seed=self.seed_generator)

    # Interface of Keras layers.

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> Any:
        """Return the shape of the output, and of the states when they are returned."""
        shape = tuple(sequences_shape)
        for layer in self.layers:
            shape = self._first(layer.compute_output_shape(shape))
        if not self.return_sequences and len(shape) == 3:
            shape = (shape[0], shape[2])
        if not self.return_state:
            return shape
        return (shape, *((shape[0], size) for size in self.state_size))

    compute_mask = SequenceLayer.compute_mask

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer, for `from_config`."""
        layers = [changed(keras.saving.serialize_keras_object(layer)) for layer in self.layers]
        layers[-1] = changed(layers[-1], return_sequences=self.return_sequences)
        names = ("residual", "dropout", "go_backwards", "seed", "name", "trainable")
        return {"layers": layers} | {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Stack:
        """Build the layer from `get_config`."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


def _listed(layers: Any, depth: int | None) -> list:
    """Return the layers as a list; refuse anything but recurrent layers."""
    several = isinstance(layers, (list, tuple))
    for layer in layers if several else [layers]:
        if not isinstance(layer, (SequenceLayer, Bidirectional, Stack)):
            raise InputError(
                f"Stack: expected recurrent layers such as rnnkit.layers.LSTM; got {layer!r}."
            )
    if several:
        if depth is not None or not layers:
            raise InputError(
                f"Stack: got a list of {len(layers)} layers and depth={depth}; expected a list of "
                "one layer at least, or one layer and the number of its copies."
            )
        return list(layers)
    count = check_count("Stack: depth, the number of copies of the one layer,", depth)
    return [copy(layers, place, name=f"{layers.name}_{place}") for place in range(count)]


def _state_size(layer: keras.layers.Layer) -> list[int]:
    """Return the sizes of the states of a layer, of both directions if it is bidirectional."""
    if isinstance(layer, Bidirectional):
        return [*_state_size(layer.forward_layer), *_state_size(layer.backward_layer)]
    return layer.state_size


def _innermost(layer: keras.layers.Layer) -> list:
    """Return the layer itself, or both directions of a bidirectional one."""
    if isinstance(layer, Bidirectional):
        return [layer.forward_layer, layer.backward_layer]
    return [layer]
