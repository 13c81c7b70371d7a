"""Weights from and to `keras.layers` and torch.nn, with checks that both sides compute the same.

torch is not needed: its side is the mapping of names to arrays that `module.state_dict()` returns
and `module.load_state_dict` takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError
from rnnkit.recurrent.gru import GRU
from rnnkit.recurrent.lstm import LSTM
from rnnkit.recurrent.simple import SimpleRNN
from rnnkit.recurrent.stack import Stack
from rnnkit.recurrent.wrappers import Bidirectional

KERAS = {
    SimpleRNN: keras.layers.SimpleRNN,
    LSTM: keras.layers.LSTM,
    GRU: keras.layers.GRU,
    Bidirectional: keras.layers.Bidirectional,
}
TANH, SIGMOID = ("tanh",), ("sigmoid",)
TORCH: dict[
    str, tuple[str, dict[str, tuple[str, ...]]]
] = {  # our system: what torch calls it, and what the activations have to be
    "simple_rnn": ("RNN", {"activation": ("tanh", "relu")}),
    "lstm": ("LSTM", {"activation": TANH, "recurrent_activation": SIGMOID}),
    "lstm_projected": ("LSTM", {"activation": TANH, "recurrent_activation": SIGMOID}),
    "gru_reset_after": ("GRU", {"activation": TANH, "recurrent_activation": SIGMOID}),
}
SAME = ("units", "use_bias", "reset_after", "activation", "recurrent_activation", "merge_mode")


# keras.layers.


def copy_weights(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Give a layer the weights of its twin: between `rnnkit.layers` and `keras.layers`, either way.

    Args:
        source: a built SimpleRNN, LSTM, GRU or Bidirectional of either.
        target: a built layer that computes the same; it gets the weights.

    Raises:
        InputError: layers of two kinds, with other sizes, activations or biases, or not built;
            nothing was changed.

    Example:
        >>> ours, theirs = GRU(8), keras.layers.GRU(8)
        >>> ours.build((None, None, 3)), theirs.build((None, None, 3))
        (None, None)
        >>> copy_weights(theirs, ours)
    """
    _check_twins(source, target)
    values, weights = _keras_weights(source), _keras_weights(target)
    shapes = [[tuple(weight.shape) for weight in side] for side in (values, weights)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"copy_weights: {source.name} has weights of the shapes {shapes[0]}; {target.name} "
            f"expects {shapes[1]}."
        )
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)


def _check_twins(one: keras.layers.Layer, other: keras.layers.Layer) -> None:
    """Refuse two layers that do not compute the same from the same weights."""
    kinds = [{k for k, twin in KERAS.items() if type(x) in (k, twin)} for x in (one, other)]
    if not kinds[0] or kinds[0] != kinds[1]:
        raise InputError(
            f"copy_weights: cannot move weights from {one!r} to {other!r}; expected two layers of "
            f"one kind, out of {[kind.__name__ for kind in KERAS]}."
        )
    for layer in (one, other):
        if not layer.built:
            raise InputError(
                f"copy_weights: {layer.name} has no weights yet. Call it once, or "
                "layer.build((None, None, features))."
            )
    for name in SAME:
        values = [_setting(layer, name) for layer in (one, other)]
        if values[0] != values[1]:
            raise InputError(
                f"copy_weights: {one.name} has {name}={values[0]!r}, {other.name} has "
                f"{values[1]!r}; expected the same."
            )
    if kinds[0] == {Bidirectional}:
        _check_twins(one.forward_layer, other.forward_layer)
        _check_twins(one.backward_layer, other.backward_layer)


def _setting(layer: keras.layers.Layer, name: str) -> Any:
    """Return an argument of a layer, an activation by its name; None where there is none."""
    value = getattr(layer, name, None)
    return keras.activations.serialize(value) if callable(value) else value


def _keras_weights(layer: keras.layers.Layer) -> list[keras.Variable]:
    """Return kernel, recurrent kernel and bias, of both directions where there are two."""
    if hasattr(layer, "forward_layer"):
        return _keras_weights(layer.forward_layer) + _keras_weights(layer.backward_layer)
    holder = layer if type(layer) in KERAS else layer.cell
    names = ("kernel", "recurrent_kernel", "bias")
    return [getattr(holder, name) for name in names if getattr(holder, name) is not None]


