"""Masks of any pattern for ONNX's recurrent operators, which know lengths alone.

The real steps of each row are moved to its front, in their order, and the operator is given their
number as `sequence_lens`; afterwards each output goes to the place of its step. Of a mask at the
end this changes nothing. One gather at each side does the move together with the transposition to
time first, which the operators need anyway.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnkit.onnx_graph import Graph, Tensor


class Steps(NamedTuple):
    """Where the real steps of a mask `(B, T)` are.

    Attributes:
        mask: boolean `(B, T)`.
        lengths: int32 `(B,)`, the number of real steps.
        numbers: int64 `(B, T)`, real steps up to this one.
        order: int64 `(B, T)`, the places of the real steps, then the others.
    """

    mask: Tensor
    lengths: Tensor
    numbers: Tensor
    order: Tensor


def steps_of(graph: Graph, mask: Tensor) -> Steps:
    """Return where the real steps of a mask are; computed once for each mask."""
    return graph.once(("steps", mask), lambda: _steps_of(graph, mask))


def _steps_of(graph: Graph, mask: Tensor) -> Steps:
    real = graph.cast(mask, "int64")
    count = graph.add("CumSum", real, graph.constant(np.int64(1)))
    lengths = graph.add("ReduceSum", real, graph.integers(1), keepdims=0)
    steps = size(graph, mask, 1)
    place = count_up(graph, steps)
    # Distinct keys: TopK need not keep the order of equal ones.
    key = graph.add("Where", mask, place, graph.add("Add", place, steps))
    names = [graph.name("keys"), graph.name("order")]
    width = graph.add("Reshape", steps, graph.integers(1))
    _, order = graph.add_many("TopK", [key, width], names, axis=1, largest=0, sorted=1)
    return Steps(mask, graph.cast(lengths, "int32"), count, order)


def size(graph: Graph, tensor: Tensor, axis: int) -> Tensor:
    """Return the size of an axis, an int64 scalar."""
    return graph.add("Gather", graph.add("Shape", tensor), graph.constant(np.int64(axis)), axis=0)


def count_up(graph: Graph, end: Tensor) -> Tensor:
    """Return 0, 1, ... below `end`, an int64 scalar."""
    return graph.add("Range", graph.constant(np.int64(0)), end, graph.constant(np.int64(1)))


def time_first(graph: Graph, x: Tensor, steps: Steps | None) -> Tensor:
    """Move the real steps of `(B, T, D)` to the front, and time before the batch: `(T, B, D)`."""
    if steps is None:
        return graph.add("Transpose", x, perm=[1, 0, 2])

    def make() -> Tensor:
        places = graph.add("Transpose", steps.order, perm=[1, 0])  # (T, B)
        rows = count_up(graph, size(graph, steps.order, 0))
        rows = graph.add("Expand", rows, graph.add("Shape", places))
        return _pairs(graph, rows, places)

    # What stands at masked steps, a NaN for instance, changes nothing.
    clean = graph.once(("clean", x, steps.mask), lambda: _clean(graph, x, steps.mask))
    index = graph.once(("time first", steps.mask), make)
    return graph.once(("moved", clean), lambda: graph.add("GatherND", clean, index))


def batch_first(
    graph: Graph, outputs: Tensor, steps: Steps | None, *, backward: bool, zero: bool
) -> Tensor:
    """Return the outputs `(T, B, U)` of an operator as `(B, T, U)`, each at its own step.

    A masked step has the output of the step before it in the order of the pass, zeros before the
    first; with `zero` zeros in any case.
    """
    if steps is None:
        return graph.add("Transpose", outputs, perm=[1, 0, 2])
    index, there = graph.once(
        ("batch first", steps.mask, backward and not zero),
        lambda: _places(graph, steps, next_one=backward and not zero),
    )
    found = graph.add("GatherND", outputs, index)
    return _clean(graph, found, steps.mask if zero else there)


def _places(graph: Graph, steps: Steps, *, next_one: bool) -> tuple[Tensor, Tensor]:
    """Return where each step's output is, `(B, T, 2)`, and whether there is one, `(B, T)`.

    The output of a masked step is that of the real step before it, or of the next one.
    """
    one, zero = graph.constant(np.int64(1)), graph.constant(np.int64(0))
    before = graph.add("Sub", steps.numbers, one)
    lengths = graph.add("Unsqueeze", graph.cast(steps.lengths, "int64"), graph.integers(1))
    place = graph.add("Where", steps.mask, before, steps.numbers) if next_one else before
    there = graph.add(
        "And",
        *(
            graph.add("GreaterOrEqual", place, zero),
            graph.add("Less", place, lengths),
        ),
    )
    place = graph.add("Where", there, place, zero)
    rows = graph.add("Unsqueeze", count_up(graph, size(graph, place, 0)), graph.integers(1))
    rows = graph.add("Expand", rows, graph.add("Shape", place))
    return _pairs(graph, place, rows), there


def _pairs(graph: Graph, first: Tensor, second: Tensor) -> Tensor:
    """Join two index arrays along a new last axis."""
    parts = [graph.add("Unsqueeze", one, graph.integers(-1)) for one in (first, second)]
    return graph.add("Concat", *parts, axis=-1)


def _clean(graph: Graph, x: Tensor, mask: Tensor) -> Tensor:
    """Set the masked steps of `(B, T, D)` to zero."""
    return where_real(graph, mask, x, graph.constant(np.float32(0)))


def where_real(graph: Graph, mask: Tensor, x: Tensor, other: Tensor) -> Tensor:
    """Replace the masked steps of `(B, T, D)`."""
    return graph.add("Where", graph.add("Unsqueeze", mask, graph.integers(-1)), x, other)
