"""The most likely path of hidden states."""

from __future__ import annotations

from typing import Any, NamedTuple

from rnnkit import backend

# isort: split
from keras import ops

from rnnkit.hmm.steps import LOG_ZERO, before, steps_of

Tensor = Any


class Path(NamedTuple):
    """The most likely path.

    Args:
        log_prob: `(..., B)`, `log P(z_1..z_T, x_1..x_T)` of that path.
        states: `(..., B, T)` int32, the path.
    """

    log_prob: Tensor
    states: Tensor


def viterbi(log_pi: Tensor, log_A: Tensor, log_lik: Tensor, mask: Tensor | None = None) -> Path:
    """Return the most likely path and the probability of it and the observations.

    `d_t(j) = log p(x_t | z_t = j) + max_i (d_t-1(i) + log A_ij)`, then back along the maxima.

    Among paths of the same probability the one whose last state is lowest is taken, then the one
    before last, and so on. The scores are kept relative to the best of their step, so that paths of
    10,000 steps are still told apart in float32.

    Args:
        log_pi: `(..., K)`, the logarithm of the start probabilities.
        log_A: `(..., K, K)`, of the transition probabilities, from row to column.
        log_lik: `(..., B, T, K)`, `log p(x_t | z_t = k)`; -inf = impossible.
        mask: boolean `(B, T)`, true = the step is there, any pattern. Other steps repeat the state
            before (the first state before the first).

    Returns:
        `Path`. Where no path explains the observations its log_prob is -inf, and its states are
        those of the path with the unexplained steps' observations missing.

    Source: Viterbi 1967, Error Bounds for Convolutional Codes; Rabiner 1989, section III.B.

    Example:
        >>> log = lambda rows: ops.log(ops.array(rows, dtype="float32"))
        >>> pi, A = log([0.6, 0.4]), log([[0.7, 0.3], [0.4, 0.6]])
        >>> normal_cold_dizzy = log([[[0.5, 0.1], [0.4, 0.3], [0.1, 0.6]]])
        >>> path = viterbi(pi, A, normal_cold_dizzy)
        >>> [int(state) for state in path.states[0]], round(float(ops.exp(path.log_prob[0])), 5)
        ([0, 0, 1], 0.01512)
    """
    steps = steps_of(log_pi, log_A, log_lik, mask)

    # Inside the loop the batch stands last, (..., K, B): the maximum over states then runs along
    # rows of sequences, which is three times as fast on a CPU.
    log_lik, real, first = map(_batch_last, (steps.log_lik, steps.real, steps.first))
    log_pi, log_A = _batch_last(steps.log_pi), ops.moveaxis(steps.log_A, -3, -1)

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (last,), (log_lik, real, first) = carry, inputs
        moved = ops.max(last[..., :, None, :] + log_A, axis=-3)
        reached = ops.where(first, log_pi, moved)
        score = reached + log_lik
        best = ops.max(score, axis=-2, keepdims=True)
        impossible = best < LOG_ZERO / 2
        score = ops.where(impossible, reached, score - best)
        score = ops.where(real, score, last)
        return (score,), score

    _, scores = backend.native.scan(one, (ops.zeros_like(log_lik[0]),), (log_lik, real, first))
    scores = _batch_last(scores)
    last = scores[-1]
    states = _back(steps.log_A, scores, last, ops.logical_and(steps.real, ~steps.first))
    return Path(_log_prob(steps, states), ops.moveaxis(states, 0, -1))


def _back(log_A: Tensor, scores: Tensor, last: Tensor, moved: Tensor) -> Tensor:
    """Go back along the maxima: `(T, ..., B)`."""
    into = _rows(ops.swapaxes(log_A[..., 0, :, :], -1, -2))

    def one(carry: tuple, inputs: tuple) -> tuple[tuple, Tensor]:
        (state,), (score, moved) = carry, inputs
        came = ops.argmax(score + into(state), axis=-1)
        return (ops.where(moved[..., 0], ops.cast(came, "int32"), state),), state

    end = ops.cast(ops.argmax(last, axis=-1), "int32")
    earlier = before(scores, scores[0])
    _, states = backend.native.scan(one, (end,), (earlier, moved), reverse=True)
    return states


def _log_prob(steps: Any, states: Tensor) -> Tensor:
    """Add up what the path says: a sum of T numbers, more exact than the loop's running one."""
    found = ops.take_along_axis(steps.log_lik, states[..., None], axis=-1)
    earlier = before(states, states[0])
    moved = ops.take_along_axis(
        _rows(steps.log_A[..., 0, :, :])(earlier), states[..., None], axis=-1
    )
    start = ops.broadcast_to(steps.log_pi, ops.shape(steps.log_lik))
    start = ops.take_along_axis(start, states[..., None], axis=-1)
    terms = ops.where(steps.real, found + ops.where(steps.first, start, moved), 0.0)
    total = ops.sum(terms, axis=(0, -1))
    return ops.where(total < LOG_ZERO / 2, -float("inf"), total)


def _batch_last(x: Tensor) -> Tensor:
    """Return `(..., B, K)` as `(..., K, B)`, and back."""
    return ops.swapaxes(x, -1, -2)


def _rows(matrix: Tensor) -> Any:
    """Return the function `states (..., B) -> rows of the matrix (..., B, K)`."""
    states, width = matrix.shape[-2:]
    table = ops.reshape(matrix, (-1, width))
    lead = matrix.shape[:-2]
    models = 1
    for size in lead:
        models *= size
    offset = ops.reshape(ops.arange(models, dtype="int32") * states, (*lead, 1))
    return lambda index: ops.take(table, index + offset, axis=0)
