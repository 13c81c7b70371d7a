"""Layers of forecasters: the linear skip and sorted quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.onnx_graph import Graph, Tensor
from rnnkit.tasks.onnx.weights import array, constant


def add_linear_skip(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add `LinearSkip`, a causal convolution."""
    kernel = array(layer.kernel)  # (K, C, O)
    weight = graph.constant(np.ascontiguousarray(kernel.transpose(2, 1, 0)))
    columns = graph.add("Transpose", x, perm=[0, 2, 1])
    found = graph.add(
        "Conv", columns, weight, constant(graph, layer.bias), pads=[len(kernel) - 1, 0]
    )
    return graph.add("Transpose", found, perm=[0, 2, 1])


def add_sorted_quantiles(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add `SortedQuantiles`: the quantiles of each output in rising order."""
    quantiles, shape = layer.quantiles, graph.add("Shape", x)
    apart = graph.add("Reshape", x, graph.integers(0, 0, -1, quantiles))
    names = [graph.name("sorted"), graph.name("order")]
    count = graph.integers(quantiles)
    found, _ = graph.add_many("TopK", [apart, count], names, axis=-1, largest=0, sorted=1)
    return graph.add("Reshape", found, shape)
