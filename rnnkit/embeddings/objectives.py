"""What a few rows of two tables are told by the words that stand together: gradients by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
from keras import ops

Tensor = Any


class Told(NamedTuple):
    """A loss and its gradients.

    Args:
        loss: the sum over all that counts.
        hidden: `(N, C, D)`, `dL / dh`.
        rows: `(N, J, D)`, `dL / du`.
    """

    loss: Tensor
    hidden: Tensor
    rows: Tensor


def logistic(hidden: Tensor, rows: Tensor, labels: Tensor, counts: Tensor) -> Told:
    """Return the loss of logistic regressions, and its gradients by both sides.

    With `s = h · u`, `L = -Σ n (y log σ(s) + (1 - y) log σ(-s))`,
    `dL/dh = Σ_j n (σ(s) - y) u`, `dL/du = Σ_c n (σ(s) - y) h`.

    Both losses of word2vec are this one. Negative sampling: the rows are the word and J - 1 noise
    words, y = 1 for the first. Hierarchical softmax: the rows are the nodes of the word's path,
    y = 1 where it turns left.

    Args:
        hidden: `(N, C, D)`, h: context vectors, or (C = 1) their mean.
        rows: `(N, J, D)`, u.
        labels: `(N, J)`, y, 0 or 1.
        counts: `(N, C, J)`, n: 0 leaves a pair out.

    Returns:
        `Told`.

    Source: Mikolov et al. 2013, arXiv:1310.4546, equations 3 and 4.

    Example:
        >>> one = ops.ones((1, 1, 2))
        >>> told = logistic(0 * one, one, ops.ones((1, 1)), ops.ones((1, 1, 1)))
        >>> round(float(told.loss), 4), ops.convert_to_numpy(told.hidden).tolist()
        (0.6931, [[[-0.5, -0.5]]])
    """
    scores = hidden @ ops.swapaxes(rows, -1, -2)
    labels = ops.expand_dims(labels, 1)
    error = counts * (ops.sigmoid(scores) - labels)
    # log(1 + e^s) - y s, written so that e is never raised to more than 0.
    loss = ops.where(scores > 0, scores, 0.0) + ops.log1p(ops.exp(-ops.abs(scores)))
    return Told(
        ops.sum(counts * (loss - labels * scores)),
        error @ rows,
        ops.swapaxes(error, -1, -2) @ hidden,
    )
