"""Data sets and their splits, and the stratified random split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Split:
    """Examples, and what is to be learned of each, as `fit(x, y)` takes them.

    Attributes:
        x: the examples: texts, lists of words, arrays `(T, D)` or `rnnkit.data.series.Series`; or,
            to learn words from, a `rnnkit.data.corpus.Corpus`.
        y: ``y[i]`` is what is to be learned of ``x[i]``: its class index, a tag for each of its
            words, a class index for each of its steps, or another text; None where nothing but x
            is to be learned.

    Example:
        >>> split = Split(["good", "bad"], np.array([1, 0]))
        >>> split.texts, len(split)
        (['good', 'bad'], 2)
    """

    x: Any
    y: Any = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def texts(self) -> list[str]:
        """The examples, where they are texts."""
        return self.x

    @property
    def labels(self) -> np.ndarray:
        """The class index of each example, where it has one."""
        return self.y

    @property
    def strata(self) -> np.ndarray:
        """The class of each example, for draws in proportion; 0 for all where there is none."""
        return self.y if isinstance(self.y, np.ndarray) else np.zeros(len(self.x), np.int64)

    def take(self, rows: np.ndarray) -> Split:
        """Return these rows, in this order."""
        x = [self.x[i] for i in rows.tolist()]
        if isinstance(self.y, list):
            return Split(x, [self.y[i] for i in rows.tolist()])
        return Split(x, None if self.y is None else self.y[rows])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set, whatever it holds.

    Attributes:
        name: by which it was loaded.
        train: to learn from.
        valid: held out of train, to choose settings and to stop by.
        test: to measure with, once.
        classes: ``classes[i]`` is the name of label ``i``; empty where there are no labels.
        about: where it comes from, in a sentence or two.
        unlabelled: texts without a label.
        notes: what a reader of results should know about this copy.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...] = ()
    about: str = ""
    unlabelled: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


TextDataset = Dataset  # the name it had when all data were texts


def stratified_split(
    labels: np.ndarray, shares: list[float], random: np.random.Generator
) -> list[np.ndarray]:
    """Deal rows out at random, each class in the same shares; the last pile takes what is left.

    A pile with a share above 0 gets at least one row of every class that has a row for each pile.

    Args:
        labels: the class index of each row.
        shares: of all but the last pile, each from 0 to below 1.
        random: decides which row goes where.

    Returns:
        For each pile the indices of its rows, shuffled.

    Example:
        >>> piles = stratified_split(np.array([0, 1] * 10), [0.2], np.random.default_rng(0))
        >>> [np.bincount(np.array([0, 1] * 10)[pile]).tolist() for pile in piles]
        [[2, 2], [8, 8]]
    """
    piles: list[list[np.ndarray]] = [[] for _ in range(len(shares) + 1)]
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        start, enough = 0, len(rows) > len(shares)
        for pile, share in zip(piles, shares, strict=False):
            count = max(round(share * len(rows)), int(enough and share > 0))
            count = min(count, len(rows) - start - 1)  # the last pile gets one in any case
            pile.append(rows[start : start + count])
            start += count
        piles[-1].append(rows[start:])
    return [random.permutation(np.concatenate([np.zeros(0, int), *pile])) for pile in piles]
