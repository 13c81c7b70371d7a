"""Activations: nodes of a graph, and the names that ONNX's recurrent operators have for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from rnnkit.onnx_graph import Graph, Tensor, refusal
from rnnkit.recurrent.minimal import positive

# Name in Keras -> name of ONNX's recurrent operators, with alpha and beta where it takes them.
_RECURRENT: dict[str, tuple[str, tuple[float, float] | None]] = {
    "tanh": ("Tanh", None),
    "sigmoid": ("Sigmoid", None),
    "relu": ("Relu", None),
    "softsign": ("Softsign", None),
    "softplus": ("Softplus", None),
    "hard_sigmoid": ("HardSigmoid", (1 / 6, 0.5)),
    "linear": ("Affine", (1.0, 0.0)),
}


def _positive(graph: Graph, x: Tensor) -> Tensor:
    above = graph.add("Add", graph.add("Relu", x), graph.constant(np.float32(0.5)))
    real = graph.add("GreaterOrEqual", x, graph.constant(np.float32(0)))
    return graph.add("Where", real, above, graph.add("Sigmoid", x))


_NODES: dict[str, Callable[[Graph, Tensor], Tensor]] = {
    "linear": lambda graph, x: x,
    "tanh": lambda graph, x: graph.add("Tanh", x),
    "sigmoid": lambda graph, x: graph.add("Sigmoid", x),
    "relu": lambda graph, x: graph.add("Relu", x),
    "softsign": lambda graph, x: graph.add("Softsign", x),
    "softplus": lambda graph, x: graph.add("Softplus", x),
    "hard_sigmoid": lambda graph, x: graph.add("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    "softmax": lambda graph, x: graph.add("Softmax", x, axis=-1),
    "positive": _positive,  # of MinGRU and MinLSTM
}


def activate(graph: Graph, activation: Any, x: Tensor) -> Tensor:
    """Apply an activation of Keras to a tensor.

    Raises:
        InputError: an activation without a form in ONNX here.
    """
    name = _name(activation)
    if name not in _NODES:
        raise refusal(f"The activation {name!r}", f"known are {', '.join(sorted(_NODES))}")
    return _NODES[name](graph, x)


def recurrent_activations(*activations: Any) -> dict[str, Any]:
    """Return the attributes of a recurrent operator for its activations, in its own order.

    Raises:
        InputError: one that ONNX's recurrent operators do not have.

    Example:
        >>> recurrent_activations("sigmoid", "tanh")
        {'activations': ['Sigmoid', 'Tanh']}
    """
    names = [_name(one) for one in activations]
    for name in names:
        if name not in _RECURRENT:
            known = ", ".join(sorted(_RECURRENT))
            raise refusal(f"A recurrent layer with the activation {name!r}", f"known are {known}")
    found = [_RECURRENT[name] for name in names]
    attributes: dict[str, Any] = {"activations": [name for name, _ in found]}
    # Consumed in the order of those activations that take them.
    if taken := [numbers for _, numbers in found if numbers is not None]:
        attributes["activation_alpha"] = [alpha for alpha, _ in taken]
        attributes["activation_beta"] = [beta for _, beta in taken]
    return attributes


def _name(activation: Any) -> str:
    """Return Keras's name of an activation; "positive" for that of rnnkit."""
    if isinstance(activation, str):
        return activation
    if activation is positive:
        return "positive"
    found = keras.activations.serialize(activation)
    return found if isinstance(found, str) else str(found["config"])
