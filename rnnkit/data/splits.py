"""Data sets and their splits, and the stratified random split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnnkit.deprecation import renamed_names


class ClassLabels(np.ndarray):
    """Class indices that know the names of the classes.

    An integer array; rows that are taken from it keep the names, results of arithmetic and of
    comparisons are plain arrays. A classifier that is trained on it answers with the names.

    Args:
        numbers: the class index of each example.
        classes: ``classes[i]`` is the name of index ``i``.

    Example:
        >>> labels = ClassLabels([0, 1, 1], ("neg", "pos"))
        >>> labels[1:].names, labels == 1
        (['pos', 'pos'], array([False,  True,  True]))
    """

    classes: tuple[str, ...]

    def __new__(cls, numbers: Any, classes: Sequence[str]) -> ClassLabels:
        """Make labels of an integer array, which is not copied."""
        labels = np.asarray(numbers).view(cls)
        labels.classes = tuple(classes)
        return labels

    def __array_finalize__(self, other: Any) -> None:
        """Keep the names where rows are taken."""
        self.classes = getattr(other, "classes", ())

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Return a plain array: sums and comparisons are no labels."""
        return array[()] if return_scalar else np.asarray(array)

    def __reduce__(self) -> tuple:
        """Keep the names in a pickle."""
        return ClassLabels, (np.asarray(self), self.classes)

    @property
    def names(self) -> list[str]:
        """The name of each label."""
        return [self.classes[i] for i in self.reshape(-1).tolist()]


@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their targets, as `fit(x, y)` takes them.

    Attributes:
        x: the examples: texts, lists of words, arrays `(T, D)` or `rnnkit.data.series.Series`; or,
            for word vectors, a `rnnkit.data.corpus.Corpus`.
        y: ``y[i]`` is the target of ``x[i]``: its class index, a tag for each of its words, a class
            index for each of its steps, or another text; None where x is its own target.
        groups: ``groups[i]`` is the number of the group of ``x[i]``, such as the film that a review
            is about: examples of one group are held out together; None = no groups.

    Example:
        >>> split = Split(["good", "bad"], np.array([1, 0]))
        >>> split.texts, len(split)
        (['good', 'bad'], 2)
    """

    x: Any
    y: Any = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def texts(self) -> list[str]:
        """The examples, of a split of texts."""
        return self.x

    @property
    def labels(self) -> np.ndarray:
        """The class index of each example, of a split with one for each."""
        return self.y

    @property
    def strata(self) -> np.ndarray:
        """The class of each example for stratified draws; 0 for all where there are no classes."""
        return self.y if isinstance(self.y, np.ndarray) else np.zeros(len(self.x), np.int64)

    def take(self, rows: np.ndarray) -> Split:
        """Return these rows, in this order."""
        x = [self.x[i] for i in rows.tolist()]
        groups = None if self.groups is None else self.groups[rows]
        if isinstance(self.y, list):
            return Split(x, [self.y[i] for i in rows.tolist()], groups)
        return Split(x, None if self.y is None else self.y[rows], groups)

    def with_names(self, classes: Sequence[str]) -> Split:
        """Return the split with class indices that know the names of the classes."""

        def named(y: Any) -> Any:
            whole = isinstance(y, np.ndarray) and y.dtype.kind in "iu"
            return ClassLabels(y, classes) if whole else y

        return replace(self, y=list(map(named, self.y)) if type(self.y) is list else named(self.y))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its splits.

    Class indices in the splits know the names of the classes, see `ClassLabels`.

    Attributes:
        name: the name under which it was loaded.
        train: the training split.
        valid: the validation split, for early stopping and choosing settings.
        test: the test split.
        classes: ``classes[i]`` is the name of label ``i``; empty where there are no labels.
        about: where it comes from, in a sentence or two.
        unlabelled: texts without a label.
        notes: remarks on this copy for readers of results.
        columns: the name of each column of series that were read from a table.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...] = ()
    about: str = ""
    unlabelled: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Tell the labels the names of their classes."""
        for part in ("train", "valid", "test") if self.classes else ():
            object.__setattr__(self, part, getattr(self, part).with_names(self.classes))


