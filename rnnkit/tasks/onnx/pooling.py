"""Masked pooling over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.onnx_graph import Graph, Tensor
from rnnkit.tasks.onnx.masks import count_up, size, where_real


def add_pooling(graph: Graph, layer: Any, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Add `MaskedPooling`: mean, maximum or last real step, zeros in a row without one."""
    parts = {"mean": _mean, "max": _max, "last": _last}
    found = [parts[name](graph, x, mask) for name in layer.pooling.split("+")]
    return found[0] if len(found) == 1 else graph.add("Concat", *found, axis=-1)


def _mean(graph: Graph, x: Tensor, mask: Tensor | None) -> Tensor:
    axis = graph.integers(1)
    if mask is None:
        return graph.add("ReduceMean", x, axis, keepdims=0)
    total = graph.add(
        "ReduceSum", where_real(graph, mask, x, graph.constant(np.float32(0))), axis, keepdims=0
    )
    count = graph.add("ReduceSum", graph.cast(mask, "float32"), axis, keepdims=1)
    return graph.add("Div", total, graph.add("Max", count, graph.constant(np.float32(1))))


def _max(graph: Graph, x: Tensor, mask: Tensor | None) -> Tensor:
    axis = graph.integers(1)
    if mask is None:
        return graph.add("ReduceMax", x, axis, keepdims=0)
    low = graph.constant(np.float32(-np.inf))
    best = graph.add("ReduceMax", where_real(graph, mask, x, low), axis, keepdims=0)
    count = graph.add("ReduceSum", graph.cast(mask, "int64"), axis, keepdims=1)
    there = graph.add("Greater", count, graph.constant(np.int64(0)))
    return graph.add("Where", there, best, graph.constant(np.float32(0)))


def _last(graph: Graph, x: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return graph.add("Gather", x, graph.constant(np.int64(-1)), axis=1)
    # The number of the last real step, from 1; 0 = there is none.
    one = graph.constant(np.int64(1))
    numbers = graph.add("Add", count_up(graph, size(graph, mask, 1)), one)
    numbers = graph.add("Mul", numbers, graph.cast(mask, "int64"))
    last = graph.add("ReduceMax", numbers, graph.integers(1), keepdims=1)  # (B, 1)
    there = graph.add("Greater", last, graph.constant(np.int64(0)))
    place = graph.add("Max", graph.add("Sub", last, one), graph.constant(np.int64(0)))
    found = graph.add("GatherND", x, place, batch_dims=1)
    return graph.add("Where", there, found, graph.constant(np.float32(0)))
