"""The loss of word2vec, negative sampling and hierarchical softmax, with explicit gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
from keras import ops

from rnnkit.deprecation import renamed_names

Tensor = Any


class LossGradient(NamedTuple):
    """The loss, summed over all pairs, and its gradient `dL / ds` by their scores, `(N, C, J)`."""

    loss: Tensor
    gradient: Tensor


def logistic_loss(hidden: Tensor, rows: Tensor, labels: Tensor, weights: Tensor) -> LossGradient:
    """Return the sum of logistic losses and its gradient by the scores.

    With `s = h · u`, `L = -Σ n (y log σ(s) + (1 - y) log σ(-s))` and `dL/ds = n (σ(s) - y)`; so
    `dL/dh = Σ_j dL/ds u` and `dL/du = Σ_c dL/ds h`.

    It serves both losses of word2vec. Negative sampling: the rows are the word and J - 1 noise
    words, y = 1 for the first. Hierarchical softmax: the rows are the nodes of the word's path,
    y = 1 for a left child.

    Args:
        hidden: `(N, C, D)`, h: context vectors, or (C = 1) their mean.
        rows: `(N, J, D)`, u: output vectors.
        labels: `(N, J)`, y, 0 or 1.
        weights: `(N, C, J)`, n: 1, or 0 to ignore a pair; J is at most 120.

    Source: Mikolov et al. 2013, arXiv:1310.4546, equations 3 and 4.

    Example:
        >>> one = ops.ones((1, 1, 2))
        >>> loss, gradient = logistic_loss(0 * one, one, ops.ones((1, 1)), ops.ones((1, 1, 1)))
        >>> round(float(loss), 4), float(ops.squeeze(gradient))
        (0.6931, -0.5)
    """
    scores = hidden @ ops.swapaxes(rows, -1, -2)
    labels = ops.expand_dims(labels, 1)
    positive = scores > 0
    small = ops.exp(-ops.abs(scores))  # cannot overflow
    gradient = weights * (ops.where(positive, 1.0, small) / (1.0 + small) - labels)
    # log(1 + e^s) - y s: one logarithm of a product (factors in [1, 2]) instead of J slow ones.
    linear = ops.sum(weights * (ops.where(positive, scores, 0.0) - labels * scores))
    logs = ops.sum(ops.log(ops.prod(1.0 + weights * small, axis=-1)))
    return LossGradient(linear + logs, gradient)


__getattr__ = renamed_names(__name__, {"Told": "LossGradient", "logistic": "logistic_loss"})
