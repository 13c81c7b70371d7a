"""One SGD step of word2vec on a few rows of the input and output vectors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnkit.backend import native

# isort: split
from keras import ops

from rnnkit.deprecation import renamed_names
from rnnkit.embeddings.options import Method
from rnnkit.embeddings.training.contexts import PADDING
from rnnkit.embeddings.training.objectives import logistic_loss

Tensor = Any
MAX_SUMMED_PAIRS = 32  # pairs of one step whose gradients for one row are summed in full


class Tables(NamedTuple):
    """The trained parameters.

    Attributes:
        vectors: `(V, D)`, the input vectors: the word vectors.
        outputs: `(V, D)`, the output vectors of words, or `(V - 1, D)` of the inner Huffman nodes.
    """

    vectors: Tensor
    outputs: Tensor


class StepScales(NamedTuple):
    """Factors of the learning rate for each row of the tables, see `step_scale`.

    Attributes:
        vectors: `(V,)`.
        outputs: `(V,)` or `(V - 1,)`.
    """

    vectors: Tensor
    outputs: Tensor


class Batch(NamedTuple):
    """N words with their contexts and targets.

    Attributes:
        contexts: int32 `(N, C)`, the context words; -1 for no word.
        targets: int32 `(N, J)`, output rows: the word and its noise words, or its Huffman path.
        labels: `(N, J)`, 1 for the word itself, or for a left child, else 0.
        weights: `(N, J)`, 0 for a noise word equal to the word, or for padding of a path; else 1.
    """

    contexts: Tensor
    targets: Tensor
    labels: Tensor
    weights: Tensor


def step_scale(pairs: np.ndarray) -> np.ndarray:
    """Return the factor of the learning rate of rows by their expected number of pairs per step.

    `min(1, 32 / n)`. The word2vec program updates after each pair; here a step sums the gradients
    of all its pairs at the same parameters. A row with hundreds of pairs, such as the root of the
    tree or the words of a tiny vocabulary, would overshoot and diverge.

    Example:
        >>> step_scale(np.array([1.0, 64.0])).tolist()
        [1.0, 0.5]
    """
    return np.minimum(1.0, MAX_SUMMED_PAIRS / np.maximum(pairs, 1e-9)).astype("float32")


def sgd_step(
    tables: Tables, batch: Batch, scales: StepScales, learning_rate: Tensor, method: Method
) -> tuple[Tables, Tensor, Tensor]:
    """Do one step of stochastic gradient descent, on the rows of the batch only.

    Skip-gram: each context word predicts the word. CBOW: their mean predicts it; each context word
    gets the full gradient by the mean, as in the word2vec program and gensim (the exact gradient
    divides it by their number, which lowers the learning rate of long contexts).

    Args:
        tables: their memory may be reused (donated).
        batch: the words.
        scales: factor of the learning rate for each row.
        learning_rate: a number.
        method: "skip-gram" or "cbow".

    Returns:
        The new tables, the summed loss before the step, the number of predictions (pairs or words).

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.
    """
    vectors, outputs = tables
    mask = ops.cast(batch.contexts != PADDING, vectors.dtype)
    contexts = ops.where(batch.contexts == PADDING, 0, batch.contexts)
    context_vectors = native.take_rows(vectors, contexts)
    rows = native.take_rows(outputs, batch.targets)
    if method == "cbow":
        number = ops.sum(mask, axis=1, keepdims=True)
        mean = mask / ops.maximum(number, 1.0)
        hidden = native.mix_rows(mean[:, None], context_vectors)
        used = ops.cast(number > 0, vectors.dtype)
    else:
        hidden, used = context_vectors, mask
    weights = used[..., None] * batch.weights[:, None]
    loss, gradient = logistic_loss(hidden, rows, batch.labels, weights)
    # Scale the (N, C, J) gradient, before the sums over J or C of rows of D numbers.
    by_rows = learning_rate * native.take_rows(scales.outputs, batch.targets)[..., None]
    by_rows = native.mix_rows(by_rows * ops.swapaxes(gradient, -1, -2), hidden)
    by_context = learning_rate * (mask * native.take_rows(scales.vectors, contexts))[..., None]
    if method == "cbow":
        by_context = by_context * native.mix_rows(gradient, rows)
    else:
        by_context = native.mix_rows(by_context * gradient, rows)
    vectors = _subtract(vectors, contexts, by_context)
    return Tables(vectors, _subtract(outputs, batch.targets, by_rows)), loss, ops.sum(used)


def _subtract(table: Tensor, rows: Tensor, by: Tensor) -> Tensor:
    """Subtract from rows of a table (scatter-add)."""
    return native.add_rows(table, ops.reshape(rows, (-1,)), -ops.reshape(by, (-1, by.shape[-1])))


__getattr__ = renamed_names(
    __name__, {"Pace": "StepScales", "pace": "step_scale", "step": "sgd_step"}
)
