"""The portable loop over time: `tf.while_loop` over TensorArrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Writing and reading the larger projected inputs costs more than one product before the loop saves.
HOIST_INPUT_PROJECTION = False


def scan(
    step: Callable[[tuple, tuple], tuple[tuple, Any]],
    init: tuple,
    xs: tuple,
    *,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[tuple, Any]:
    """Scan `carry, y = step(carry, x_t)` over the leading axis of `xs`; see `backend.jax.scan`."""
    if unroll:
        return _unrolled(step, init, xs, reverse)
    steps = xs[0].shape[0] if xs[0].shape[0] is not None else tf.shape(xs[0])[0]
    reads = [tf.TensorArray(x.dtype, size=steps, element_shape=x.shape[1:]).unstack(x) for x in xs]

    # Only the shape and dtype of y are used, before the loop; the graph prunes the computation.
    _, y = step(init, tuple(x[0] for x in xs))
    collects = y is not None
    writes = (tf.TensorArray(y.dtype, size=steps, element_shape=y.shape),) if collects else ()

    def body(i: tf.Tensor, carry: tuple, writes: tuple) -> tuple:
        t = steps - 1 - i if reverse else i
        carry, y = step(carry, tuple(read.read(t) for read in reads))
        return i + 1, carry, tuple(write.write(t, y) for write in writes)

    _, carry, writes = tf.while_loop(
        lambda i, *_: i < steps,
        body,
        (tf.constant(0), init, writes),
        maximum_iterations=steps,
        parallel_iterations=32,
        swap_memory=True,
    )
    return carry, writes[0].stack() if collects else None


def _unrolled(step: Callable, init: tuple, xs: tuple, reverse: bool) -> tuple[tuple, Any]:
    """Unroll the scan into the graph, for exporters without loops."""
    carry, ys = init, []
    times = range(xs[0].shape[0])
    for t in reversed(times) if reverse else times:
        carry, y = step(carry, tuple(x[t] for x in xs))
        ys.append(y)
    if not ys or ys[0] is None:
        return carry, None
    return carry, tf.stack(ys[::-1] if reverse else ys)
