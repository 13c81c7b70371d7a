"""A causal convolution over the real steps of a sequence, for any mask, in pieces of any size."""

from __future__ import annotations

from keras import ops

from rnnkit.backend.real_steps import gather, real_steps_first
from rnnkit.recurrent.sequence import Tensor


def causal_convolution(
    x: Tensor,
    kernel: Tensor,
    before: Tensor,
    *,
    mask: Tensor | None = None,
    resets: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Convolve each feature with its own kernel over the last K real steps.

    `y_t = Σ_{k=0..K-1} kernel_k ⊙ x_{t-k}`, where `t - k` counts real steps and does not reach
    over a reset.

    Args:
        x: `(B, T, D)`.
        kernel: `(K, D)`, K ≥ 2; its first row is for the step itself.
        before: `(B, K-1, D)`, the last real steps before the first, the latest last.
        mask: boolean `(B, T)`, any pattern; what comes out at masked steps has no meaning.
        resets: boolean `(B, T)`, true = nothing before this step counts.

    Returns:
        `(B, T, D)`, and `before` for what comes next.

    Example:
        >>> x, kernel = ops.ones((1, 3, 1)), ops.ones((2, 1))
        >>> y, _ = causal_convolution(x, kernel, ops.zeros((1, 1, 1)))
        >>> [float(value) for value in y[0, :, 0]]
        [1.0, 2.0, 2.0]
    """
    reach, steps = kernel.shape[0] - 1, ops.shape(x)[1]
    count = None
    since = None if resets is None else ops.cumsum(ops.cast(resets, "int32"), axis=1)
    now = None if since is None else since[:, -1:]
    if mask is not None:
        places, count = real_steps_first(mask)
        x = gather(x, places)
        since = None if since is None else gather(since, places)
    x = ops.concatenate([before, x], axis=1)
    if since is not None:
        since = ops.pad(since, ((0, 0), (reach, 0)))

    y = kernel[0] * x[:, reach:]
    for k in range(1, reach + 1):
        earlier = x[:, reach - k : reach - k + steps]
        if since is not None:
            joined = since[:, reach - k : reach - k + steps] == since[:, reach:]
            earlier = earlier * ops.cast(ops.expand_dims(joined, -1), x.dtype)
        y = y + kernel[k] * earlier

    end = ops.arange(reach, dtype="int32")[None] + (steps if count is None else count[:, -1:])
    end = ops.broadcast_to(end, (ops.shape(x)[0], reach))
    after = gather(x, end)
    if since is not None:
        kept = gather(since, end) == now
        after = after * ops.cast(ops.expand_dims(kept, -1), x.dtype)
    if count is not None:
        y = gather(y, ops.maximum(count - 1, 0))
    return y, after
