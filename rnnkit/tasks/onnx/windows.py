"""Moving-window features of series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnkit.onnx_graph import Graph, Tensor
from rnnkit.tasks.onnx.masks import size, where_real

ZERO, ONE = np.float32(0), np.float32(1)


def add_window_features(graph: Graph, layer: Any, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Add `WindowFeatures`, one part for each kind of feature."""
    zero = graph.constant(ZERO)
    if mask is None:
        first = graph.add("Slice", x, *map(graph.integers, (0, 1, 2)))
        real = graph.add("Expand", graph.constant(ONE), graph.add("Shape", first))
    else:
        x = where_real(graph, mask, x, zero)
        real = graph.add("Unsqueeze", graph.cast(mask, "float32"), graph.integers(-1))
    parts: dict[str, Tensor] = {"values": x}
    if "centred" in layer.kinds:
        parts["centred"] = _centred(graph, layer, x, real)
    if {"slope", "spread"} & set(layer.kinds):
        parts["slope"], parts["spread"] = _moments(graph, layer, x, real)
    if "steps" in layer.kinds:
        there = [one for _, one in _shifted(graph, layer, x)]
        parts["steps"] = graph.add("Concat", *there, axis=-1)
    return graph.add("Concat", *(parts[kind] for kind in layer.kinds), axis=-1)


def _shifted(graph: Graph, layer: Any, x: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield each k of the window and `x_{t+k}`, zero beyond the ends."""
    before = layer.window - 1 if layer.causal else layer.window // 2
    after = layer.window - 1 - before
    wide = graph.add("Pad", x, graph.integers(0, before, 0, 0, after, 0))
    steps = graph.add("Reshape", size(graph, x, 1), graph.integers(1))
    for k in range(-before, after + 1):
        start = graph.integers(before + k)
        end = graph.add("Add", start, steps)
        yield k, graph.add("Slice", wide, start, end, graph.integers(1))


def _centred(graph: Graph, layer: Any, x: Tensor, real: Tensor) -> Tensor:
    """Return the values minus the mean over the real steps, or over those so far."""
    if layer.causal:
        axis = graph.constant(np.int64(1))
        total, count = graph.add("CumSum", x, axis), graph.add("CumSum", real, axis)
    else:
        axis = graph.integers(1)
        total, count = (graph.add("ReduceSum", one, axis, keepdims=1) for one in (x, real))
    mean = graph.add("Div", total, graph.add("Max", count, graph.constant(ONE)))
    return graph.add("Mul", real, graph.add("Sub", x, mean))


def _moments(graph: Graph, layer: Any, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Return the regression slope and the standard deviation of each window."""
    sums: list[list[Tensor]] = []  # of each k: counts, differences, squares, tilts, distances
    for (k, there), (_, flag) in zip(
        _shifted(graph, layer, x), _shifted(graph, layer, real), strict=True
    ):
        flag = graph.add("Mul", flag, real)
        d = graph.add("Mul", graph.add("Sub", there, x), flag)
        tilt = graph.add("Mul", graph.constant(np.float32(k)), d)
        moved = graph.add("Mul", graph.constant(np.float32(k * k)), flag)
        sums.append([flag, d, graph.add("Mul", d, d), tilt, moved])
    count, total, squares, tilt, moved = (
        graph.add("Sum", *column) for column in zip(*sums, strict=True)
    )
    one = graph.constant(ONE)
    count = graph.add("Max", count, one)
    mean = graph.add("Div", total, count)
    variance = graph.add("Div", squares, count)
    variance = graph.add("Sub", variance, graph.add("Mul", mean, mean))
    spread = graph.add("Sqrt", graph.add("Max", variance, graph.constant(np.float32(1e-12))))
    return graph.add("Div", tilt, graph.add("Max", moved, one)), spread
