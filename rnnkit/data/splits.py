"""What a loaded data set is, and how rows are dealt out to its splits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Split:
    """Texts and the label of each: ``labels[i]`` is the class index of ``texts[i]``."""

    texts: list[str]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> Split:
        """Return these rows, in this order."""
        return Split([self.texts[i] for i in rows.tolist()], self.labels[rows])


@dataclass(frozen=True, eq=False)
class TextDataset:
    """A data set of labelled texts.

    Attributes:
        name: by which it was loaded.
        train: to learn from.
        valid: held out of train, to choose settings and to stop by.
        test: to measure with, once.
        classes: ``classes[i]`` is the name of label ``i``.
        about: where it comes from, in a sentence or two.
        unlabelled: texts without a label.
        notes: what a reader of results should know about this copy.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...]
    about: str
    unlabelled: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def deal(labels: np.ndarray, shares: list[float], random: np.random.Generator) -> list[np.ndarray]:
    """Deal rows out at random, each class in the same shares; the last pile takes what is left.

    A pile with a share above 0 gets at least one row of every class that has a row for each pile.

    Args:
        labels: the class index of each row.
        shares: of all but the last pile, each from 0 to below 1.
        random: decides which row goes where.

    Returns:
        For each pile the indices of its rows, shuffled.

    Example:
        >>> piles = deal(np.array([0, 1] * 10), [0.2], np.random.default_rng(0))
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
