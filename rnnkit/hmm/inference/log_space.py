"""Messages as logarithms: the slow, obvious way, exact whatever is impossible."""

from __future__ import annotations

from typing import Any

from keras import ops

from rnnkit import backend
from rnnkit.hmm.inference.steps import LOG_ZERO, Steps, before

Tensor = Any


def log_sum(x: Tensor, axis: Any, keepdims: bool = False) -> Tensor:
    """Return `log sum exp x` over an axis."""
    return ops.logsumexp(x, axis=axis, keepdims=keepdims)


def shares(logs: Tensor) -> Tensor:
    """Return numbers in proportion to `exp logs` that sum to 1 over the last axis.

    Keras's softmax warns of a model of one state.

    Example:
        >>> [float(share) for share in shares(ops.log(ops.array([1.0, 3.0])))]
        [0.25, 0.75]
    """
    return ops.exp(logs - log_sum(logs, -1, keepdims=True))


def take_in(predicted: Tensor, log_lik: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Take one observation in: Bayes' rule.

    Args:
        predicted: `(..., B, K)`, `log P(z_t | x_1..x_t-1)`.
        log_lik: `(..., B, K)`, `log p(x_t | z_t)`.

    Returns:
        `log P(z_t | x_1..x_t)`; `(..., B, 1)` the logarithm of the sum that it was divided by;
        `(..., B, 1)` whether no state can explain the observation. It then counts as missing.
    """
    joint = predicted + log_lik
    impossible = ops.max(joint, axis=-1, keepdims=True) < LOG_ZERO / 2
    joint = ops.where(impossible, predicted, joint)
    total = log_sum(joint, -1, keepdims=True)
    return joint - total, total, impossible


def forward(steps: Steps) -> tuple[Tensor, Tensor, Tensor]:
    """Filter.

    Returns:
        `log P(z_t | x_1..x_t)`, `(T, ..., B, K)`; `log P(x_t | x_1..x_t-1)`, `(T, ..., B)`, 0 at
        steps that are not there and -inf at impossible ones; whether a step is impossible, alike.
    """

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (last,), (log_lik, real, first) = carry, inputs
        moved = log_sum(last[..., :, None] + steps.log_A, -2)
        predicted = ops.where(first, steps.log_pi, moved)
        found, total, impossible = take_in(predicted, log_lik)
        found = ops.where(real, found, last)
        # The loop collects one tensor: the sum stands beside the posterior. It is never positive
        # infinity, so that mark can say "impossible" until the loop is over.
        total = ops.where(impossible, -LOG_ZERO, total)
        return (found,), ops.concatenate([found, ops.where(real, total, 0.0)], axis=-1)

    start = steps.log_pi - log_sum(steps.log_pi, -1, keepdims=True)
    start = ops.broadcast_to(start, ops.shape(steps.log_lik[0]))
    inputs = (steps.log_lik, steps.real, steps.first)
    _, collected = backend.native.scan(one, (start,), inputs)
    found, totals = collected[..., :-1], collected[..., -1]
    impossible = totals > -LOG_ZERO / 2
    return found, ops.where(impossible, -float("inf"), totals), impossible


def backward(
    steps: Steps, found: Tensor, impossible: Tensor, transitions: bool
) -> tuple[Tensor, Tensor | None]:
    """Smooth.

    Args:
        steps: the batch.
        found: what `forward` found.
        impossible: what `forward` said of each step.
        transitions: count the expected transitions.

    Returns:
        `P(z_t | x_1..x_T)`, `(T, ..., B, K)`; the transitions `(..., B, K, K)`, or None.
    """
    log_lik = ops.where(impossible[..., None], 0.0, steps.log_lik)
    moved = ops.logical_and(steps.real, ops.logical_not(steps.first))

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (message, *counted), (log_lik, real, moved, *last) = carry, inputs
        later = steps.log_A + (log_lik + message)[..., None, :]
        if transitions:
            joint = last[0][..., :, None] + later
            share = ops.exp(joint - log_sum(joint, (-2, -1), keepdims=True))
            counted = [counted[0] + ops.where(moved[..., None], share, 0.0)]
        back = log_sum(later, -1)
        back = back - ops.max(back, axis=-1, keepdims=True)
        return (ops.where(real, back, message), *counted), message

    nothing = ops.zeros_like(found[0])
    start = [ops.zeros_like(found[0][..., None] * steps.log_A)] if transitions else []
    last = [before(found, steps.log_pi)] if transitions else []
    carry, messages = backend.native.scan(
        one, (nothing, *start), (log_lik, steps.real, moved, *last), reverse=True
    )
    return shares(found + messages), carry[1] if transitions else None


def look_ahead(log_A: Tensor, log_lik: Tensor, real: Tensor, lag: int) -> Tensor:
    """Return `log p(x_t+1..x_t+lag | z_t)`, of every step at once.

    Args:
        log_A: `(K, K)`.
        log_lik: `(B, T, K)`.
        real: boolean `(B, T)`, padded on the right only.
        lag: how many steps, from 1 on.

    Returns:
        `(B, T, K)`, up to a number that all states share.
    """
    message = ops.zeros_like(log_lik)
    follows = ops.pad(real[:, 1:], ((0, 0), (0, 1)))[..., None]
    for _ in range(lag):
        later = ops.pad((log_lik + message)[:, 1:], ((0, 0), (0, 1), (0, 0)))
        back = log_sum(log_A + later[..., None, :], -1)
        message = ops.where(follows, back - ops.max(back, axis=-1, keepdims=True), 0.0)
    return message
