"""Wrappers of recurrent layers: bidirectional."""

from __future__ import annotations

import inspect
from typing import Any

import keras
from keras import ops

from rnnkit.backend.masking import check_flags, clean_steps
from rnnkit.errors import InputError, check_choice
from rnnkit.options import expand_signature
from rnnkit.recurrent.sequence import (
    SequenceLayer,
    Shape,
    Tensor,
    call_empty,
    carried_states,
    refuse_memory,
)

MERGES = {
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    None: lambda forward, backward: (forward, backward),
}


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class Bidirectional(keras.layers.Layer):
    """Bidirectional wrapper: a recurrent layer and its reversed twin, their outputs merged.

    `y_t = merge(forward(x)_t, backward(x)_t)`, with the same mask for both. Drop-in replacement for
    `keras.layers.Bidirectional`: same arguments, weights of the forward layer first. As there,
    masked steps output zeros when sequences are returned. The outputs have the dtype of the
    wrapper, whatever those of the two layers are.

    Call arguments: see `SequenceLayer`; the states are the forward layer's, then the backward
    layer's, and a reset applies to either direction. Recurrent layers of Keras itself take no
    resets.

    Args:
        layer: a recurrent layer, of rnnkit or of Keras; a copy of it runs forward.
        merge_mode: "concat", "sum", "mul", "ave", or None for both outputs separately.
        weights: initial weights, those of the forward layer first.
        backward_layer: the layer that runs backward (`go_backwards=True`); a copy of `layer`
            when left out.
        **kwargs: the arguments of every Keras layer.

    Raises:
        InputError: an unknown merge mode, layers that do not fit each other.

    Source: Schuster and Paliwal 1997, Bidirectional Recurrent Neural Networks.

    Example:
        >>> from rnnkit.layers import LSTM
        >>> Bidirectional(LSTM(8))(keras.ops.ones((2, 5, 3))).shape
        (2, 16)
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        merge_mode: str | None = "concat",
        weights: list | None = None,
        backward_layer: keras.layers.Layer | None = None,
        **kwargs: Any,
    ) -> None:
        check_choice("Bidirectional: merge_mode", merge_mode, MERGES)
        refuse_memory("Bidirectional", kwargs, "Give it to the layer inside.")
        for part in (layer, backward_layer):
            if part is not None and not hasattr(part, "go_backwards"):
                raise InputError(f"Bidirectional: expected recurrent layers; got {part!r}.")
        super().__init__(**kwargs)
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward", layer.go_backwards)
        self.backward_layer = backward_layer or _copy(layer, "backward", not layer.go_backwards)
        self._check_layers()
        for name in ("return_sequences", "return_state", "stateful"):
            setattr(self, name, getattr(layer, name))
        for part in (self.forward_layer, self.backward_layer):
            part.zero_output_for_mask = layer.return_sequences
        self._start_weights = weights
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_layers(self) -> None:
        """Refuse two layers that cannot be merged."""
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise InputError(
                f"Bidirectional: both layers have go_backwards={forward.go_backwards}; one of them "
                "has to run in the other direction."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, name) != getattr(backward, name):
                raise InputError(
                    f"Bidirectional: {name} is {getattr(forward, name)} in the forward layer and "
                    f"{getattr(backward, name)} in the backward layer; expected the same."
                )

    def build(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> None:
        """Build both layers."""
        for part in (self.forward_layer, self.backward_layer):
            if not part.built:
                part.build(sequences_shape)
                part.built = True
        if self._start_weights is not None:
            self.set_weights(self._start_weights)

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
        training: bool = False,
        resets: Tensor | None = None,
        sequences_mask: Tensor | None = None,
    ) -> Any:
        """Run both directions over `sequences` `(B, T, D)` and merge them."""
        # With an initial state Keras passes the mask of the sequences under this name.
        mask = sequences_mask if mask is None else mask
        if 0 in tuple(sequences.shape[:2]):
            return call_empty(self, sequences, initial_state, mask, training, resets)
        mask = None if mask is None else check_flags("Bidirectional", "the mask", mask, sequences)
        own = all(isinstance(part, SequenceLayer) for part in self._parts)
        # The layers of Keras neither check a mask nor ignore what stands at masked steps.
        sequences = clean_steps(sequences, None if own else mask, self.compute_dtype)
        halves: tuple[Any, Any] = (None, None)
        if self.stateful and initial_state is None:
            forward, backward = (
                # Those of Keras would read and overwrite their states themselves.
                carried_states(part, sequences) if isinstance(part, keras.layers.RNN) else None
                for part in (self.forward_layer, self.backward_layer)
            )
            halves = (forward, backward)
        elif initial_state is not None:
            middle = len(initial_state) // 2
            halves = (initial_state[:middle], initial_state[middle:])
        shared = {"mask": mask, "training": training}
        if resets is not None:
            self._refuse_resets()
            shared["resets"] = resets
        forward, backward = (
            part(sequences, initial_state=half, **shared, **self._order(part))
            for part, half in zip(self._parts, halves, strict=True)
        )
        states: tuple = ()
        if self.return_state:
            states = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        forward, backward = (ops.cast(y, self.compute_dtype) for y in (forward, backward))
        if self.return_sequences and not self._order(self.backward_layer):
            backward = ops.flip(backward, axis=1)
        output = MERGES[self.merge_mode](forward, backward)
        if not self.return_state:
            return output
        return (*output, *states) if self.merge_mode is None else (output, *states)

    @property
    def _parts(self) -> tuple[keras.layers.Layer, keras.layers.Layer]:
        """The layers of both directions."""
        return self.forward_layer, self.backward_layer

    def _order(self, part: keras.layers.Layer) -> dict[str, bool]:
        """Return the argument that saves turning the outputs around twice, where a layer takes it.

        The layers of Keras do not. Of a wrapper whose own layer runs backward, both outputs are
        turned around.
        """
        if not self.return_sequences or self.forward_layer.go_backwards:
            return {}
        own = isinstance(part, SequenceLayer)  # of which a subclass may have a `call` of its own
        takes = own and "in_order" in inspect.signature(part.call).parameters
        return {"in_order": True} if takes else {}

    def _refuse_resets(self) -> None:
        """Refuse resets where one of the layers cannot take them."""
        for part in (self.forward_layer, self.backward_layer):
            if "resets" not in inspect.signature(part.call).parameters:
                raise InputError(
                    f"Bidirectional: resets were given, and {type(part).__module__}."
                    f"{type(part).__name__} takes none. Leave them out, or use a layer of "
                    "rnnkit.layers."
                )

    def reset_state(self) -> None:
        """Set the states of stateful layers to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state  # the name in older Keras code

    @property
    def states(self) -> list | None:
        """The forward layer's states, then the backward layer's; None unless stateful."""
        if self.forward_layer.states is None:
            return None
        return [*self.forward_layer.states, *self.backward_layer.states]

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Any = None, resets_shape: Any = None
    ) -> Any:
        """Return the shape of the merged output, and of the states when they are returned."""
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        other = self.backward_layer.compute_output_shape(sequences_shape)
        states: tuple = ()
        if self.return_state:
            states = (*shape[1:], *other[1:])
            shape, other = shape[0], other[0]
        if self.merge_mode is None:
            return (shape, other, *states)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], shape[-1] + other[-1])
        return (shape, *states) if states else shape

    def compute_mask(self, sequences: Tensor, mask: Tensor | None = None) -> Any:
        """Propagate the mask with the sequences."""
        passed = mask if self.return_sequences else None
        outputs = [passed, passed] if self.merge_mode is None else [passed]
        if self.return_state:
            outputs += [None] * (len(self.forward_layer.state_size) * 2)
        return outputs if len(outputs) > 1 else outputs[0]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer, for `from_config`."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": keras.saving.serialize_keras_object(self.forward_layer),
            "backward_layer": keras.saving.serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Bidirectional:
        """Build the layer from `get_config`."""
        config = dict(config)
        for key in ("layer", "backward_layer"):
            config[key] = keras.saving.deserialize_keras_object(config[key])
        return cls(**config)


def _copy(layer: keras.layers.Layer, direction: str, go_backwards: bool) -> keras.layers.Layer:
    """Return a fresh layer of the same configuration, named after its direction."""
    config = keras.saving.serialize_keras_object(layer)
    plain = layer.name.removeprefix("forward_").removeprefix("backward_")
    config["config"] |= {"name": f"{direction}_{plain}", "go_backwards": go_backwards}
    return keras.saving.deserialize_keras_object(config)
