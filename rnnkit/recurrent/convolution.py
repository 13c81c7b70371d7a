"""Causal depthwise convolution over the real steps of masked sequences."""

from __future__ import annotations

from keras import ops

from rnnkit.backend.masking import compact_by_mask, gather
from rnnkit.recurrent.sequence import Tensor


def causal_convolution(
    x: Tensor,
    kernel: Tensor,
    before: Tensor,
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Causal depthwise convolution over the last K real steps.

    `y_t = Σ_{k=0..K-1} kernel_k ⊙ x_{t-k}`, where `t - k` counts real steps and stops at a reset.

    Args:
        x: `(B, T, D)`.
        kernel: `(K, D)`, K ≥ 2; its first row is for the step itself.
        before: `(B, K-1, D)`, the last real steps before the first, the latest last.
        mask: boolean `(B, T)`, any pattern; outputs at masked steps are undefined.
        resets: boolean `(B, T)`, true = steps before this one are ignored.

    Returns:
        `(B, T, D)`, and `before` of the next piece.

    Example:
        >>> x, kernel = ops.ones((1, 3, 1)), ops.ones((2, 1))
        >>> y, _ = causal_convolution(x, kernel, ops.zeros((1, 1, 1)))
        >>> [float(value) for value in y[0, :, 0]]
        [1.0, 2.0, 2.0]
    """
    reach, steps = kernel.shape[0] - 1, ops.shape(x)[1]
    count = None
    segment = None if resets is None else ops.cumsum(ops.cast(resets, "int32"), axis=1)
    now = None if segment is None else segment[:, -1:]
    if mask is not None:
        indices, count = compact_by_mask(mask)
        x = gather(x, indices)
        segment = None if segment is None else gather(segment, indices)
    x = ops.concatenate([before, x], axis=1)
    if segment is not None:
        segment = ops.pad(segment, ((0, 0), (reach, 0)))

    y = kernel[0] * x[:, reach:]
    for k in range(1, reach + 1):
        earlier = x[:, reach - k : reach - k + steps]
        if segment is not None:
            joined = segment[:, reach - k : reach - k + steps] == segment[:, reach:]
            earlier = earlier * ops.cast(ops.expand_dims(joined, -1), x.dtype)
        y = y + kernel[k] * earlier

    end = ops.arange(reach, dtype="int32")[None] + (steps if count is None else count[:, -1:])
    end = ops.broadcast_to(end, (ops.shape(x)[0], reach))
    after = gather(x, end)
    if segment is not None:
        kept = gather(segment, end) == now
        after = after * ops.cast(ops.expand_dims(kept, -1), x.dtype)
    if count is not None:
        y = gather(y, ops.maximum(count - 1, 0))
    return y, after
