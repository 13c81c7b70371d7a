"""What two tables are told by the words that stand together: the loss, and its slopes by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
from keras import ops

Tensor = Any


class Told(NamedTuple):
    """A loss and its slopes.

    Args:
        loss: the sum over all that counts.
        slopes: `(N, C, J)`, `dL / ds` for the score `s = h · u` of each pair.
    """

    loss: Tensor
    slopes: Tensor


def logistic(hidden: Tensor, rows: Tensor, labels: Tensor, counts: Tensor) -> Told:
    """Return the loss of logistic regressions, and its slopes.

    With `s = h · u`, `L = -Σ n (y log σ(s) + (1 - y) log σ(-s))` and `dL/ds = n (σ(s) - y)`; so
    `dL/dh = Σ_j dL/ds u` and `dL/du = Σ_c dL/ds h`.

    Both losses of word2vec are this one. Negative sampling: the rows are the word and J - 1 noise
    words, y = 1 for the first. Hierarchical softmax: the rows are the nodes of the word's path,
    y = 1 where it turns left.

    Args:
        hidden: `(N, C, D)`, h: context vectors, or (C = 1) their mean.
        rows: `(N, J, D)`, u.
        labels: `(N, J)`, y, 0 or 1.
        counts: `(N, C, J)`, n: 1, or 0 to leave a pair out; J is at most 120.

    Returns:
        `Told`.

    Source: Mikolov et al. 2013, arXiv:1310.4546, equations 3 and 4.

    Example:
        >>> one = ops.ones((1, 1, 2))
        >>> told = logistic(0 * one, one, ops.ones((1, 1)), ops.ones((1, 1, 1)))
        >>> round(float(told.loss), 4), float(ops.squeeze(told.slopes))
        (0.6931, -0.5)
    """
    scores = hidden @ ops.swapaxes(rows, -1, -2)
    labels = ops.expand_dims(labels, 1)
    positive = scores > 0
    small = ops.exp(-ops.abs(scores))  # e is never raised to more than 0
    slopes = counts * (ops.where(positive, 1.0, small) / (1.0 + small) - labels)
    # log(1 + e^s) - y s. The logarithms are taken of a product: one instead of J, and logarithms
    # are what this function would spend its time on. Each factor lies in [1, 2].
    linear = ops.sum(counts * (ops.where(positive, scores, 0.0) - labels * scores))
    return Told(linear + ops.sum(ops.log(ops.prod(1.0 + counts * small, axis=-1))), slopes)
