"""Batches of words and their characters, each distinct word of a batch once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.batching import BucketedBatches, pad

SIZES = 16  # of K, for each number of steps T: multiples of T / 16


class Words(NamedTuple):
    """The inputs of a tagger for a batch, for which each distinct word is encoded once.

    Attributes:
        ids: `(B, T, 1 + L)`, of each word and of its characters; 0 is padding.
        characters: `(B, K, L)`, the characters of the distinct words, B K of them, in any order;
            those left over are 0.
        places: `(B, T)`, which of the B K distinct words stands at a step, row by row.
    """

    ids: np.ndarray
    characters: np.ndarray
    places: np.ndarray


class WordBatches(BucketedBatches):
    """`BucketedBatches` of words with their characters, whose inputs are `Words`.

    In running text a third of the steps of a batch are distinct words, padding included. All arrays
    have a row for each sentence, so that a batch can be filled up with rows of zeros.

    Args:
        sequences: integers `(T, 1 + L)`: the id of a word, then those of its characters.
        few_shapes: round K up to one of few sizes for each T, in all batches to the same where
            that is possible; False = as small as it can be.
        **options: see `BucketedBatches`; `max_length` is not among them.

    Example:
        >>> rows = [np.array([[5, 7, 8], [6, 9, 0], [5, 7, 8]])]
        >>> (_, characters, places), _, _ = WordBatches(rows, batch_size=1, few_shapes=False)[0]
        >>> characters.tolist(), places[0, :4].tolist()
        ([[[0, 0], [7, 8], [9, 0]]], [1, 2, 1, 0])
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        *labels_and_weights: Any,
        few_shapes: bool,
        **options: Any,
    ) -> None:
        super().__init__(sequences, *labels_and_weights, **options)
        self._few_shapes = few_shapes
        self._spellings, self._spelled = _number_spellings(self._rows)
        self._most: dict[int, int] = {}  # T -> the K of most batches
        if few_shapes:
            for rows in self._batches:
                count = len(np.unique(self._places(rows)))
                least = max(self._most.get(self._width(rows), 0), -(-count // len(rows)))
                self._most[self._width(rows)] = least

    def __getitem__(self, index: int) -> Any:
        rows = self._batches[index]
        ids: Any
        ids, labels, weights = super().__getitem__(index)
        distinct, places = np.unique(self._places(rows), return_inverse=True)
        columns = self._columns(self._width(rows), -(-len(distinct) // len(rows)))
        flat = np.zeros((len(rows) * columns, ids.shape[-1] - 1), np.int32)
        flat[: len(distinct)] = self._spellings[distinct]
        characters = flat.reshape(len(rows), columns, -1)
        places = places.reshape(ids.shape[:2]).astype(np.int32)
        return Words(ids, characters, places), labels, weights

    def _places(self, rows: np.ndarray) -> np.ndarray:
        """Return the numbers of the spellings in these rows, `(B, T)`; 0 is padding."""
        return pad([self._spelled[row] for row in rows], self._width(rows))

    def _columns(self, steps: int, least: int) -> int:
        """Return K, at least this many, for batches of a number of steps."""
        if not self._few_shapes:
            return least
        least = max(least, self._most.get(steps, 0))
        part = -(-steps // SIZES)
        return min(-(-least // part) * part, steps)


def _number_spellings(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the distinct spellings `(S, L)`, the first one 0, and their numbers in each row."""
    numbers: dict[bytes, int] = {}
    found = []
    for row in rows:
        letters = np.ascontiguousarray(row[:, 1:])
        numbers.setdefault(bytes(letters.shape[1] * letters.itemsize), 0)
        keys = [one.tobytes() for one in letters]
        found.append(np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32))
    distinct = np.frombuffer(b"".join(numbers), np.int32)
    return distinct.reshape(max(1, len(numbers)), -1), found