# torch.nn.


def from_torch(
    layer: keras.layers.Layer, state: Mapping[str, Any], layer_index: int = 0
) -> keras.layers.Layer:
    """Give a layer the weights of a torch.nn.RNN, LSTM (also with `proj_size`) or GRU.

    torch keeps its matrices transposed, the GRU's gates in the order r, z, n (ours z, r, h), and
    two biases: where ours is one, it is their sum. Both hold that z keeps the state.

    Args:
        layer: SimpleRNN, LSTM, ProjectedLSTM or GRU; `Bidirectional` of one for a bidirectional
            module; a `Stack` for `num_layers > 1`. Built for the module's inputs if it is not yet.
        state: what `module.state_dict()` returns: tensors or arrays by name.
        layer_index: the module's layer that the (first) layer stands for.

    Returns:
        The layer.

    Raises:
        InputError: a layer that torch has no twin of, weights that are missing or of another shape,
            or that the layer has no place for; no weight was changed.

    Example:
        >>> import torch  # doctest: +SKIP
        >>> module = torch.nn.LSTM(3, 8, num_layers=2, batch_first=True)  # doctest: +SKIP
        >>> stack = from_torch(Stack(LSTM(8), depth=2), module.state_dict())  # doctest: +SKIP
    """
    parts = _torch_parts(layer, layer_index)
    wanted = {name for part, end in parts for name in _torch_names(part, end)}
    numbers = {_number(end) for _, end in parts}
    there = {name for name in state if _number(name) in numbers}
    if wanted != there:
        raise InputError(
            f"from_torch: {layer.name} expects {sorted(wanted)}; the state lacks "
            f"{sorted(wanted - there)} and has {sorted(there - wanted)} beside."
        )
    if not layer.built:
        layer.build((None, None, int(state[f"weight_ih{parts[0][1]}"].shape[1])))
    moves = []
    for part, end in parts:
        arrays = {name: _array(state[name + end]) for name in _torch_names(part)}
        for name, twin in _to_torch(part).items():
            if arrays[name].shape != twin.shape:
                raise InputError(
                    f"from_torch: {name}{end} has the shape {arrays[name].shape}; {part.name} "
                    f"expects {twin.shape}."
                )
        moves += _from_torch(part, arrays)
    for weight, value in moves:
        weight.assign(value)
    return layer


def to_torch(layer: keras.layers.Layer, layer_index: int = 0) -> dict[str, np.ndarray]:
    """Return a layer's weights under the names and in the form that torch.nn has them.

    Args:
        layer: as for `from_torch`, built.
        layer_index: the number of the (first) layer in the module.

    Returns:
        Arrays by name; with `torch.from_numpy` around each, what `module.load_state_dict` takes.
        Where our bias is one, torch's second is zero.

    Raises:
        InputError: a layer that torch has no twin of, or that is not built.

    Example:
        >>> layer = GRU(8)
        >>> layer.build((None, None, 3))
        >>> {name: array.shape for name, array in to_torch(layer).items()}["weight_ih_l0"]
        (24, 3)
    """
    found: dict[str, np.ndarray] = {}
    for part, end in _torch_parts(layer, layer_index):
        if not part.built:
            raise InputError(
                f"to_torch: {part.name} has no weights yet. Call the layer once, or "
                "layer.build((None, None, features))."
            )
        found |= {name + end: array for name, array in _to_torch(part).items()}
    return found


