"""SimpleRNN, LSTM and GRU as ONNX's recurrent operators, and the wrapper of two directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit import layers as kit
from rnnkit.onnx_graph import Graph, Tensor, refusal
from rnnkit.recurrent.sequence import SequenceLayer
from rnnkit.tasks.onnx.activations import recurrent_activations
from rnnkit.tasks.onnx.linear import LINEAR, run_linear
from rnnkit.tasks.onnx.masks import batch_first, steps_of, time_first
from rnnkit.tasks.onnx.weights import array

KINDS: dict[type, str] = {kit.SimpleRNN: "RNN", kit.LSTM: "LSTM", kit.GRU: "GRU"}
# The order of ONNX's gates, as numbers of those of Keras: i, o, f, c of i, f, c, o.
ORDER = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [0, 1, 2]}
MERGES: dict[str, Callable[[Graph, Tensor, Tensor], Tensor]] = {
    "concat": lambda graph, a, b: graph.add("Concat", a, b, axis=-1),
    "sum": lambda graph, a, b: graph.add("Add", a, b),
    "mul": lambda graph, a, b: graph.add("Mul", a, b),
    "ave": lambda graph, a, b: graph.add(
        "Mul", graph.add("Add", a, b), graph.constant(np.float32(0.5))
    ),
}


def add_recurrent(graph: Graph, layer: Any, x: Tensor, mask: Tensor | None, **given: Any) -> Tensor:
    """Add a recurrent layer; its output is `(B, T, U)` or `(B, U)`, as that of the layer.

    Raises:
        InputError: a property of the layer that ONNX's operators do not have.
    """
    _check(layer, given)
    output = _run(graph, layer, x, mask)
    if layer.return_sequences and layer.go_backwards:  # a layer alone returns them reversed
        return reverse_time(graph, output)
    return output


def add_bidirectional(
    graph: Graph, layer: Any, x: Tensor, mask: Tensor | None, **given: Any
) -> Tensor:
    """Add a bidirectional wrapper: an operator for each direction, and their outputs merged."""
    if layer.merge_mode not in MERGES:
        raise refusal(f"The layer {layer.name!r}", f"its merge_mode is {layer.merge_mode!r}")
    parts = layer.forward_layer, layer.backward_layer
    for part in parts:
        if type(part) not in (*KINDS, *LINEAR):
            kind = f"{type(part).__module__}.{type(part).__name__}"
            raise refusal(f"The layer {layer.name!r}", f"it wraps a {kind}")
        _check(part, given)
    outputs = [_run(graph, part, x, mask) for part in parts]
    if layer.return_sequences and layer.forward_layer.go_backwards:
        outputs = [reverse_time(graph, one) for one in outputs]
    return MERGES[layer.merge_mode](graph, *outputs)


def reverse_time(graph: Graph, x: Tensor) -> Tensor:
    """Reverse the steps of `(B, T, U)`."""
    last, before_first = graph.integers(-1), graph.integers(np.iinfo(np.int64).min)
    return graph.add("Slice", x, last, before_first, graph.integers(1), graph.integers(-1))


def _check(layer: SequenceLayer, given: dict[str, Any]) -> None:
    """Refuse what changes the equations of a layer beside its weights."""
    name = f"The layer {layer.name!r}"
    for option in ("stateful", "return_state", "zoneout"):
        if np.any(getattr(layer, option, False)):
            raise refusal(name, f"it has {option}={getattr(layer, option)!r}")
    for argument in ("initial_state", "resets"):
        if given.get(argument) is not None:
            raise refusal(name, f"it is called with {argument}")


def _run(graph: Graph, layer: Any, x: Tensor, mask: Tensor | None) -> Tensor:
    """Add one pass; sequences are in the order of the inputs."""
    if type(layer) in LINEAR:
        return run_linear(graph, layer, x, mask)
    steps = None if mask is None else steps_of(graph, mask)
    kind, weights = KINDS[type(layer)], _weights(layer)
    attributes = recurrent_activations(*_activations(layer))
    if kind == "GRU":
        attributes["linear_before_reset"] = int(layer.reset_after)
    outputs, last = graph.add_many(
        kind,
        [
            time_first(graph, x, steps),
            *map(graph.constant, weights),
            *([] if steps is None else [steps.lengths]),
        ],
        [graph.name("outputs"), graph.name("last")],
        hidden_size=layer.units,
        direction="reverse" if layer.go_backwards else "forward",
        **attributes,
    )
    axis = graph.integers(1 if layer.return_sequences else 0)
    if layer.return_sequences:  # (T, 1, B, U)
        found, zero = graph.add("Squeeze", outputs, axis), layer.zero_output_for_mask
        return batch_first(graph, found, steps, backward=layer.go_backwards, zero=zero)
    found = graph.add("Squeeze", last, axis)  # (1, B, U)
    if steps is None or not layer.zero_output_for_mask:
        return found
    return _zero_where_end_is_masked(graph, layer, steps.mask, found)


def _zero_where_end_is_masked(graph: Graph, layer: Any, mask: Tensor, last: Tensor) -> Tensor:
    """Return the last output, zeros in rows whose last step in the order of the pass is masked."""
    end = graph.constant(np.int64(0 if layer.go_backwards else -1))
    real = graph.add("Unsqueeze", graph.add("Gather", mask, end, axis=1), graph.integers(-1))
    return graph.add("Where", real, last, graph.constant(np.float32(0)))


def _activations(layer: Any) -> tuple[Any, ...]:
    """Return the activations in the order of the operator: the gates', then the candidate's."""
    if type(layer) is kit.SimpleRNN:
        return (layer.activation,)
    if type(layer) is kit.GRU:
        return layer.recurrent_activation, layer.activation
    return layer.recurrent_activation, layer.activation, layer.activation


def _weights(layer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return W `(1, G U, D)`, R `(1, G U, U)` and B `(1, 2 G U)`, the gates in ONNX's order."""
    units, order = layer.units, ORDER[KINDS[type(layer)]]

    def turned(weight: np.ndarray) -> np.ndarray:
        gates = weight.reshape(*weight.shape[:-1], len(order), units)[..., order, :]
        return gates.reshape(*weight.shape[:-1], -1).T

    bias = np.zeros((2, len(order) * units), "float32")
    if layer.bias is not None:
        given = np.atleast_2d(array(layer.bias))  # of a GRU with reset_after both, else one
        bias[: len(given)] = given
    own = [turned(array(layer.kernel)), turned(array(layer.recurrent_kernel))]
    joined = np.concatenate([turned(row) for row in bias])
    return np.ascontiguousarray(own[0])[None], np.ascontiguousarray(own[1])[None], joined[None]
