"""Layers and operations without a recurrence: embeddings, dense layers, merging, indexing."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnnkit.onnx_graph import Graph, Tensor, refusal
from rnnkit.tasks.onnx.activations import activate
from rnnkit.tasks.onnx.weights import array, constant


def add_nothing(graph: Graph, layer: Any, x: Tensor, **given: Any) -> Tensor:
    """Return the input: dropout in prediction."""
    return x


def add_embedding(graph: Graph, layer: Any, ids: Tensor) -> Tensor:
    """Add a table of vectors."""
    return graph.add("Gather", constant(graph, layer.embeddings), ids, axis=0)


def add_dense(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add `f(x W + b)`."""
    found = graph.add("MatMul", x, constant(graph, layer.kernel))
    if layer.bias is not None:
        found = graph.add("Add", found, constant(graph, layer.bias))
    return activate(graph, layer.activation, found)


def add_activation(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add an activation."""
    return activate(graph, layer.activation, x)


def add_relu(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add a rectifier, without bounds and slopes."""
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise refusal(f"The layer {layer.name!r}", "it has a bound or a slope")
    return graph.add("Relu", x)


def add_concatenation(graph: Graph, layer: Any, parts: list[Tensor], axis: int = -1) -> Tensor:
    """Add a concatenation: a layer, or an operation, which is given its axis."""
    return graph.add("Concat", *parts, axis=int(getattr(layer, "axis", axis)))


def add_sum(graph: Graph, layer: Any, parts: list[Tensor]) -> Tensor:
    """Add a sum of tensors of one shape."""
    return graph.add("Sum", *parts)


def add_normalization(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add the standardization by constant means and variances."""
    mean, variance = array(layer.mean), array(layer.variance)
    scale = np.maximum(np.sqrt(variance), np.float32(keras.backend.epsilon()))
    shifted = graph.add("Sub", x, graph.constant(mean))
    return graph.add("Div", shifted, graph.constant(scale))


def add_not_equal(graph: Graph, operation: Any, x: Tensor, value: Any) -> Tensor:
    """Add the comparison of int32 ids with a number, which is how masks are made."""
    return graph.add("Not", graph.add("Equal", x, graph.constant(np.int32(value))))


def add_item(graph: Graph, operation: Any, x: Tensor, key: Any) -> Tensor:
    """Add `x[key]` with slices, single numbers and an ellipsis at the start."""
    keys = list(key) if isinstance(key, (tuple, list)) else [key]  # a list in loaded networks
    first = -len(keys) if keys[0] is Ellipsis else 0
    dropped = []
    for axis, one in enumerate(keys, first):
        if one is Ellipsis or one == slice(None):
            continue
        if isinstance(one, int):
            x = graph.add("Gather", x, graph.integers(one), axis=axis)
            dropped.append(axis)
        elif isinstance(one, slice) and one.step in (None, 1):
            start = 0 if one.start is None else one.start
            stop = np.iinfo(np.int64).max if one.stop is None else one.stop
            x = graph.add("Slice", x, *map(graph.integers, (start, stop, axis)))
        else:
            raise refusal("A part of a tensor", f"it is picked by {key!r}")
    return graph.add("Squeeze", x, graph.integers(*dropped)) if dropped else x
