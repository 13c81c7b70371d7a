"""Layers of taggers: unknown words, character encoders, Viterbi decoding of a CRF."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.hmm.layers.crf import CRF, MIN_RELATIVE_TRANSITION
from rnnkit.onnx_graph import Graph, Tensor
from rnnkit.tasks.onnx.activations import activate
from rnnkit.tasks.onnx.layers import add_not_equal
from rnnkit.tasks.onnx.masks import size, steps_of, where_real
from rnnkit.tasks.onnx.recurrent import add_bidirectional
from rnnkit.tasks.onnx.weights import array, constant


def add_word_dropout(graph: Graph, layer: Any, ids: Tensor, **given: Any) -> Tensor:
    """Add `WordDropout` in prediction: ids outside the trained vocabulary become 1."""
    known = graph.add("Less", ids, graph.constant(np.int32(layer.count)))
    return graph.add("Where", known, ids, graph.constant(np.int32(1)))


def add_characters(graph: Graph, layer: Any, ids: Tensor) -> Tensor:
    """Add `CharEncoder`: each word `(L,)` is a row of a larger batch."""
    length = graph.add("Slice", graph.add("Shape", ids), *map(graph.integers, (2, 3)))
    shape = graph.add("Concat", graph.integers(-1), length, axis=0)
    flat = graph.add("Reshape", ids, shape)
    mask = add_not_equal(graph, None, flat, 0)
    zero = graph.constant(np.float32(0))
    letters = graph.add("Gather", constant(graph, layer.table.embeddings), flat, axis=0)
    letters = where_real(graph, mask, letters, zero)
    if layer.kind == "cnn":
        found = where_real(graph, mask, _convolution(graph, layer, letters), zero)
        words = graph.add("ReduceMax", found, graph.integers(1), keepdims=0)
    else:
        words = add_bidirectional(graph, layer.reader, letters, mask)
    batch_and_time = graph.add("Slice", graph.add("Shape", ids), *map(graph.integers, (0, 2)))
    shape = graph.add("Concat", batch_and_time, graph.integers(layer.units), axis=0)
    return graph.add("Reshape", words, shape)


def _convolution(graph: Graph, layer: Any, letters: Tensor) -> Tensor:
    """Add the convolution of width 3, whose kernel is that of a dense layer of three letters."""
    dense = layer.reader
    kernel = array(dense.kernel).reshape(3, layer.size, layer.units).transpose(2, 1, 0)
    columns = graph.add("Transpose", letters, perm=[0, 2, 1])
    found = graph.add(
        "Conv",
        columns,
        graph.constant(np.ascontiguousarray(kernel)),
        constant(graph, dense.bias),
        pads=[1, 1],
    )
    return activate(graph, dense.activation, graph.add("Transpose", found, perm=[0, 2, 1]))


def add_viterbi(graph: Graph, crf: CRF, scores: Tensor, mask: Tensor) -> Tensor:
    """Add the most likely labels `(B, T)`, int32, of scores `(B, T, K)`.

    A Scan forward keeps the best score of a path to each label, and where it came from; a Scan
    backward follows the best path. Ties go to the lower label; masked steps are skipped.
    """
    start, transitions, end = _potentials(crf)
    steps = steps_of(graph, mask)
    first = graph.add("Equal", steps.numbers, graph.constant(np.int64(1)))
    first = graph.add("And", first, mask)
    labels, zero = crf.units, graph.constant(np.float32(0))
    batch = graph.add("Reshape", size(graph, scores, 0), graph.integers(1))
    nothing = graph.add("Expand", zero, graph.add("Concat", batch, graph.integers(labels), axis=0))

    def forward(body: Graph, given: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        best, score, real, begins = given
        real, begins = (body.add("Unsqueeze", one, body.integers(-1)) for one in (real, begins))
        paths = body.add("Unsqueeze", best, body.integers(-1))  # (B, K, 1), from a label
        paths = body.add("Add", paths, body.constant(transitions))  # (B, K, K)
        reached = body.add("ReduceMax", paths, body.integers(1), keepdims=0)
        reached = body.add("Where", begins, body.constant(start), reached)
        moved = body.add("Where", real, body.add("Add", reached, score), best)
        came = body.add("ArgMax", paths, axis=1, keepdims=0, select_last_index=0)
        goes_on = body.add("And", real, body.add("Not", begins))
        same = body.constant(np.arange(labels, dtype=np.int64)[None])
        return [moved], [body.add("Where", goes_on, came, same)]

    states, (came,) = graph.scan(
        forward,
        [(nothing, "float32")],
        [(scores, "float32"), (mask, "bool"), (first, "bool")],
        ["int64"],
    )
    total = graph.add("Add", states[0], graph.constant(end))
    last = graph.add("ArgMax", total, axis=1, keepdims=1, select_last_index=0)

    def backward(body: Graph, given: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        label, before = given
        return [body.add("GatherElements", before, label, axis=1)], [label]

    _, (path,) = graph.scan(backward, [(last, "int64")], [(came, "int64")], ["int64"], reverse=True)
    return graph.cast(graph.add("Squeeze", path, graph.integers(2)), "int32")


def _potentials(crf: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start, transitions and end; what is forbidden is -inf."""
    start, transitions = array(crf.start), array(crf.transitions)
    end = np.zeros_like(start) if crf.end is None else array(crf.end)
    if crf.allowed_start is not None:
        start = np.where(crf.allowed_start, start, np.float32(-np.inf))
    if crf.allowed_transitions is not None:
        transitions = np.where(crf.allowed_transitions, transitions, np.float32(-np.inf))
    else:  # as the layer computes in scaled numbers
        least = transitions.max() + np.float32(MIN_RELATIVE_TRANSITION)
        transitions = np.maximum(transitions, least)
    return start, transitions.astype("float32"), end


def add_tags(graph: Graph, crf: Any, scores: Tensor, ids: Tensor) -> Tensor:
    """Add the number of each word's tag `(B, T)`, int32; ids are `(B, T, 1 + L)`."""
    if crf is None:
        best = graph.add("ArgMax", scores, axis=-1, keepdims=0, select_last_index=0)
        return graph.cast(best, "int32")
    words = graph.add("Gather", ids, graph.constant(np.int64(0)), axis=2)
    return add_viterbi(graph, crf, scores, add_not_equal(graph, None, words, 0))
