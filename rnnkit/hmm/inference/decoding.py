"""Viterbi decoding: the most likely path of hidden states."""

from __future__ import annotations

import math
from typing import NamedTuple

from keras import ops

from rnnkit import backend
from rnnkit.hmm.inference.chunks import Chunks, follow, log_maps
from rnnkit.hmm.inference.steps import LOG_ZERO, Steps, Tensor, prepare_steps, previous
from rnnkit.hmm.inference.sums import sum_over_time

SLAB = 1 << 16  # steps whose predecessors are computed at once


class Path(NamedTuple):
    """Result of Viterbi decoding.

    Args:
        log_prob: `(..., B)`, `log P(z_1..z_T, x_1..x_T)` of the path.
        states: `(..., B, T)` int32, the path.
    """

    log_prob: Tensor
    states: Tensor


def viterbi(log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None = None) -> Path:
    """Viterbi decoding: the most likely path of states, and its log-probability.

    `d_t(j) = log p(x_t | z_t = j) + max_i (d_t-1(i) + log A_ij)`, then back along the maxima.

    Ties go to the path with the lowest last state, then the lowest state before it, and so on.
    Scores are relative to the best of their step: float32 still distinguishes paths of 10,000
    steps. If no path explains the observations, log_prob is -inf, and the states are those found
    with the unexplained observations missing.

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = real step, any pattern. Masked steps repeat the state before
            (the first state before the first real step).

    Source: Viterbi 1967, Error Bounds for Convolutional Codes; Rabiner 1989, section III.B.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.6, 0.4]), log([[0.7, 0.3], [0.4, 0.6]])
        >>> normal_cold_dizzy = log([[[0.5, 0.1], [0.4, 0.3], [0.1, 0.6]]])
        >>> path = viterbi(pi, A, normal_cold_dizzy)
        >>> [int(state) for state in path.states[0]], round(float(ops.exp(path.log_prob[0])), 5)
        ([0, 0, 1], 0.01512)
    """
    log_probs, states = viterbi_each(log_pi, log_A, log_lik, mask)
    return Path(sum_over_time(log_probs), states)


