"""Batches of texts with two inputs: the ids of their tokens in order, and their n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.batching import BucketedBatches, bucket_length, pad
from rnnkit.errors import check_count


class TextRow(NamedTuple):
    """An encoded text.

    Attributes:
        ids: of its tokens, `(T,)`.
        ngrams: the numbers of its distinct n-grams, `(M,)`.
    """

    ids: np.ndarray
    ngrams: np.ndarray


class NGramBatches(BucketedBatches):
    """Batches `((ids, ngrams), labels, weights)`: `(B, T)` and `(B, M)`, int32, padded with 0.

    Only the ids are truncated. M is `order * T`, which holds the n-grams of every text of T tokens,
    so that XLA compiles no more shapes than for the ids alone; where a truncated text has more, it
    is the next length of a bucket.

    Args:
        rows: encoded texts.
        labels: as `BucketedBatches` takes them, one for each text.
        sample_weight: one for each text, or None.
        order: of the longest n-grams.
        **options: those of `BucketedBatches`.

    Example:
        >>> rows = [TextRow(np.array([2, 3]), np.array([4, 5, 9]))]
        >>> (ids, ngrams), _, _ = NGramBatches(rows, order=2, batch_size=1)[0]
        >>> ids.shape, ngrams.shape, ngrams[0, :4].tolist()
        ((1, 8), (1, 16), [4, 5, 9, 0])
    """

    def __init__(
        self,
        rows: Sequence[TextRow],
        labels: Any = None,
        sample_weight: Any = None,
        *,
        order: int,
        **options: Any,
    ) -> None:
        self.ngram_order = check_count("order", order)
        self._ngrams = [row.ngrams for row in rows]
        super().__init__([row.ids for row in rows], labels, sample_weight, **options)
        width = {steps: order * steps for steps in self.widths}
        for row in range(len(self._ngrams)):
            steps = self._width(np.array([row]))
            width[steps] = max(width[steps], len(self._ngrams[row]))
        self._ngram_widths = {
            steps: most if most == order * steps else bucket_length(most)
            for steps, most in width.items()
        }

    def __getitem__(self, index: int) -> Any:
        found: Any = super().__getitem__(index)
        ids, labels, weights = found
        rows = self._batches[index]
        ngrams = pad([self._ngrams[row] for row in rows], self._ngram_widths[ids.shape[1]])
        return (ids, ngrams), labels, weights