def _torch_parts(layer: Any, index: int) -> list[tuple[Any, str]]:
    """Return the innermost layers, each with the end of its names in torch; check each of them."""
    if isinstance(layer, Stack):
        if layer.residual or layer.go_backwards:
            raise InputError(f"{layer.name}: torch.nn has no residual connections or go_backwards.")
        parts = [_torch_parts(one, index + place) for place, one in enumerate(layer.layers)]
        alike = {
            tuple((type(part), part.units, part.use_bias) for part, _ in some) for some in parts
        }
        if len(alike) > 1:
            raise InputError(
                f"{layer.name}: the layers of a module of torch.nn are of one kind and one size; "
                f"got {[one.name for one in layer.layers]}."
            )
        return [part for some in parts for part in some]
    if isinstance(layer, Bidirectional):
        if layer.merge_mode != "concat":
            raise InputError(
                f"{layer.name}: merge_mode is {layer.merge_mode!r}; torch.nn knows 'concat' alone."
            )
        both = (layer.forward_layer, False, ""), (layer.backward_layer, True, "_reverse")
        return [_torch_part(part, way, f"_l{index}{end}") for part, way, end in both]
    return [_torch_part(layer, False, f"_l{index}")]


def _torch_part(layer: Any, backwards: bool, end: str) -> tuple[Any, str]:
    """Refuse a layer that torch.nn has no twin of."""
    system = getattr(layer, "system", None)
    if system not in TORCH:
        raise InputError(
            f"{getattr(layer, 'name', layer)!r}: torch.nn has no twin of {type(layer).__name__} "
            f"(system {system!r}); expected one of {sorted(TORCH)}, in Bidirectional or a Stack or "
            "alone."
        )
    for name, expected in TORCH[system][1].items():
        if _setting(layer, name) not in expected:
            raise InputError(
                f"{layer.name}: {name} is {_setting(layer, name)!r}; torch.nn.{TORCH[system][0]} "
                f"knows {' and '.join(expected)} alone."
            )
    if layer.go_backwards != backwards:
        raise InputError(
            f"{layer.name}: go_backwards is {layer.go_backwards}; in torch.nn only the second "
            "direction of a bidirectional module runs backwards."
        )
    return layer, end


def _number(name: str) -> str | None:
    """Return the number of the layer at the end of a name in torch."""
    end = re.search(r"_l(\d+)(?:_reverse)?$", name)
    return end[1] if end else None


def _torch_names(layer: Any, end: str = "") -> list[str]:
    """Return the names of a layer's weights in torch."""
    names = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * layer.use_bias
    names += ["weight_hr"] * (layer.system == "lstm_projected")
    return [name + end for name in names]


def _from_torch(layer: Any, arrays: dict[str, np.ndarray]) -> list[tuple[Any, np.ndarray]]:
    """Return the layer's weights, each with the value that torch's arrays give it."""
    if layer.system == "gru_reset_after":
        arrays = {name: _swap(array) for name, array in arrays.items()}
    found = [(layer.kernel, arrays["weight_ih"].T), (layer.recurrent_kernel, arrays["weight_hh"].T)]
    if layer.use_bias:
        biases = np.stack([arrays["bias_ih"], arrays["bias_hh"]])
        found.append((layer.bias, biases if len(layer.bias.shape) == 2 else biases.sum(0)))
    if "weight_hr" in arrays:
        found.append((layer.projection_kernel, arrays["weight_hr"].T))
    return found


def _to_torch(layer: Any) -> dict[str, np.ndarray]:
    """Return torch's arrays, without the ends of their names."""
    found = {"weight_ih": _array(layer.kernel).T, "weight_hh": _array(layer.recurrent_kernel).T}
    if layer.use_bias:
        bias = _array(layer.bias)
        biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        found |= {"bias_ih": biases[0], "bias_hh": biases[1]}
    if layer.system == "lstm_projected":
        found["weight_hr"] = _array(layer.projection_kernel).T
    if layer.system == "gru_reset_after":
        found = {name: _swap(array) for name, array in found.items()}
    return {name: np.ascontiguousarray(array) for name, array in found.items()}


def _swap(array: np.ndarray) -> np.ndarray:
    """Turn the gates r, z, n of the first axis into z, r, n, and back."""
    first, second, third = np.split(array, 3)
    return np.concatenate([second, first, third])


def _array(value: Any) -> np.ndarray:
    """Return an array or a tensor of any framework, wherever it lies, as a NumPy array."""
    if isinstance(value, keras.Variable):
        return keras.ops.convert_to_numpy(value)
    if hasattr(value, "detach"):  # a torch tensor; NumPy has no bfloat16
        value = value.detach().cpu().double()
    return np.asarray(value)
