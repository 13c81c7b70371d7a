"""Linear recurrences on TensorFlow: a chunked scan, unrolled within chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any

CHUNK = 8
LEVELS = 2  # chunks, and chunks of chunks; then a loop over T / 64 ends where T is unknown
SHORT = 16  # up to this length the steps are unrolled


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """Return every state of `h_t = a_t ⊙ h_{t-1} + b_t`; see `rnnkit.backend.linear`."""

    @tf.custom_gradient
    def scan(a: Tensor, b: Tensor, h0: Tensor) -> tuple[Tensor, Callable]:
        h = _chunks(a, b, h0, reverse, LEVELS)
        h.set_shape(b.shape)

        def gradient(dh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            first = h0[:, None]
            if reverse:
                later = tf.concat([tf.zeros_like(first), a[:, :-1]], 1)
                before = tf.concat([h[:, 1:], first], 1)
            else:
                later = tf.concat([a[:, 1:], tf.zeros_like(first)], 1)
                before = tf.concat([first, h[:, :-1]], 1)
            g = linear_scan(later, dh, tf.zeros_like(h0), reverse=not reverse)
            end = -1 if reverse else 0
            return g * before, g, a[:, end] * g[:, end]

        return h, gradient

    return scan(a, b, h0)


def _unrolled(a: list, b: list, h: Tensor, reverse: bool) -> list:
    """Scan an unrolled list of steps; return the states in the order of the steps."""
    states = []
    for a_t, b_t in list(zip(a, b, strict=True))[:: -1 if reverse else 1]:
        h = a_t * h + b_t
        states.append(h)
    return states[:: -1 if reverse else 1]


def _loop(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """Scan one step after the other in a `while_loop`."""
    steps = tf.shape(a)[1]
    reads = [
        tf.TensorArray(x.dtype, size=steps).unstack(tf.transpose(x, (1, 0, 2))) for x in (a, b)
    ]

    def body(i: Tensor, h: Tensor, states: Tensor) -> tuple:
        t = steps - 1 - i if reverse else i
        h = reads[0].read(t) * h + reads[1].read(t)
        return i + 1, h, states.write(t, h)

    states = tf.TensorArray(b.dtype, size=steps)
    _, _, states = tf.while_loop(
        lambda i, *_: i < steps, body, (tf.constant(0), h0, states), maximum_iterations=steps
    )
    return tf.transpose(states.stack(), (1, 0, 2))


def _chunks(a: Tensor, b: Tensor, h0: Tensor, reverse: bool, levels: int) -> Tensor:
    """Chunked scan: step k of all chunks at once, then their ends, then every state."""
    known = a.shape[1]
    if known is not None and known <= SHORT:
        states = _unrolled(tf.unstack(a, known, 1), tf.unstack(b, known, 1), h0, reverse)
        return tf.stack(states, 1)
    if known is None and not levels:
        return _loop(a, b, h0, reverse)
    batch, steps, width = tf.shape(a)[0], known or tf.shape(a)[1], a.shape[2]
    chunks = -(-steps // CHUNK)
    pad = ((0, 0), (0, chunks * CHUNK - steps), (0, 0))  # with identity steps
    cut = (batch, chunks, CHUNK, width)
    a = tf.unstack(tf.reshape(tf.pad(a, pad, constant_values=1), cut), axis=2)
    b = tf.unstack(tf.reshape(tf.pad(b, pad), cut), axis=2)

    # Inside a chunk, h_t = factors_t * start + inner_t.
    order = -1 if reverse else 1
    factors = [a[::order][0]]
    for a_k in a[::order][1:]:
        factors.append(factors[-1] * a_k)
    inner = _unrolled(a, b, tf.zeros_like(b[0]), reverse)[::order]
    ends = _chunks(factors[-1], inner[-1], h0, reverse, levels - 1)
    first = h0[:, None]
    starts = tf.concat([ends[:, 1:], first] if reverse else [first, ends[:, :-1]], 1)
    states = [f * starts + i for f, i in zip(factors, inner, strict=True)][::order]
    return tf.reshape(tf.stack(states, 2), (batch, chunks * CHUNK, width))[:, :steps]
