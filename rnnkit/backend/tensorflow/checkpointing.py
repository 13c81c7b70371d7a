"""Activation checkpointing in chunks of time, with a gradient loop of its own.

TensorFlow's gradient of a `while_loop` over chunks keeps every chunk's outputs, and copies outputs
and gradients as a whole several times. Here the forward loop keeps the states before each chunk,
and the gradient loop slices its chunk, runs it again, and adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from rnnkit.backend.tensorflow.recurrent import with_reference_gradient

Tensor = Any
Run = Callable[[tuple, tuple, Mapping[str, Tensor]], tuple[Tensor | None, tuple]]


def run_in_chunks(
    run: Run,
    reference: Run,
    tensors: tuple,
    states: tuple,
    params: Mapping[str, Tensor],
    length: Any,
    *,
    reverse: bool,
    sequences: bool,
) -> tuple[Tensor | None, tuple]:
    """Run a pass chunk by chunk; its gradient runs each chunk again.

    Args:
        run: `(tensors (B, L, ...), states, params) -> (outputs (B, L, U) or None, states)`.
        reference: the same pass over all steps, from which second gradients are taken.
        tensors: `(B, T, ...)`.
        states: before the first step.
        params: by name.
        length: L.
        reverse: the pass runs from the last step to the first.
        sequences: whether there are outputs.
    """
    tensors = tuple(map(tf.convert_to_tensor, tensors))
    total, names = tf.shape(tensors[0])[1], list(params)
    length = tf.convert_to_tensor(length)
    count = tf.maximum(1, (total + length - 1) // length)
    floats = [i for i, part in enumerate(tensors) if part.dtype.is_floating]

    def split(flat: tuple) -> tuple[tuple, tuple, dict[str, Tensor]]:
        """Return all tensors, states and parameters, of those that may have a gradient."""
        whole = list(tensors)
        for i, part in zip(floats, flat, strict=False):
            whole[i] = part
        rest = flat[len(floats) :]
        weights = dict(zip(names, rest[len(states) :], strict=True))
        return tuple(whole), tuple(rest[: len(states)]), weights

    def chunk(part: Tensor, number: Tensor) -> Tensor:
        return part[:, number * length : (number + 1) * length]

    def by_reference(*flat: Tensor) -> list:
        outputs, last = reference(*split(flat))
        return [outputs, *last] if sequences else [*last]

    @tf.custom_gradient
    def whole(*flat: Tensor) -> tuple[list, Callable]:
        found, kept = _forward(run, split(flat), chunk, count, reverse, sequences)

        def by_loop(*d: Tensor) -> list:
            return _backward(run, split(flat), floats, kept, d, chunk, count, reverse, sequences)

        def gradient(*d: Tensor) -> list:
            return with_reference_gradient(by_loop, by_reference, flat, d)

        return found, gradient

    inputs = [*(tensors[i] for i in floats), *states, *(params[name] for name in names)]
    found = tf.nest.flatten(whole(*map(tf.convert_to_tensor, inputs)))
    for tensor, like in zip(found[sequences:], states, strict=True):
        tensor.set_shape(like.shape)
    if not sequences:
        return None, tuple(found)
    found[0].set_shape((*tensors[0].shape[:2], found[0].shape[2]))
    return found[0], tuple(found[1:])


def _array(count: Tensor, part: Tensor) -> tf.TensorArray:
    return tf.TensorArray(part.dtype, size=count, infer_shape=False, element_shape=None)


def _by_steps(part: Tensor) -> Tensor:
    """Swap batch and time: chunks of different lengths are joined along the first axis."""
    return tf.transpose(part, [1, 0, *range(2, len(part.shape))])


def _forward(
    run: Run,
    given: tuple,
    chunk: Callable,
    count: Tensor,
    reverse: bool,
    sequences: bool,
) -> tuple[list, list]:
    """Return outputs and last states, and the states before each chunk, `(N, B, S)`."""
    tensors, states, params = given

    def body(i: Tensor, states: tuple, kept: tuple, outputs: tuple) -> tuple:
        number = count - 1 - i if reverse else i
        found, new = run(tuple(chunk(part, number) for part in tensors), states, params)
        kept = tuple(a.write(number, s) for a, s in zip(kept, states, strict=True))
        outputs = tuple(a.write(number, _by_steps(found)) for a in outputs)
        return i + 1, tuple(new), kept, outputs

    kept = tuple(_array(count, state) for state in states)
    outputs = (_array(count, states[0]),) if sequences else ()
    _, last, kept, outputs = tf.while_loop(
        lambda i, *_: i < count, body, (tf.constant(0), states, kept, outputs)
    )
    stacked = [a.stack() for a in kept]
    for part, state in zip(stacked, states, strict=True):
        part.set_shape((None, *state.shape))
    if not sequences:
        return [*last], stacked
    joined = outputs[0].concat()
    joined.set_shape((None, *states[0].shape))
    return [_by_steps(joined), *last], stacked


def _backward(
    run: Run,
    given: tuple,
    floats: list[int],
    kept: list,
    d: tuple,
    chunk: Callable,
    count: Tensor,
    reverse: bool,
    sequences: bool,
) -> list:
    """Return the gradients by the tensors of floats, by the states and by the parameters."""
    tensors, states, params = given
    d_outputs, d_last = (d[0], d[1:]) if sequences else (None, d)

    def body(i: Tensor, d_states: tuple, sums: tuple, slopes: tuple) -> tuple:
        number = i if reverse else count - 1 - i
        parts = [chunk(part, number) for part in tensors]
        before = tuple(part[number] for part in kept)
        weights = {name: tf.identity(weight) for name, weight in params.items()}
        watched = [*(parts[j] for j in floats), *before, *weights.values()]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            found, new = run(tuple(parts), before, weights)
        results, by = [*new], [*d_states]
        if d_outputs is not None:
            results, by = [found, *results], [chunk(d_outputs, number), *by]
        zero = tf.UnconnectedGradients.ZERO
        grads = tape.gradient(results, watched, by, unconnected_gradients=zero)
        grads = list(map(tf.convert_to_tensor, grads))
        own, rest = grads[: len(floats)], grads[len(floats) :]
        slopes = tuple(a.write(number, _by_steps(g)) for a, g in zip(slopes, own, strict=True))
        added = rest[len(states) :]
        sums = tuple(total + one for total, one in zip(sums, added, strict=True))
        return i + 1, tuple(rest[: len(states)]), sums, slopes

    slopes = tuple(_array(count, tensors[j]) for j in floats)
    sums = tuple(map(tf.zeros_like, params.values()))
    carry = tf.constant(0), tuple(d_last), sums, slopes
    _, d_states, sums, slopes = tf.while_loop(lambda i, *_: i < count, body, carry)
    joined = []
    for j, a in zip(floats, slopes, strict=True):
        whole = a.concat()
        shape = tensors[j].shape
        whole.set_shape((None, shape[0], *shape[2:]))
        joined.append(_by_steps(whole))
    return [*joined, *d_states, *sums]
