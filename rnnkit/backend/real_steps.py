"""The real steps of a masked sequence: brought together, and repeated where steps are masked."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def real_steps_first(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Say how to gather the real steps of each row to the left, and how to gather them back.

    Args:
        mask: boolean `(B, T)`, true = real step.

    Returns:
        `places (B, T)`: the places of the real steps in their order, then those of the others;
        `count (B, T)`: how many real steps have come by each step.

    Example:
        >>> places, count = real_steps_first(ops.array([[False, True, False, True]]))
        >>> [int(place) for place in places[0]], [int(n) for n in count[0]]
        ([1, 3, 0, 2], [0, 1, 1, 2])
    """
    steps = ops.shape(mask)[1]
    order = ops.arange(steps, dtype="int32")
    places = ops.argsort(ops.where(mask, order, order + steps), axis=1)
    return ops.cast(places, "int32"), ops.cumsum(ops.cast(mask, "int32"), axis=1)


def gather(x: Tensor, places: Tensor) -> Tensor:
    """Return `x[b, places[b, t]]`: `(B, T, D)` or `(B, T)` at `places (B, S)`.

    Example:
        >>> gather(ops.zeros((2, 5, 3)), ops.zeros((2, 4), dtype="int32")).shape
        (2, 4, 3)
    """
    if len(x.shape) > 2:
        places = ops.expand_dims(places, -1)
    return ops.take_along_axis(x, places, axis=1)


def hold(
    outputs: Tensor, mask: Tensor, resets: Tensor | None = None, before: Tensor | None = None
) -> Tensor:
    """Repeat at each masked step the output of the last real step before it.

    Args:
        outputs: `(B, T, U)`; what stands at masked steps is not looked at.
        mask: boolean `(B, T)`, true = real step, any pattern.
        resets: boolean `(B, T)`; masked steps repeat zeros from such a step on.
        before: the output before the first step, `(B, U)`; zeros when left out.

    Returns:
        `(B, T, U)`.

    Example:
        >>> import keras
        >>> outputs = keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))
        >>> mask = keras.ops.convert_to_tensor([[False, True, False, True]])
        >>> keras.ops.convert_to_numpy(hold(outputs, mask))[0, :, 0].tolist()
        [0.0, 1.0, 1.0, 3.0]
    """
    events = mask if resets is None else ops.logical_or(mask, resets)
    places, count = real_steps_first(events)
    latest = gather(places, ops.maximum(count - 1, 0))
    real = ops.where(ops.expand_dims(mask, -1), outputs, ops.zeros_like(outputs))
    held = gather(real, latest)
    start = ops.zeros_like(outputs[:, :1]) if before is None else ops.expand_dims(before, 1)
    return ops.where(ops.expand_dims(count > 0, -1), held, start)
