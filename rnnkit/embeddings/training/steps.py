"""One step of word2vec: some words and what stands around them change a few rows of two tables."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.embeddings.training.contexts import NONE
from rnnkit.embeddings.training.objectives import logistic

Tensor = Any
Method = Literal["skip-gram", "cbow"]
MOST_AT_ONCE = 32  # pairs of one step whose changes to one row are summed up in full


class Tables(NamedTuple):
    """What is learned.

    Args:
        vectors: `(V, D)`, a vector for each word: what is wanted in the end.
        outputs: `(V, D)`, another for each word (negative sampling), or `(V - 1, D)`, one for each
            node of the tree (hierarchical softmax).
    """

    vectors: Tensor
    outputs: Tensor


class Pace(NamedTuple):
    """The share of a step that each row of the tables takes, see `pace`.

    Args:
        vectors: `(V,)`.
        outputs: `(V,)` or `(V - 1,)`.
    """

    vectors: Tensor
    outputs: Tensor


class Batch(NamedTuple):
    """N words and what they are told apart from.

    Args:
        around: int32 `(N, C)`, the words around each, see `rnnkit.embeddings.training.contexts`.
        rows: int32 `(N, J)`, rows of the outputs: the word and its noise, or the nodes of its path.
        labels: `(N, J)`, 1 for the word itself, or where the path turns left, else 0.
        counts: `(N, J)`, 0 for a row that does not count: noise that is the word itself, or what
            lies behind the end of a path.
    """

    around: Tensor
    rows: Tensor
    labels: Tensor
    counts: Tensor


def pace(told: np.ndarray) -> np.ndarray:
    """Return the share of a step that a row takes which is told that many things in it.

    `min(1, 32 / n)`. The word2vec program takes one pair after the other; a step here sums up all
    of its pairs at the tables before it. A row in which hundreds meet, such as the root of the tree
    or the words of a tiny vocabulary, would go too far by that and never come to rest.

    Args:
        told: the expected number for each row.

    Example:
        >>> pace(np.array([1.0, 64.0])).tolist()
        [1.0, 0.5]
    """
    return np.minimum(1.0, MOST_AT_ONCE / np.maximum(told, 1e-9)).astype("float32")


def step(
    tables: Tables, batch: Batch, pace: Pace, rate: Tensor, method: Method
) -> tuple[Tables, Tensor, Tensor]:
    """Take one step down the gradient, on the rows that the batch names and no others.

    Skip-gram: each word around a word is to tell it. CBOW: their mean is; each of them takes the
    whole of the gradient by the mean, as the word2vec program and gensim have it (the exact
    gradient is that divided by their number, which makes the rate smaller where there are many).

    Args:
        tables: not to be used any more afterwards.
        batch: the words.
        pace: what share of the step each row takes.
        rate: the learning rate, a number.
        method: "skip-gram" or "cbow".

    Returns:
        The tables, the loss of the batch before the step (a sum), and how many predictions it sums:
        pairs for skip-gram, words for CBOW.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.
    """
    vectors, outputs = tables
    there = ops.cast(batch.around != NONE, vectors.dtype)
    around = ops.where(batch.around == NONE, 0, batch.around)
    context = native.take_rows(vectors, around)
    rows = native.take_rows(outputs, batch.rows)
    if method == "cbow":
        number = ops.sum(there, axis=1, keepdims=True)
        mean = there / ops.maximum(number, 1.0)
        hidden = native.mix_rows(mean[:, None], context)
        used = ops.cast(number > 0, vectors.dtype)
    else:
        hidden, used = context, there
    told = logistic(hidden, rows, batch.labels, used[..., None] * batch.counts[:, None])
    # Factors go to the (N, C, J) slopes, before the sums over J or C of rows of D numbers.
    by_rows = rate * native.take_rows(pace.outputs, batch.rows)[..., None]
    by_rows = native.mix_rows(by_rows * ops.swapaxes(told.slopes, -1, -2), hidden)
    by_context = rate * (there * native.take_rows(pace.vectors, around))[..., None]
    if method == "cbow":
        by_context = by_context * native.mix_rows(told.slopes, rows)
    else:
        by_context = native.mix_rows(by_context * told.slopes, rows)
    changed = Tables(
        _descend(vectors, around, by_context),
        _descend(outputs, batch.rows, by_rows),
    )
    return changed, told.loss, ops.sum(used)


def _descend(table: Tensor, rows: Tensor, by: Tensor) -> Tensor:
    """Take changes off the rows of a table."""
    return native.add_rows(table, ops.reshape(rows, (-1,)), -ops.reshape(by, (-1, by.shape[-1])))
