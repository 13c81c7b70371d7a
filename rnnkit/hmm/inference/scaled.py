"""Messages as probabilities, each step divided by its sum: the fast way.

Exact to rounding where no transition is close to impossible; `inference.way` is the rule.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from rnnkit import backend
from rnnkit.hmm.inference.steps import LOG_ZERO, Steps, before

Tensor = Any


class Ahead(NamedTuple):
    """What the pass forward leaves.

    Args:
        found: `(T, ..., B, K)`, `P(z_t | x_1..x_t)`.
        log_probs: `(T, ..., B)`, `log P(x_t | x_1..x_t-1)`; 0 at steps that are not there.
        earlier: `(T, ..., B, K)`, `P(z_t-1 | x_1..x_t-1)`.
        likelihoods: `(T, ..., B, K)`, in proportion to `p(x_t | z_t)`, the largest being 1.
    """

    found: Tensor
    log_probs: Tensor
    earlier: Tensor
    likelihoods: Tensor


def forward(steps: Steps) -> Ahead:
    """Filter; see `log_space.forward`."""
    # The products are written `@`: ops.matmul makes float32 of float64 on torch (Keras 3.15).
    A = ops.exp(steps.log_A[..., 0, :, :])
    states = A.shape[-1]
    nowhere = ops.full_like(steps.log_pi, 1 / states)
    # No transition leads to the first step. The loop multiplies with A all the same, and what it
    # multiplies with there is taken out of the first likelihood: no case distinction in the loop.
    start = steps.log_pi - ops.log(nowhere @ A)
    log_lik = ops.where(steps.first, steps.log_lik + start, steps.log_lik)
    highest = ops.max(log_lik, axis=-1, keepdims=True)
    impossible = highest < LOG_ZERO / 2
    log_lik = ops.where(impossible, ops.where(steps.first, start, 0.0), log_lik)
    highest = ops.max(log_lik, axis=-1, keepdims=True)
    likelihoods = ops.exp(log_lik - highest)

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (last,), (likelihood, real) = carry, inputs
        joint = (last @ A) * likelihood
        found = joint / ops.sum(joint, axis=-1, keepdims=True)
        found = ops.where(real, found, last)
        return (found,), found

    nowhere = ops.broadcast_to(nowhere, ops.shape(likelihoods[0]))
    _, found = backend.native.scan(one, (nowhere,), (likelihoods, steps.real))
    earlier = before(found, nowhere)
    totals = ops.sum((earlier @ A) * likelihoods, axis=-1, keepdims=True)
    log_probs = ops.where(impossible, -float("inf"), ops.log(totals) + highest)
    log_probs = ops.where(steps.real, log_probs, 0.0)[..., 0]
    return Ahead(found, log_probs, earlier, likelihoods)


def backward(steps: Steps, ahead: Ahead, transitions: bool) -> tuple[Tensor, Tensor | None]:
    """Smooth; see `log_space.backward`."""
    A = ops.exp(steps.log_A[..., 0, :, :])
    transposed = ops.swapaxes(A, -1, -2)

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (message,), (likelihood, real) = carry, inputs
        back = (likelihood * message) @ transposed
        back = back / ops.sum(back, axis=-1, keepdims=True)
        return (ops.where(real, back, message),), message

    flat = ops.ones_like(ahead.found[0])
    _, messages = backend.native.scan(one, (flat,), (ahead.likelihoods, steps.real), reverse=True)
    smoothed = ahead.found * messages
    smoothed = smoothed / ops.sum(smoothed, axis=-1, keepdims=True)
    return smoothed, _transitions(steps, ahead, messages, A) if transitions else None


def _transitions(steps: Steps, ahead: Ahead, messages: Tensor, A: Tensor) -> Tensor:
    """`sum_t P(z_t-1 = i | past) A_ij p(x_t.. | z_t = j)`, divided by its sum: one product."""
    later = ahead.likelihoods * messages
    total = ops.sum((ahead.earlier @ A) * later, axis=-1, keepdims=True)
    moved = ops.logical_and(steps.real, ops.logical_not(steps.first))
    later = ops.where(moved, later / total, 0.0)
    pairs = ops.moveaxis(ahead.earlier, 0, -1) @ ops.moveaxis(later, 0, -2)
    return pairs * A[..., None, :, :]