TextDataset = Dataset  # the name it had when all data were texts


def stratified_split(
    labels: np.ndarray, shares: list[float], random: np.random.Generator
) -> list[np.ndarray]:
    """Split rows at random, with the same shares of each class; the last part gets all rows left.

    A part with a share above 0 gets at least one row of every class that has a row for each part.
    The shares are those of all but the last part, each from 0 to below 1. For each part the indices
    of its rows are returned, shuffled.

    Example:
        >>> parts = stratified_split(np.array([0, 1] * 10), [0.2], np.random.default_rng(0))
        >>> [np.bincount(np.array([0, 1] * 10)[part]).tolist() for part in parts]
        [[2, 2], [8, 8]]
    """
    parts: list[list[np.ndarray]] = [[] for _ in range(len(shares) + 1)]
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        start, enough = 0, len(rows) > len(shares)
        for part, share in zip(parts, shares, strict=False):
            count = max(round(share * len(rows)), int(enough and share > 0))
            count = min(count, len(rows) - start - 1)  # the last part gets one in any case
            part.append(rows[start : start + count])
            start += count
        parts[-1].append(rows[start:])
    return [random.permutation(np.concatenate([np.zeros(0, int), *part])) for part in parts]


def grouped_split(
    labels: np.ndarray, groups: np.ndarray, shares: list[float], random: np.random.Generator
) -> list[np.ndarray]:
    """Split rows at random so that no group is in two parts; the last part gets all groups left.

    Groups are taken in random order where they fit into the share of each class; then those that
    bring the numbers of rows nearer to it. A part with a share above 0 gets one group at least,
    unless that would take the last rows of a class. For each part the indices of its rows are
    returned, shuffled.

    Example:
        >>> labels, films = np.array([0, 1] * 10), np.repeat(np.arange(10), 2)
        >>> valid, train = grouped_split(labels, films, [0.2], np.random.default_rng(0))
        >>> len(valid), set(films[valid]) & set(films[train])
        (4, set())
    """
    labels, classes = _numbered(labels)
    groups, number = _numbered(groups)
    counts = np.zeros((number, classes))
    np.add.at(counts, (groups, labels), 1)
    left = counts.sum(0)  # of each class, for the last part
    last = len(shares)
    owner = np.full(number, last)
    order = random.permutation(number).tolist()
    for part, share in enumerate(shares):
        missing = share * counts.sum(0)

        def fits(group: int, missing: np.ndarray = missing) -> bool:
            return bool((counts[group] <= missing + 0.5).all())

        def gain(group: int, missing: np.ndarray = missing) -> float:
            """Return by how much the squared distance to the share falls."""
            return float(counts[group] @ (2 * missing - counts[group]))

        for suits in (fits, lambda group, gain=gain: gain(group) > 0):
            for group in order:
                if owner[group] == last and (left > counts[group]).all() and suits(group):
                    owner[group] = part
                    missing -= counts[group]
                    left -= counts[group]
        free = [i for i in order if owner[i] == last and (left > counts[i]).all()]
        if share > 0 and free and not (owner == part).any():  # each group is larger than the share
            owner[max(free, key=gain)] = part
            left = counts[owner == last].sum(0)
    return [random.permutation(np.flatnonzero(owner[groups] == part)) for part in range(last + 1)]


def _numbered(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return values as numbers from 0, in their order, and how many there are."""
    found, numbers = np.unique(np.asarray(values), return_inverse=True)
    return numbers.reshape(-1), len(found)


def draw_missing(parts: Mapping[str, Split], seed: int) -> tuple[Split, Split, Split]:
    """Return train, valid and test; those without a part are drawn from train, a tenth each.

    All splits keep the order of train.
    """
    shares = [0.0 if part in parts else 0.1 for part in ("valid", "test")]
    whole = parts["train"]
    drawn = stratified_split(np.zeros(len(whole), np.int64), shares, np.random.default_rng(seed))
    valid, test, train = (whole.take(np.sort(rows)) for rows in drawn)
    return train, parts.get("valid", valid), parts.get("test", test)


__getattr__ = renamed_names(__name__, {"deal": "stratified_split"})
