"""Conversion of weights from and to `keras.layers` and torch.nn.

torch is not needed: its weights are the mapping of names to arrays that `module.state_dict()`
returns and `module.load_state_dict` takes.
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
GATED = {"activation": ("tanh",), "recurrent_activation": ("sigmoid",)}
TORCH: dict[str, tuple[str, dict]] = {  # cell type -> the module of torch.nn, and its activations
    "simple_rnn": ("RNN", {"activation": ("tanh", "relu")}),
    "lstm": ("LSTM", GATED),
    "lstm_projected": ("LSTM", GATED),
    "gru_reset_after": ("GRU", GATED),
}
BUILD = "Call the layer once, or layer.build((None, None, features))."
SAME = ("units", "use_bias", "reset_after", "activation", "recurrent_activation", "merge_mode")


def copy_weights(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Copy weights between equivalent layers of `rnnkit.layers` and `keras.layers`, either way.

    Args:
        source: a built SimpleRNN, LSTM, GRU or Bidirectional of either.
        target: a built layer with the same equations, which gets the weights.

    Raises:
        InputError: another class, size, activation or bias, or no weights; nothing was changed.

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
        names = f"copy_weights: {source.name} has weights of the shapes {shapes[0]}; {target.name}"
        raise InputError(f"{names} expects {shapes[1]}.")
    for weight, value in zip(weights, values, strict=True):
        # As numbers: JAX would share the buffer, which the training of one of them gives away.
        weight.assign(np.array(keras.ops.convert_to_numpy(value)))


def _check_twins(one: keras.layers.Layer, other: keras.layers.Layer) -> None:
    """Refuse two layers that compute different results from the same weights."""
    kinds = [{k for k, twin in KERAS.items() if type(x) in (k, twin)} for x in (one, other)]
    if not kinds[0] or kinds[0] != kinds[1]:
        raise InputError(
            f"copy_weights: cannot copy weights from {one!r} to {other!r}; expected two layers of "
            f"one class, out of {[kind.__name__ for kind in KERAS]}."
        )
    for layer in (one, other):
        if not layer.built:
            raise InputError(f"copy_weights: {layer.name} has no weights yet. {BUILD}")
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
    """Return an argument of a layer, an activation by its name; None if it has no such argument."""
    value = getattr(layer, name, None)
    return keras.activations.serialize(value) if callable(value) else value


def _keras_weights(layer: keras.layers.Layer) -> list[keras.Variable]:
    """Return kernel, recurrent kernel and bias, of both directions if it is bidirectional."""
    if hasattr(layer, "forward_layer"):
        return _keras_weights(layer.forward_layer) + _keras_weights(layer.backward_layer)
    holder = layer if type(layer) in KERAS else layer.cell
    names = ("kernel", "recurrent_kernel", "bias")
    return [getattr(holder, name) for name in names if getattr(holder, name) is not None]


def from_torch(
    layer: keras.layers.Layer, state: Mapping[str, Any], layer_index: int = 0
) -> keras.layers.Layer:
    """Load the weights of a torch.nn.RNN, LSTM (also with `proj_size`) or GRU into a layer.

    torch has its matrices transposed, the gates of the GRU in the order r, z, n (here z, r, h), and
    two biases: a layer with one bias gets their sum. In both z keeps the state.

    Args:
        layer: SimpleRNN, LSTM, ProjectedLSTM or GRU; `Bidirectional` of one for a bidirectional
            module; a `Stack` for `num_layers > 1`. Built for the module's inputs if it is not yet.
        state: the result of `module.state_dict()`: tensors or arrays by name.
        layer_index: index of the (first) layer in the module.

    Returns:
        The layer.

    Raises:
        InputError: a layer unknown to torch, other weights or shapes; no weight was changed.

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
            f"{sorted(wanted - there)} and additionally has {sorted(there - wanted)}."
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
    """Return the weights of a layer with the names and shapes of torch.nn.

    Args:
        layer: as for `from_torch`, built.
        layer_index: index of the (first) layer in the module.

    Returns:
        Arrays by name, which `torch.from_numpy` converts for `module.load_state_dict`; for a layer
        with one bias, torch's second bias is zero.

    Raises:
        InputError: a layer without an equivalent in torch, or one that is not built.

    Example:
        >>> layer = GRU(8)
        >>> layer.build((None, None, 3))
        >>> {name: array.shape for name, array in to_torch(layer).items()}["weight_ih_l0"]
        (24, 3)
    """
    found: dict[str, np.ndarray] = {}
    for part, end in _torch_parts(layer, layer_index):
        if not part.built:
            raise InputError(f"to_torch: {part.name} has no weights yet. {BUILD}")
        found |= {name + end: array for name, array in _to_torch(part).items()}
    return found


