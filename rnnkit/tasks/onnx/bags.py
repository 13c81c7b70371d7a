"""Layers of bags: n-grams with naive-Bayes weights, document vectors, pools of logits, tf-idf."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.bags import LEAST
from rnnkit.onnx_graph import Graph, Tensor, refusal
from rnnkit.tasks.onnx.weights import array, constant

ZERO, ONE = np.float32(0), np.float32(1)


def add_naive_bayes(graph: Graph, layer: Any, numbers: Tensor) -> Tensor:
    """Add `NaiveBayesLogits`: the sum of the scaled weights of a row's features."""
    # The row of padding is zero: no mask is needed.
    table = array(layer.ratio) * array(layer.kernel)
    table[0] = 0
    vectors = graph.add("Gather", graph.constant(table), numbers, axis=0)
    total = graph.add("ReduceSum", vectors, graph.integers(1), keepdims=0)
    return graph.add("Add", total, constant(graph, layer.bias))


def add_embedding_bag(
    graph: Graph, layer: Any, numbers: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Add `EmbeddingBag`: the mean or the sum of the vectors of a row's features."""
    if weights is not None:
        raise refusal(f"The layer {layer.name!r}", "it is called with weights")
    table = array(layer.embeddings).copy()
    table[0] = 0
    vectors = graph.add("Gather", graph.constant(table), numbers, axis=0)
    total = graph.add("ReduceSum", vectors, graph.integers(1), keepdims=0)
    if layer.combiner == "sum":
        return total
    count = graph.add("ReduceSum", _real(graph, numbers), graph.integers(1), keepdims=1)
    return graph.add("Div", total, graph.add("Max", count, graph.constant(ONE)))


def add_opinion_pool(graph: Graph, layer: Any, logits: list[Tensor]) -> Tensor:
    """Add `LogOpinionPool`: the weighted sum of logits, the others' capped where there is a cap."""
    weights = array(layer.pool_weights)
    scaled = [
        graph.add("Mul", one, graph.constant(weight))
        for one, weight in zip(logits, weights, strict=True)
    ]
    if len(scaled) == 1:
        return scaled[0]
    others = graph.add("Sum", *scaled[1:])
    if layer.logit_cap is not None:
        if layer.output.shape[-1] > 1:
            mean = graph.add("ReduceMean", others, graph.integers(-1), keepdims=1)
            others = graph.add("Sub", others, mean)
        bound = graph.constant(np.float32(max(layer.logit_cap * weights[0], LEAST)))
        capped = graph.add("Tanh", graph.add("Div", others, bound))
        others = graph.add("Mul", bound, capped)
    return graph.add("Add", scaled[0], others)


def add_token_weights(graph: Graph, layer: Any, ids: Tensor, counts: Tensor) -> Tensor:
    """Add `TokenWeights`: binary, counts, tf-idf with unit L2 norm, or the mean."""
    real, one = _real(graph, ids), graph.constant(ONE)
    counts, axis = graph.cast(counts, "float32"), graph.integers(1)
    if layer.weighting == "mean":
        total = graph.add("ReduceSum", counts, axis, keepdims=1)
        share = graph.add("Div", counts, graph.add("Max", total, one))
        return graph.add("Mul", real, share)
    weights = graph.add("Mul", real, counts) if layer.weighting == "count" else real
    if layer.weighting == "tf-idf":
        rare = graph.add("Gather", constant(graph, layer.idf), ids, axis=0)
        often = graph.add("Add", one, graph.add("Log", graph.add("Max", counts, one)))
        weights = graph.add("Mul", real, graph.add("Mul", rare, often))
    squares = graph.add("ReduceSum", graph.add("Mul", weights, weights), axis, keepdims=1)
    length = graph.add("Max", graph.add("Sqrt", squares), graph.constant(np.float32(1e-6)))
    return graph.add("Div", weights, length)


def add_weighted_sum(graph: Graph, layer: Any, vectors: Tensor, weights: Tensor) -> Tensor:
    """Add `WeightedSum` of `(B, T, U)` with weights `(B, T)`."""
    row = graph.add("Unsqueeze", weights, graph.integers(1))
    return graph.add("Squeeze", graph.add("MatMul", row, vectors), graph.integers(1))


def add_bias(graph: Graph, layer: Any, x: Tensor) -> Tensor:
    """Add `Bias`."""
    return graph.add("Add", x, constant(graph, layer.bias))


def _real(graph: Graph, numbers: Tensor) -> Tensor:
    """Return 1 where there is a feature, 0 at padding, as float32."""
    return graph.cast(graph.add("Greater", numbers, graph.constant(np.int32(0))), "float32")