def viterbi_each(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Viterbi decoding: return the log-probability of each step, `(T, ..., B)`, and the states.

    A step that no path explains has -inf.
    """
    chain = backend.native.hidden_markov_chains(log_pi, log_A, log_lik, mask)
    if chain is None:
        return _viterbi_loop(log_pi, log_A, log_lik, mask)
    log_probs, states = chain.states()
    if not chain.differentiable:
        return log_probs, states
    steps = prepare_steps(log_pi, log_A, log_lik, mask)
    return _log_probs(steps, ops.moveaxis(states, -1, 0)), states


def _viterbi_loop(
    log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Decode by a loop of operations; see `viterbi_each`."""
    steps = prepare_steps(log_pi, log_A, log_lik, mask)
    chunks = Chunks.of(steps)
    states = _path(steps, chunks)
    log_probs = _log_probs(steps, states)
    if chunks is not None and not bool(ops.all(ops.isfinite(log_probs))):
        states = _path(steps, None)  # no matrix skips an observation
        log_probs = _log_probs(steps, states)
    return log_probs, ops.moveaxis(states, 0, -1)


def _path(steps: Steps, chunks: Chunks | None) -> Tensor:
    """Return the most likely states, `(T, ..., B)`."""
    log_pi, log_A = _batch_last(steps.log_pi), ops.moveaxis(steps.log_A, -3, -1)

    # Inside the loop the batch axis is last, (..., K, B): the maximum over states then vectorises
    # over sequences, three times as fast on a CPU.
    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (last,), (log_lik, real, first) = carry, inputs
        moved = ops.max(last[..., :, None, :] + log_A, axis=-3)
        reached = ops.where(first, log_pi, moved)
        score = reached + log_lik
        best = ops.max(score, axis=-2, keepdims=True)
        impossible = best < LOG_ZERO / 2
        score = ops.where(impossible, reached, score - best)
        score = steps.where_real(real, score, last)
        return (score,), score

    inputs = (steps.log_lik, steps.real, steps.first)
    start = ops.zeros_like(steps.log_lik[0])
    if chunks is not None:
        inputs = tuple(chunks.split(x) for x in inputs)
        maps = log_maps(steps.log_pi, steps.log_A, "max", *inputs)
        start = chunks.boundaries(start, maps, "max")
    parts = tuple(map(_batch_last, inputs))
    scores = backend.native.scan(one, (_batch_last(start),), parts)[1]
    moved = ops.logical_and(steps.real, ops.logical_not(steps.first))[..., 0]
    log_A = steps.log_A[..., 0, :, :]
    if chunks is None:
        return _backtrack(log_A, scores, moved)
    return _backtrack_at_once(log_A, chunks.join(_batch_last(scores)), moved)


def lowest_best(scores: Tensor, axis: int) -> Tensor:
    """Return the index of the maximum along the last axis or the one before, the lowest of several.

    XLA's argmax takes four times as long on a CPU, and Keras's has operations on TensorFlow that
    LiteRT lacks.

    Example:
        >>> [int(i) for i in lowest_best(ops.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]]), axis=-1)]
        [1, 0]
    """
    size = scores.shape[axis]
    indices = ops.arange(size, dtype="int32")
    indices = indices if axis == -1 else ops.reshape(indices, (-1, 1))
    best = scores >= ops.max(scores, axis=axis, keepdims=True)
    # Where all are NaN none is the best; the index stays in range.
    return ops.min(ops.where(best, indices, size - 1), axis=axis)


def _backtrack_at_once(log_A: Tensor, scores: Tensor, moved: Tensor) -> Tensor:
    """Backtrack as `_backtrack` does, with scores `(T, ..., B, K)`, without a loop over time."""
    states = ops.arange(scores.shape[-1], dtype="int32")
    slabs = []
    for start in range(0, scores.shape[0], SLAB):
        came = scores[start : start + SLAB, ..., :, None] + log_A[..., None, :, :]
        slabs.append(ops.cast(ops.argmax(came, axis=-2), "int32"))  # the lowest of the best
    pointers = ops.concatenate(slabs)
    continues = ops.concatenate([moved[1:], ops.zeros_like(moved[:1])], axis=0)
    pointers = ops.where(continues[..., None], pointers, states)
    end = lowest_best(scores[-1], axis=-1)
    end = ops.broadcast_to(end[None, ..., None], (*pointers.shape[:-1], 1))
    return ops.take_along_axis(follow(pointers), end, axis=-1)[..., 0]


def _backtrack(log_A: Tensor, scores: Tensor, moved: Tensor) -> Tensor:
    """Backtrack along the maxima: `(T, ..., B)`."""
    size = log_A.shape[-1]
    offset = _model_index(log_A) * size
    columns = ops.reshape(ops.swapaxes(log_A, -1, -2), (-1, size))

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (state,), (score, continues) = carry, inputs
        came = score + _batch_last(ops.take(columns, state + offset, axis=0))
        came = lowest_best(came, axis=-2)
        state = ops.where(continues, came, state)
        return (state,), state

    end = lowest_best(scores[-1], axis=-2)
    continues = ops.concatenate([moved[1:], ops.zeros_like(moved[:1])], axis=0)
    return backend.native.scan(one, (end,), (scores, continues), reverse=True)[1]


def _log_probs(steps: Steps, states: Tensor) -> Tensor:
    """Return the log-probabilities along a path: their sum is more exact than that of the loop."""
    log_A = steps.log_A[..., 0, :, :]
    model, size = _model_index(log_A), log_A.shape[-1]
    found = ops.take_along_axis(steps.log_lik, states[..., None], axis=-1)[..., 0]
    row = (previous(states, states[0]) + model * size) * size
    moved = ops.take(ops.reshape(log_A, (-1,)), row + states)
    log_pi = ops.broadcast_to(steps.log_pi[..., 0, :], log_A.shape[:-1])
    start = ops.take(ops.reshape(log_pi, (-1,)), states + model * size)
    real, first = steps.real[..., 0], steps.first[..., 0]
    return _unless_impossible(ops.where(real, found + ops.where(first, start, moved), 0.0))


def _unless_impossible(log_prob: Tensor) -> Tensor:
    return ops.where(log_prob < LOG_ZERO / 2, -float("inf"), log_prob)


def _batch_last(x: Tensor) -> Tensor:
    """Return `(..., B, K)` as `(..., K, B)`, and back."""
    return ops.swapaxes(x, -1, -2)


def _model_index(log_A: Tensor) -> Tensor:
    """Return the index of each model, `(..., 1)`, to broadcast over the batch; 0 for one model."""
    lead = log_A.shape[:-2]
    return ops.reshape(ops.arange(math.prod(lead), dtype="int32"), (*lead, 1))