def _torch_parts(layer: Any, index: int) -> list[tuple[Any, str]]:
    """Return the innermost layers, checked, each with the suffix of its names in torch."""
    if isinstance(layer, Stack):
        if layer.residual or layer.go_backwards:
            raise InputError(f"{layer.name}: torch.nn has no residual connections or go_backwards.")
        parts = [_torch_parts(one, index + place) for place, one in enumerate(layer.layers)]
        if len({tuple((type(p), p.units, p.use_bias) for p, _ in some) for some in parts}) > 1:
            raise InputError(
                f"{layer.name}: the layers of a module of torch.nn have one class and one size; "
                f"got {[one.name for one in layer.layers]}."
            )
        return [part for some in parts for part in some]
    if isinstance(layer, Bidirectional):
        if layer.merge_mode != "concat":
            mode = layer.merge_mode
            raise InputError(f"{layer.name}: merge_mode is {mode!r}; torch.nn has 'concat' only.")
        both = (layer.forward_layer, False, ""), (layer.backward_layer, True, "_reverse")
        return [_torch_part(part, way, f"_l{index}{end}") for part, way, end in both]
    return [_torch_part(layer, False, f"_l{index}")]


def _torch_part(layer: Any, backwards: bool, end: str) -> tuple[Any, str]:
    """Refuse a layer without an equivalent in torch.nn."""
    cell_type = getattr(layer, "cell_type", None)
    if cell_type not in TORCH:
        raise InputError(
            f"{getattr(layer, 'name', layer)!r}: torch.nn has no {type(layer).__name__} (cell type "
            f"{cell_type!r}); expected one of {sorted(TORCH)}, also in Bidirectional or a Stack."
        )
    for name, expected in TORCH[cell_type][1].items():
        if _setting(layer, name) not in expected:
            raise InputError(
                f"{layer.name}: {name} is {_setting(layer, name)!r}; "
                f"torch.nn.{TORCH[cell_type][0]} has {' and '.join(expected)} only."
            )
    if layer.go_backwards != backwards:
        raise InputError(
            f"{layer.name}: go_backwards is {layer.go_backwards}; in torch.nn only the second "
            "direction of a bidirectional module runs backwards."
        )
    return layer, end


def _number(name: str) -> str | None:
    """Return the index of the layer at the end of a name in torch."""
    end = re.search(r"_l(\d+)(?:_reverse)?$", name)
    return end[1] if end else None


def _torch_names(layer: Any, end: str = "") -> list[str]:
    """Return the names of a layer's weights in torch."""
    names = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * layer.use_bias
    names += ["weight_hr"] * (layer.cell_type == "lstm_projected")
    return [name + end for name in names]


def _from_torch(layer: Any, arrays: dict[str, np.ndarray]) -> list[tuple[Any, np.ndarray]]:
    """Return pairs of a weight of the layer and its value from torch's arrays."""
    if layer.cell_type == "gru_reset_after":
        arrays = {name: _swap(array) for name, array in arrays.items()}
    found = [(layer.kernel, arrays["weight_ih"].T), (layer.recurrent_kernel, arrays["weight_hh"].T)]
    if layer.use_bias:
        biases = np.stack([arrays["bias_ih"], arrays["bias_hh"]])
        found.append((layer.bias, biases if len(layer.bias.shape) == 2 else biases.sum(0)))
    if "weight_hr" in arrays:
        found.append((layer.projection_kernel, arrays["weight_hr"].T))
    return found


def _to_torch(layer: Any) -> dict[str, np.ndarray]:
    """Return torch's arrays by name without suffix."""
    found = {"weight_ih": _array(layer.kernel).T, "weight_hh": _array(layer.recurrent_kernel).T}
    if layer.use_bias:
        bias = _array(layer.bias)
        biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        found |= {"bias_ih": biases[0], "bias_hh": biases[1]}
    if layer.cell_type == "lstm_projected":
        found["weight_hr"] = _array(layer.projection_kernel).T
    if layer.cell_type == "gru_reset_after":
        found = {name: _swap(array) for name, array in found.items()}
    return {name: np.ascontiguousarray(array) for name, array in found.items()}


def _swap(array: np.ndarray) -> np.ndarray:
    """Swap the gates r, z, n <-> z, r, n along the first axis."""
    first, second, third = np.split(array, 3)
    return np.concatenate([second, first, third])


def _array(value: Any) -> np.ndarray:
    """Convert an array or a tensor of any framework and device to NumPy."""
    if isinstance(value, keras.Variable):
        return keras.ops.convert_to_numpy(value)
    if hasattr(value, "detach"):  # a torch tensor; NumPy has no bfloat16
        value = value.detach().cpu().double()
    return np.asarray(value)
