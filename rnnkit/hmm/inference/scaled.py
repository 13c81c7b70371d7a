"""Forward-backward with messages as probabilities, normalised at each step: the fast numerics.

Exact to rounding if no transition is nearly impossible: see `inference.select_numerics`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from keras import ops

from rnnkit.hmm.inference.chunks import Chunks, probability_maps, scan_chunks
from rnnkit.hmm.inference.steps import LOG_ZERO, Steps, Tensor, previous


class ForwardMessages(NamedTuple):
    """Result of the forward pass."""

    filtered: Tensor  # (T, ..., B, K), P(z_t | x_1..x_t)
    log_probs: Tensor  # (T, ..., B), log P(x_t | x_1..x_t-1); 0 at masked steps
    previous: Tensor  # (T, ..., B, K), P(z_t-1 | x_1..x_t-1)
    likelihoods: Tensor  # (T, ..., B, K), proportional to p(x_t | z_t), the largest being 1


def forward(steps: Steps) -> ForwardMessages:
    """Filter: the forward pass; see `log_space.forward`."""
    # The products are written `@`: ops.matmul makes float32 of float64 on torch (Keras 3.15).
    A = ops.exp(steps.log_A[..., 0, :, :])
    uniform = ops.full_like(steps.log_pi, 1 / A.shape[-1])
    # No transition leads to the first step. The loop multiplies with A all the same, from the
    # uniform distribution; dividing the first likelihood by that product undoes it. So the loop
    # needs no case distinction.
    start = steps.log_pi - ops.log(uniform @ A)
    log_lik = ops.where(steps.first, steps.log_lik + start, steps.log_lik)
    highest = ops.max(log_lik, axis=-1, keepdims=True)
    impossible = highest < LOG_ZERO / 2
    log_lik = ops.where(impossible, ops.where(steps.first, start, 0.0), log_lik)
    highest = ops.max(log_lik, axis=-1, keepdims=True)
    likelihoods = ops.exp(log_lik - highest)

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (last,), (likelihood, real) = carry, inputs
        joint = steps.where_real(real, (last @ A) * likelihood, last)
        return (joint / ops.sum(joint, axis=-1, keepdims=True),), joint

    uniform = ops.broadcast_to(uniform, ops.shape(likelihoods[0]))
    maps = functools.partial(probability_maps, A)
    joint = scan_chunks(
        Chunks.of(steps), one, uniform, (likelihoods, steps.real), maps, "probability"
    )
    totals = ops.sum(joint, axis=-1, keepdims=True)
    filtered = joint / totals
    earlier = previous(filtered, uniform)
    log_probs = ops.where(impossible, -float("inf"), ops.log(totals) + highest)
    log_probs = steps.where_real(steps.real, log_probs, 0.0)[..., 0]
    return ForwardMessages(filtered, log_probs, earlier, likelihoods)


def backward(
    steps: Steps, messages: ForwardMessages, transitions: bool
) -> tuple[Tensor, Tensor | None]:
    """Smooth: the backward pass; see `log_space.backward`."""
    A = ops.exp(steps.log_A[..., 0, :, :])
    transposed = ops.swapaxes(A, -1, -2)

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (message,), (likelihood, real) = carry, inputs
        back = (likelihood * message) @ transposed
        back = back / ops.sum(back, axis=-1, keepdims=True)
        return (steps.where_real(real, back, message),), message

    flat = ops.ones_like(messages.filtered[0])
    inputs = (messages.likelihoods, steps.real)
    maps = functools.partial(probability_maps, A)
    collected = scan_chunks(Chunks.of(steps), one, flat, inputs, maps, "probability", reverse=True)
    smoothed = messages.filtered * collected
    smoothed = smoothed / ops.sum(smoothed, axis=-1, keepdims=True)
    if not transitions:
        return smoothed, None
    return smoothed, _expected_transitions(steps, messages, collected, A)


def _expected_transitions(
    steps: Steps, messages: ForwardMessages, backward: Tensor, A: Tensor
) -> Tensor:
    """Return `sum_t P(z_t-1 = i | past) A_ij p(x_t.. | z_t = j)`, normalised: one product."""
    later = messages.likelihoods * backward
    total = ops.sum((messages.previous @ A) * later, axis=-1, keepdims=True)
    moved = ops.logical_and(steps.real, ops.logical_not(steps.first))
    later = ops.where(moved, later / total, 0.0)
    pairs = ops.moveaxis(messages.previous, 0, -1) @ ops.moveaxis(later, 0, -2)
    return pairs * A[..., None, :, :]
