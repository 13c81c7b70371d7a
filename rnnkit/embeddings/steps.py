"""One step of word2vec: some words and what stands around them change a few rows of two tables."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.embeddings.contexts import NONE
from rnnkit.embeddings.objectives import logistic

Tensor = Any
Method = Literal["skip-gram", "cbow"]


class Tables(NamedTuple):
    """What is learned.

    Args:
        vectors: `(V, D)`, a vector for each word: what is wanted in the end.
        outputs: `(V, D)`, another for each word (negative sampling), or `(V - 1, D)`, one for each
            node of the tree (hierarchical softmax).
    """

    vectors: Tensor
    outputs: Tensor


class Batch(NamedTuple):
    """N words and what they are told apart from.

    Args:
        around: int32 `(N, C)`, the words around each, see `rnnkit.embeddings.contexts`.
        rows: int32 `(N, J)`, rows of the outputs: the word and its noise, or the nodes of its path.
        labels: `(N, J)`, 1 for the word itself, or where the path turns left, else 0.
        counts: `(N, J)`, 0 for a row that does not count: noise that is the word itself, or what
            lies behind the end of a path.
    """

    around: Tensor
    rows: Tensor
    labels: Tensor
    counts: Tensor


def step(
    tables: Tables, batch: Batch, rate: Tensor, method: Method
) -> tuple[Tables, Tensor, Tensor]:
    """Take one step down the gradient, on the rows that the batch names and no others.

    Skip-gram: each word around a word is to tell it. CBOW: their mean is; each of them takes the
    whole of the gradient by the mean, as the word2vec program and gensim have it (the exact
    gradient is that divided by their number, which makes the rate smaller where there are many).

    Args:
        tables: not to be used any more afterwards.
        batch: the words.
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
    hidden = ops.take(vectors, around, axis=0) * there[..., None]
    if method == "cbow":
        number = ops.sum(there, axis=1, keepdims=True)
        hidden = ops.sum(hidden, axis=1, keepdims=True) / ops.maximum(number, 1.0)[..., None]
        used = ops.cast(number > 0, vectors.dtype)
    else:
        used = there
    told = logistic(
        hidden,
        ops.take(outputs, batch.rows, axis=0),
        batch.labels,
        used[..., None] * batch.counts[:, None, :],
    )
    by_vectors = there[..., None] * told.hidden
    size = vectors.shape[-1]

    def descend(table: Tensor, rows: Tensor, gradient: Tensor) -> Tensor:
        change = ops.reshape(-rate * gradient, (-1, size))
        return native.add_rows(table, ops.reshape(rows, (-1,)), change)

    changed = Tables(descend(vectors, around, by_vectors), descend(outputs, batch.rows, told.rows))
    return changed, told.loss, ops.sum(used)
