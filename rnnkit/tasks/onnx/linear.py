"""MinGRU, MinLSTM and RG-LRU: gates of all steps at once, and a Scan for the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit import layers as kit
from rnnkit.onnx_graph import Graph, Tensor
from rnnkit.recurrent.rglru import SHARPNESS
from rnnkit.tasks.onnx.activations import activate
from rnnkit.tasks.onnx.masks import size, where_real
from rnnkit.tasks.onnx.weights import array, constant

ONE = np.float32(1)


def run_linear(graph: Graph, layer: Any, x: Tensor, mask: Tensor | None) -> Tensor:
    """Add a pass of `h_t = a_t ⊙ h_{t-1} + b_t`; a masked step is `a_t = 1, b_t = 0`."""
    zero = graph.constant(np.float32(0))
    if mask is not None:
        x = where_real(graph, mask, x, zero)
    a, b = LINEAR[type(layer)](graph, layer, x)
    if mask is not None:
        a = where_real(graph, mask, a, graph.constant(ONE))
        b = where_real(graph, mask, b, zero)
    batch = graph.add("Reshape", size(graph, x, 0), graph.integers(1))
    shape = graph.add("Concat", batch, graph.integers(layer.units), axis=0)
    start = graph.add("Expand", zero, shape)

    def step(body: Graph, given: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        h = body.add("Add", body.add("Mul", given[1], given[0]), given[2])
        return [h], [h]

    states, outputs = graph.scan(
        step,
        [(start, "float32")],
        [(a, "float32"), (b, "float32")],
        ["float32"],
        reverse=layer.go_backwards,
    )
    if mask is None or not layer.zero_output_for_mask:
        return outputs[0] if layer.return_sequences else states[0]
    found = where_real(graph, mask, outputs[0], zero)
    if layer.return_sequences:
        return found
    end = graph.constant(np.int64(0 if layer.go_backwards else -1))
    return graph.add("Gather", found, end, axis=1)


def _project(graph: Graph, layer: Any, x: Tensor, parts: int) -> list[Tensor]:
    """Return the parts of `x W + b`, each `(B, T, U)`."""
    found = graph.add("MatMul", x, constant(graph, layer.kernel))
    if layer.bias is not None:
        found = graph.add("Add", found, constant(graph, layer.bias))
    return split(graph, found, parts, layer.units)


def split(graph: Graph, x: Tensor, parts: int, units: int) -> list[Tensor]:
    """Split the last axis into parts of `units`."""
    if parts == 1:
        return [x]
    names = [graph.name("part") for _ in range(parts)]
    return graph.add_many("Split", [x, graph.integers(*[units] * parts)], names, axis=-1)


def _blend(graph: Graph, layer: Any, new: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of an update gate and a candidate, both before their activation."""
    taken = graph.add("Mul", new, graph.constant(np.float32(2))) if layer.signed else new
    a = graph.add("Sub", graph.constant(ONE), taken)
    return a, graph.add("Mul", new, activate(graph, layer.activation, candidate))


def _min_gru(graph: Graph, layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    z, candidate = _project(graph, layer, x, 2)
    return _blend(graph, layer, graph.add("Sigmoid", z), candidate)


def _min_lstm(graph: Graph, layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    f, i, candidate = _project(graph, layer, x, 3)
    # σ(i) / (σ(i) + σ(f)) without 0 / 0, as the layer computes it.
    soft = [graph.add("Softplus", graph.add("Neg", gate)) for gate in (f, i)]
    share = graph.add("Sigmoid", graph.add("Sub", *soft))
    return _blend(graph, layer, share, candidate)


def _rg_lru(graph: Graph, layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    decay = array(layer.decay_parameter).astype("float64")
    rate = (-SHARPNESS * np.logaddexp(0, decay)).astype("float32")
    r, i = _gates(graph, layer, x)
    v = x if layer.kernel is None else _project(graph, layer, x, 1)[0]
    log_a = graph.add("Mul", graph.constant(rate), graph.add("Sigmoid", r))
    # 1 - a² = -tanh(log a) (1 + a²): near a = 1 the difference itself would lose all digits.
    squared = graph.add("Exp", graph.add("Add", log_a, log_a))
    rest = graph.add("Neg", graph.add("Tanh", log_a))
    rest = graph.add("Mul", rest, graph.add("Add", squared, graph.constant(ONE)))
    taken = graph.add("Mul", graph.add("Sqrt", rest), graph.add("Sigmoid", i))
    return graph.add("Exp", log_a), graph.add("Mul", taken, v)


def _gates(graph: Graph, layer: Any, x: Tensor) -> list[Tensor]:
    """Return r and i before their activation; block-diagonal kernels are filled up with zeros."""
    kernel = array(layer.gate_kernel)
    blocks, width, columns = kernel.shape
    both = np.zeros((2, blocks, width, blocks, columns // 2), "float32")
    for k in range(blocks):
        both[:, k, :, k] = np.stack(np.split(kernel[k], 2, axis=-1))
    found = []
    for gate, full in enumerate(both.reshape(2, blocks * width, layer.units)):
        product = graph.add("MatMul", x, graph.constant(full))
        if layer.gate_bias is not None:
            bias = graph.constant(array(layer.gate_bias)[gate])
            product = graph.add("Add", product, bias)
        found.append(product)
    return found


LINEAR: dict[type, Callable[[Graph, Any, Tensor], tuple[Tensor, Tensor]]] = {
    kit.MinGRU: _min_gru,
    kit.MinLSTM: _min_lstm,
    kit.RGLRU: _rg_lru,
}
