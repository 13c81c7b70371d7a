"""Recorded passes of the recurrent layers in a model, and the states that they visit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rnnkit import backend  # (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np
from keras import ops

from rnnkit.errors import InputError
from rnnkit.recurrent.base import RecurrentLayer
from rnnkit.recurrent.convert import copy_weights
from rnnkit.recurrent.gru import GRU
from rnnkit.recurrent.linear import LinearRecurrence
from rnnkit.recurrent.lstm import LSTM
from rnnkit.recurrent.sequence import Tensor
from rnnkit.recurrent.simple import SimpleRNN

TWINS = {keras.layers.SimpleRNN: SimpleRNN, keras.layers.LSTM: LSTM, keras.layers.GRU: GRU}


class Pass(NamedTuple):
    """What a recurrent layer was given in one call.

    Attributes:
        name: of the layer in its model.
        layer: of `rnnkit.layers`; of a layer of Keras, its twin with the same weights.
        x: `(B, T, D)`, the inputs of the recurrence.
        states: before the first step, each `(B, S)`.
        mask: boolean `(B, T)`, true = real step; or None.
        resets: boolean `(B, T)`, true = the states are zero before this step; or None.
    """

    name: str
    layer: Any
    x: np.ndarray
    states: list[np.ndarray]
    mask: np.ndarray | None = None
    resets: np.ndarray | None = None

    @property
    def real(self) -> np.ndarray:
        """Boolean `(B, T)`, true = real step."""
        return np.ones(self.x.shape[:2], bool) if self.mask is None else self.mask


def record_passes(model: Any, inputs: Any) -> list[Pass]:
    """Call a model once and return the pass of each recurrent layer in it, in their order.

    Dropout is off. Layers inside of `Bidirectional`, `Stack` and `RGLRUBlock` count by themselves.
    The states of stateful layers are put back.

    Args:
        model: a Keras model or layer.
        inputs: what its call takes.

    Returns:
        A pass for each call of a layer of `rnnkit.layers`, and of SimpleRNN, LSTM and GRU of Keras.
        Layers that were called with no row or no step are left out.

    Raises:
        InputError: the model has no such layer.

    Example:
        >>> from rnnkit.layers import GRU, Bidirectional
        >>> passes = record_passes(Bidirectional(GRU(4, name="gru")), np.ones((2, 5, 3)))
        >>> [(one.name, one.x.shape) for one in passes]
        [('forward_gru', (2, 5, 3)), ('backward_gru', (2, 5, 3))]
    """
    if isinstance(model, keras.layers.Layer) and not model.built:
        model(inputs)
    parts = list({id(part): part for part in model._flatten_layers()}.values())
    own = [part for part in parts if isinstance(part, (RecurrentLayer, LinearRecurrence))]
    keras_own = [part for part in parts if type(part) in TWINS]
    if not own and not keras_own:
        raise InputError(
            f"{getattr(model, 'name', model)!r} has no recurrent layer; expected a model with one "
            "of rnnkit.layers, or a SimpleRNN, LSTM or GRU of keras.layers."
        )
    passes: list[Pass] = []
    carried = [variable for part in parts for variable in _carried(part)]
    before = [ops.convert_to_numpy(variable) for variable in carried]
    with contextlib.ExitStack() as stack:
        for part in own:
            stack.enter_context(_replaced(part, "run", _recorded_run(part, passes)))
        for part in keras_own:
            stack.enter_context(_replaced(part, "call", _recorded_call(part, passes)))
        model(inputs, training=False)
    for variable, value in zip(carried, before, strict=True):
        variable.assign(value)
    return passes


def one_step(layer: Any, x: Tensor, states: tuple, mask: Any = None, resets: Any = None) -> tuple:
    """Return the states after a step of a layer, outside training.

    Args:
        layer: recurrent, built.
        x: `(B, D)`.
        states: before it, each `(B, S)`.
        mask: `(B,)`, not zero = real step; or None.
        resets: `(B,)`, not zero = the states are reset before it; or None.
    """
    flags = (None if flag is None else ops.cast(flag, "bool")[:, None] for flag in (mask, resets))
    # Of the layers with a recurrent kernel, which otherwise return what they need themselves.
    every = {"all_states": True} if isinstance(layer, RecurrentLayer) else {}
    return tuple(layer.run(ops.expand_dims(x, 1), states, *flags, False, **every)[1])


def states_before(one: Pass) -> list[np.ndarray]:
    """Return the states that enter each step of a pass, each `(B, T, S)`; zeros after a reset.

    Example:
        >>> from rnnkit.layers import SimpleRNN
        >>> one, = record_passes(SimpleRNN(4), np.ones((2, 5, 3)))
        >>> states_before(one)[0].shape, float(states_before(one)[0][0, 0].max())
        ((2, 5, 4), 0.0)
    """
    layer, dtype = one.layer, one.layer.compute_dtype
    flags = [flag is not None for flag in (one.mask, one.resets)]
    given = [one.x, *(flag for flag in (one.mask, one.resets) if flag is not None)]
    xs = tuple(
        ops.convert_to_tensor(np.swapaxes(part, 0, 1).astype("float32"), dtype=dtype)
        for part in given
    )

    def step(carry: tuple, now: tuple) -> tuple[tuple, Tensor]:
        known = iter(now[1:])
        new = one_step(layer, now[0], carry, *(next(known) if there else None for there in flags))
        return new, ops.concatenate(new, axis=-1)

    first = tuple(ops.convert_to_tensor(state, dtype=dtype) for state in one.states)
    _, found = backend.native.scan(step, first, xs, reverse=layer.go_backwards)
    after = np.swapaxes(ops.convert_to_numpy(ops.cast(found, "float32")), 0, 1)
    start = np.concatenate([np.asarray(state, "float32") for state in one.states], -1)[:, None]
    parts = (after[:, 1:], start) if layer.go_backwards else (start, after[:, :-1])
    before = np.concatenate(parts, axis=1)
    if one.resets is not None:
        before = np.where(one.resets[..., None], 0.0, before).astype("float32")
    return np.split(before, np.cumsum(layer.state_size)[:-1], axis=-1)


def _recorded_run(layer: Any, passes: list[Pass]) -> Callable:
    """Return the method `run` of a layer of rnnkit, which keeps what it is given."""
    run = layer.run

    def recorded(x: Tensor, states: tuple, mask: Any, resets: Any, *more: Any, **named: Any) -> Any:
        keep(passes, layer.name, layer, x, states, mask, resets)
        return run(x, states, mask, resets, *more, **named)

    return recorded


def _recorded_call(layer: Any, passes: list[Pass]) -> Callable:
    """Return the method `call` of a layer of Keras, which keeps what it is given."""
    call = layer.call

    def recorded(
        sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        states = initial_state
        if states is None:
            carried = layer.stateful and layer.states is not None
            states = layer.states if carried else layer.get_initial_state(len(sequences))
        states = states if isinstance(states, (list, tuple)) else [states]
        mask = mask[0] if isinstance(mask, list) else mask
        keep(passes, layer.name, twin(layer), sequences, states, mask, None)
        return call(sequences, initial_state=initial_state, mask=mask, training=training)

    return recorded


def keep(passes: list[Pass], name: str, layer: Any, x: Any, states: Any, *flags: Any) -> None:
    """Append a pass as arrays; a layer's second pass is called "name, call 2"."""
    calls = sum(one.name.partition(", call ")[0] == name for one in passes)
    numbers = [ops.convert_to_numpy(ops.cast(part, "float32")) for part in (x, *states)]
    known = [None if flag is None else np.array(ops.convert_to_numpy(flag), bool) for flag in flags]
    if 0 in numbers[0].shape[:2]:
        return
    if known[0] is not None:  # what stands at masked steps, a NaN for instance, is never read
        numbers[0] = np.where(known[0][..., None], numbers[0], 0.0).astype("float32")
    label = f"{name}, call {calls + 1}" if calls else name
    passes.append(Pass(label, layer, numbers[0], numbers[1:], *known))


def twin(layer: Any) -> Any:
    """Return the layer of rnnkit with the equations and weights of a layer of Keras.

    Example:
        >>> layer = keras.layers.GRU(4)
        >>> layer.build((None, None, 3))
        >>> type(twin(layer)).__module__
        'rnnkit.recurrent.gru'
    """
    ours: Any = TWINS[type(layer)]
    config = layer.get_config()
    made = ours.from_config({**config, "stateful": False, "unroll": False})
    made.build((None, None, layer.cell.kernel.shape[0]))
    made.built = True
    copy_weights(layer, made)
    return made


def _carried(layer: Any) -> list:
    """Return the variables in which a stateful layer carries its states."""
    states = getattr(layer, "states", None) if getattr(layer, "stateful", False) else None
    return [state for state in states or () if isinstance(state, keras.Variable)]


@contextlib.contextmanager
def _replaced(layer: Any, name: str, method: Callable) -> Iterator[None]:
    """Give a layer another method for a while; past Keras, which would track it."""
    object.__setattr__(layer, name, method)
    try:
        yield
    finally:
        del vars(layer)[name]
