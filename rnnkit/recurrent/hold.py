"""What a masked step puts out: the last output again."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


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
    total = ops.shape(events)[1]
    steps = ops.expand_dims(ops.arange(total), 0)
    # The steps with an event come first, in order; all keys differ, so the order is unique.
    order = ops.argsort(ops.where(events, steps, steps + total), axis=1)
    count = ops.cumsum(ops.cast(events, "int32"), axis=1)
    latest = ops.take_along_axis(order, ops.cast(ops.maximum(count - 1, 0), order.dtype), axis=1)
    real = ops.where(ops.expand_dims(mask, -1), outputs, ops.zeros_like(outputs))
    held = ops.take_along_axis(real, ops.expand_dims(latest, -1), axis=1)
    start = ops.zeros_like(outputs[:, :1]) if before is None else ops.expand_dims(before, 1)
    return ops.where(ops.expand_dims(count > 0, -1), held, start)
