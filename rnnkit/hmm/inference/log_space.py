"""Forward-backward with messages as logarithms: slower, and exact with impossible transitions."""

from __future__ import annotations

import functools
from typing import NamedTuple

from keras import ops

from rnnkit import backend
from rnnkit.hmm.inference.chunks import Chunks, log_maps, scan_chunks
from rnnkit.hmm.inference.steps import LOG_ZERO, Steps, Tensor, previous

# Marks an impossible step among log-normalisers: no log-probability is that large.
_IMPOSSIBLE = -LOG_ZERO


class ForwardMessages(NamedTuple):
    """Result of the forward pass."""

    log_filtered: Tensor  # (T, ..., B, K), log P(z_t | x_1..x_t)
    log_probs: Tensor  # (T, ..., B), log P(x_t | x_1..x_t-1); 0 if masked, -inf if impossible
    impossible: Tensor  # boolean (T, ..., B): no reachable state explains the observation


def softmax(logs: Tensor) -> Tensor:
    """Softmax over the last axis, without Keras's warning about one state, an axis of size 1."""
    return ops.exp(logs - ops.logsumexp(logs, -1, keepdims=True))


def condition_on(predicted: Tensor, log_lik: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Condition the predicted state on an observation: Bayes' rule.

    From `log P(z_t | x_1..x_t-1)` and `log p(x_t | z_t)`, `(..., B, K)`, it gives
    `log P(z_t | x_1..x_t)`; `(..., B, 1)` its log-normaliser `log P(x_t | x_1..x_t-1)`;
    `(..., B, 1)` whether no state explains the observation, which then counts as missing.
    """
    joint = predicted + log_lik
    impossible = ops.max(joint, axis=-1, keepdims=True) < LOG_ZERO / 2
    joint = ops.where(impossible, predicted, joint)
    total = ops.logsumexp(joint, -1, keepdims=True)
    return joint - total, total, impossible


def forward(steps: Steps) -> ForwardMessages:
    """Filter: the forward pass."""

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (last,), (log_lik, real, first) = carry, inputs
        moved = ops.logsumexp(last[..., :, None] + steps.log_A, -2)
        predicted = ops.where(first, steps.log_pi, moved)
        found, total, impossible = condition_on(predicted, log_lik)
        found = ops.where(real, found, last)
        # A loop collects one tensor, so the normaliser is appended to the K posteriors as number
        # K + 1. At an impossible step its place holds a mark instead; both are taken apart below.
        total = ops.where(impossible, _IMPOSSIBLE, total)
        return (found,), ops.concatenate([found, ops.where(real, total, 0.0)], axis=-1)

    start = steps.log_pi - ops.logsumexp(steps.log_pi, -1, keepdims=True)
    start = ops.broadcast_to(start, ops.shape(steps.log_lik[0]))
    inputs = (steps.log_lik, steps.real, steps.first)
    maps = functools.partial(log_maps, steps.log_pi, steps.log_A, "log")
    chunks = Chunks.of(steps)
    collected = scan_chunks(chunks, one, start, inputs, maps, "log")
    impossible = collected[..., -1] > _IMPOSSIBLE / 2
    if chunks is not None and bool(ops.any(impossible)):  # no matrix skips an observation
        collected = scan_chunks(None, one, start, inputs, maps, "log")
        impossible = collected[..., -1] > _IMPOSSIBLE / 2
    log_filtered, totals = collected[..., :-1], collected[..., -1]
    return ForwardMessages(log_filtered, ops.where(impossible, -float("inf"), totals), impossible)


def backward(
    steps: Steps, messages: ForwardMessages, transitions: bool
) -> tuple[Tensor, Tensor | None]:
    """Smooth: the backward pass.

    Return `P(z_t | x_1..x_T)`, `(T, ..., B, K)`, and, if `transitions`, the expected transitions
    `(..., B, K, K)`.
    """
    log_filtered, _, impossible = messages
    log_lik = ops.where(impossible[..., None], 0.0, steps.log_lik)
    moved = ops.logical_and(steps.real, ops.logical_not(steps.first))

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (message, *counted), (log_lik, real, moved, *last) = carry, inputs
        later = steps.log_A + (log_lik + message)[..., None, :]
        if transitions:
            joint = last[0][..., :, None] + later
            pairs = ops.exp(joint - ops.logsumexp(joint, (-2, -1), keepdims=True))
            counted = [counted[0] + ops.where(moved[..., None], pairs, 0.0)]
        back = ops.logsumexp(later, -1)
        back = back - ops.max(back, axis=-1, keepdims=True)
        return (ops.where(real, back, message), *counted), message

    nothing = ops.zeros_like(log_filtered[0])
    start = [ops.zeros_like(log_filtered[0][..., None] * steps.log_A)] if transitions else []
    last = [previous(log_filtered, steps.log_pi)] if transitions else []
    carry, collected = backend.native.scan(
        one, (nothing, *start), (log_lik, steps.real, moved, *last), reverse=True
    )
    return softmax(log_filtered + collected), carry[1] if transitions else None


def backward_messages(log_A: Tensor, log_lik: Tensor, real: Tensor, lag: int) -> Tensor:
    """Return the backward messages over a window, `log p(x_t+1..x_t+lag | z_t)`, at every step.

    `log_A (K, K)`, `log_lik (B, T, K)`, boolean `real (B, T)`, padded on the right only, give
    `(B, T, K)`, up to a constant that all states share. The window is of `lag` steps, 1 or more.
    """
    message = ops.zeros_like(log_lik)
    follows = ops.pad(real[:, 1:], ((0, 0), (0, 1)))[..., None]
    for _ in range(lag):
        later = ops.pad((log_lik + message)[:, 1:], ((0, 0), (0, 1), (0, 0)))
        back = ops.logsumexp(log_A + later[..., None, :], -1)
        message = ops.where(follows, back - ops.max(back, axis=-1, keepdims=True), 0.0)
    return message
