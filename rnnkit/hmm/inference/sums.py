"""Sums over the steps of a long sequence, in float32.

A running sum of a million log-probabilities is wrong by hundreds: its last digits are as large as
a term. Sums of blocks are not.
"""

from __future__ import annotations

from keras import ops

from rnnkit.hmm.inference.steps import Tensor

BLOCK = 1024  # about the square root of a million steps
PART = 64


def sum_over_time(terms: Tensor) -> Tensor:
    """Return the sum of `(T, ..., B)` over time, `(..., B)`: blocks first.

    Example:
        >>> float(sum_over_time(ops.ones((3000, 1)))[0])
        3000.0
    """
    steps = terms.shape[0]
    if steps is not None and steps <= BLOCK:
        return ops.sum(terms, axis=0)
    return ops.sum(_in_blocks(terms, BLOCK), axis=0)


def partial_sums(terms: Tensor) -> Tensor:
    """Return sums of `(T, ..., B)` over 64 steps each, `(..., B, P)`, to be added in float64.

    Example:
        >>> [float(part) for part in partial_sums(ops.ones((100, 1)))[0]]
        [64.0, 36.0]
    """
    return ops.moveaxis(_in_blocks(terms, PART), 0, -1)


def _in_blocks(terms: Tensor, size: int) -> Tensor:
    """Return the sums of blocks of steps; the last one may be shorter."""
    steps = ops.shape(terms)[0]
    rest = ops.zeros_like(terms[:1])
    missing = -steps % size
    filled = ops.concatenate([terms, ops.broadcast_to(rest, (missing, *ops.shape(terms)[1:]))])
    return ops.sum(ops.reshape(filled, (-1, size, *ops.shape(terms)[1:])), axis=1)
