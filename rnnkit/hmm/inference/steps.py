"""A batch of sequences as the loops over time want it: steps first, no infinities."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

Tensor = Any

# The logarithm of "impossible". Sums of it stay finite in float32, so that nothing becomes NaN,
# neither a value nor a gradient; beside any likelihood its exponential is 0.
LOG_ZERO = -1e30


class Steps(NamedTuple):
    """What a loop over time reads.

    Args:
        log_pi: `(..., 1, K)`, beside a batch.
        log_A: `(..., 1, K, K)`, beside a batch.
        log_lik: `(T, ..., B, K)`.
        real: boolean `(T, ..., B, 1)`, the step is there; the same for all models.
        first: boolean, alike: it is the first that is there: no transition leads to it.
        started: boolean, alike: a step has been there up to now.
    """

    log_pi: Tensor
    log_A: Tensor
    log_lik: Tensor
    real: Tensor
    first: Tensor
    started: Tensor


def steps_of(log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None) -> Steps:
    """Put the arguments of the public functions in order.

    Args:
        log_pi: `(..., K)`.
        log_A: `(..., K, K)`.
        log_lik: `(..., B, T, K)`, or `(B, T, K)` for all models.
        mask: boolean `(B, T)`, or None.

    Returns:
        `Steps`.

    Example:
        >>> steps = steps_of(ops.zeros(2), ops.zeros((2, 2)), ops.zeros((4, 5, 2)), None)
        >>> tuple(steps.log_lik.shape)
        (5, 4, 2)
    """
    models = ops.zeros_like(log_pi[..., 0]) + ops.zeros_like(log_A[..., 0, 0])
    if len(models.shape) > len(log_lik.shape) - 3:  # several models, one batch
        log_lik = log_lik + models[..., None, None, None]
    log_lik = floored(ops.moveaxis(log_lik, -2, 0))
    if mask is None:
        real = ops.ones_like(log_lik[..., :1], dtype="bool")
    else:
        real = ops.transpose(ops.cast(mask, "bool"))[..., None]
        for _ in log_lik.shape[1:-2]:
            real = ops.expand_dims(real, 1)
    # Not a running count: a cumulative sum over time is slow on XLA's CPU.
    times = ops.reshape(
        ops.arange(ops.shape(real)[0], dtype="int32"), (-1, *[1] * (len(real.shape) - 1))
    )
    begin = ops.expand_dims(ops.cast(ops.argmax(ops.cast(real, "int32"), axis=0), "int32"), 0)
    return Steps(
        floored(log_pi)[..., None, :],
        floored(log_A)[..., None, :, :],
        log_lik,
        real,
        ops.logical_and(real, times == begin),
        ops.logical_and(ops.any(real, axis=0, keepdims=True), times >= begin),
    )


def floored(logarithm: Tensor) -> Tensor:
    """Return logarithms without -inf.

    Example:
        >>> float(floored(ops.log(ops.zeros(1)))[0]) > -2e30
        True
    """
    # Not ops.maximum: beside a Python number it makes float32 of float64 on torch (Keras 3.15).
    return ops.where(logarithm < LOG_ZERO, LOG_ZERO, logarithm)


def batch_first(x: Tensor) -> Tensor:
    """Return `(T, ..., B, K)` as `(..., B, T, K)`."""
    return ops.moveaxis(x, 0, -2)


def before(x: Tensor, start: Tensor) -> Tensor:
    """Return what stood one step earlier: `x[t - 1]`, and `start` at the first step.

    Args:
        x: `(T, ..., B, K)`.
        start: like one step of `x`.
    """
    return ops.concatenate([ops.broadcast_to(start, ops.shape(x[:1])), x[:-1]], axis=0)
