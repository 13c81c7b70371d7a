"""Recurrent passes as a `while_loop` with a custom gradient.

The loops are in `loop.py`, the equations in `steps.py`, packing of masked sequences in `rows.py`.
A gradient that is itself differentiated has the gradient of the portable loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from rnnkit.backend.kernels import Kernel, KernelRequest, common_unsupported_reason
from rnnkit.backend.tensorflow.loop import Pass
from rnnkit.backend.tensorflow.rows import AllRows, RealRows
from rnnkit.backend.tensorflow.steps import CELLS

Tensor = Any


def unsupported_reason(request: KernelRequest) -> str | None:
    """Return why these kernels cannot run a pass."""
    if request.device != "cpu":
        return f"the device is {request.device}, not a CPU"
    if request.static_shapes:
        return "XLA compiles the pass and needs static shapes"
    return common_unsupported_reason(request)


def run(
    request: KernelRequest,
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
    zoneout: tuple = (),
    reverse: bool = False,
    sequences: bool = True,
    reference: Callable | None = None,
) -> tuple[Tensor | None, tuple]:
    """Run a recurrence; see `rnnkit.backend.kernels.Kernel` and `portable.recurrence`.

    Example:
        >>> params = {"kernel": tf.ones((1, 2)), "recurrent_kernel": tf.zeros((2, 2))}
        >>> state = (tf.zeros((1, 2)),)
        >>> run(KernelRequest("simple_rnn"), tf.zeros((1, 3, 1)), state, params)[0].shape
        (1, 3, 2)
    """
    rows = rows_of(x, mask, resets, reverse)
    drop = rows.sort(tf.convert_to_tensor(params["drop"])) if "drop" in params else None
    cell = CELLS[request.cell_type]

    def forward(x: Tensor, states: tuple, weights: dict[str, Tensor]) -> tuple[list, Callable]:
        one = Pass(cell, weights, request.activation, rows, drop, zoneout)
        packed, first = rows.pack(x), tuple(map(rows.first_states, states))
        outputs, ends, kept = one.forward(packed, first, sequences)
        found = [*rows.last(*ends)]
        if sequences:
            found.insert(0, rows.unpack(outputs, first=states[0]))
        saved = Kept(kept, lambda: one.forward(packed, first, False)[2])

        def by_loop(*d: Tensor) -> list:
            d_outputs, d_first = None, None
            if sequences:
                d_outputs, d_first = rows.unpack_grad(d[0])
                d = d[1:]
            last = rows.last_grad(d)
            dx, d_states, d_weights = one.backward(packed, saved.read(), d_outputs, *last)
            d_h, *d_others = map(rows.first_states_grad, d_states)
            d_h = d_h if d_first is None else d_h + d_first
            return [rows.unpack(dx), d_h, *d_others, *(d_weights[name] for name in weights)]

        return found, by_loop

    marks = mask, resets, zoneout
    return run_with_gradient(forward, x, states, params, marks, sequences, reference)


class Kept:
    """What a forward pass keeps for its gradient.

    Args:
        values: kept ones.
        again: runs the pass anew, for a gradient that is traced separately, as for a SavedModel,
            where TensorArrays cannot be passed on.
    """

    def __init__(self, values: tuple, again: Callable[[], tuple]) -> None:
        self._values, self._again = values, again
        self._graph = tf.compat.v1.get_default_graph()

    def read(self) -> tuple:
        """Return the values, in the graph of the gradient."""
        here = tf.compat.v1.get_default_graph() is self._graph
        return self._values if here else self._again()


def run_with_gradient(
    forward: Callable[..., tuple[list, Callable[..., list]]],
    x: Tensor,
    states: tuple,
    params: Mapping[str, Tensor],
    marks: tuple,
    sequences: bool,
    reference: Callable | None,
) -> tuple[Tensor | None, tuple]:
    """Run a pass with a gradient of its own, whose own gradient is the reference's.

    Args:
        forward: `(x, states, weights) -> (results, gradient)`: the outputs, with `sequences`, and
            the last states; from the gradients by them, those by x, states and weights.
        x: the inputs.
        states: before the first step.
        params: weights, and the factors of recurrent dropout, which have no gradient.
        marks: mask, resets and zoneout, as the reference takes them.
        sequences: whether there are outputs.
        reference: as `rnnkit.backend.kernels.Kernel` says; None = no gradient of the gradient.
    """
    x, *states_in = map(tf.convert_to_tensor, (x, *states))
    tensors = {name: tf.convert_to_tensor(value) for name, value in params.items()}
    fixed = {name: tensors.pop(name) for name in ("drop",) if name in tensors}

    def parts(inputs: tuple) -> tuple[Tensor, tuple, dict[str, Tensor]]:
        weights = inputs[1 + len(states_in) :]
        return inputs[0], inputs[1 : 1 + len(states_in)], dict(zip(tensors, weights, strict=True))

    def portable(*inputs: Tensor) -> list:
        x, states, weights = parts(inputs)
        outputs, last = reference(x, states, {**weights, **fixed}, *marks)  # type: ignore[misc]
        return [outputs, *last] if sequences else [*last]

    @tf.custom_gradient
    def whole(*inputs: Tensor) -> tuple[list, Callable]:
        found, by_loop = forward(*parts(inputs))

        def gradient(*d: Tensor) -> tuple:
            if reference is None:
                return tuple(by_loop(*d))
            return tuple(with_reference_gradient(by_loop, portable, inputs, d))

        return found, gradient

    found = tf.nest.flatten(whole(x, *states_in, *tensors.values()))
    for tensor, like in zip(found[sequences:], states_in, strict=True):
        tensor.set_shape(like.shape)
    if not sequences:
        return None, tuple(found)
    found[0].set_shape((*x.shape[:2], states_in[0].shape[1]))
    return found[0], tuple(found[1:])


def rows_of(x: Tensor, mask: Tensor | None, resets: Tensor | None, reverse: bool) -> AllRows:
    """Return the rows of a pass over `x (B, T, D)`, with any mask and resets `(B, T)`."""
    if mask is None and resets is None:
        return AllRows(x, reverse)
    flags = [None if part is None else tf.cast(part, tf.bool) for part in (mask, resets)]
    real = tf.ones_like(flags[1]) if flags[0] is None else flags[0]
    return RealRows(real, reverse, flags[1])


def with_reference_gradient(
    gradient: Callable[..., list], function: Callable[..., list], inputs: tuple, d: tuple
) -> list:
    """Return `gradient(*d)`, a gradient written by hand; its own gradient is a reference's.

    Args:
        gradient: from the gradients by the results, those by the inputs.
        function: the reference implementation of what `gradient` is the gradient of.
        inputs: the tensors that it is evaluated at.
        d: the gradients by the results.

    Example:
        >>> x = tf.constant(3.0)
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     slope = with_reference_gradient(
        ...         lambda d: [d * 27.0], lambda x: [x**3], (x,), (tf.constant(1.0),)
        ...     )
        >>> float(tape.gradient(slope[0], x))
        18.0
    """

    @tf.custom_gradient
    def first(*tensors: Tensor) -> tuple[list, Callable]:
        def second(*dd: Tensor) -> list:
            inside = [tf.identity(tensor) for tensor in tensors]
            at, by = inside[: len(inputs)], inside[len(inputs) :]
            with tf.GradientTape() as outer:
                outer.watch(inside)
                with tf.GradientTape() as inner:
                    inner.watch(at)
                    results = function(*at)
                slopes = inner.gradient(results, at, by, tf.UnconnectedGradients.ZERO)
            return outer.gradient(slopes, inside, [*dd], tf.UnconnectedGradients.ZERO)

        return gradient(*tensors[len(inputs) :]), second

    return tf.nest.flatten(first(*inputs, *d))


KERNELS = (
    Kernel(
        "own gradient",
        "a while_loop over blocks of eight steps with a custom gradient; with a mask, each step "
        "computes only the rows that have not ended",
        unsupported_reason,
        run,
        reads_padding=False,
    ),
)
