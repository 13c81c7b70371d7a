"""Labelled texts by name (``load("imdb")``) or from files (``from_files("my.csv")``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rnnkit.data import imdb, sample
from rnnkit.data.files import from_files
from rnnkit.data.splits import Split, TextDataset, deal
from rnnkit.errors import InputError, nearest

__all__ = ["Split", "TextDataset", "from_files", "load", "names"]

_READERS: dict[str, Callable[[], TextDataset]] = {
    "imdb": imdb.read,
    "sample": sample.read,
}


def names() -> list[str]:
    """Return the names that `load` knows.

    Example:
        >>> names()
        ['imdb', 'sample']
    """
    return sorted(_READERS)


def load(
    name: str,
    *,
    seed: int = 0,
    valid_fraction: float = 0.1,
    drop_overlap: bool = False,
    limit: int | None = None,
) -> TextDataset:
    """Load a data set by its name.

    Args:
        name: ``"imdb"`` (84 MB, downloaded once) or ``"sample"`` (generated, no download).
        seed: which rows of train are held out for valid, and their order. A data set that comes
            with its own valid split (``"sample"``) keeps it.
        valid_fraction: how much of train is held out, from 0 to below 1, alike in every class.
        drop_overlap: leave texts out of train and valid that also stand in test. They are
            counted in `notes` in any case.
        limit: keep this many rows of each split, classes in proportion; the same ones every time.

    Raises:
        InputError: if there is no such data set, an argument is out of range, or the data set's
            archive cannot be had or read.

    Example:
        >>> reviews = load("sample", limit=100)
        >>> len(reviews.train), len(reviews.valid), len(reviews.test), reviews.classes
        (100, 100, 100, ('neg', 'pos'))
    """
    if name not in _READERS:
        raise InputError(
            f"There is no data set {name!r}.{nearest(name, _READERS)} Known: {', '.join(names())}; "
            "for files of your own use from_files."
        )
    if not 0 <= valid_fraction < 1:
        raise InputError(f"valid_fraction is {valid_fraction}: expected 0 to below 1.")
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}: expected 1 or more, or None.")
    found = _report_overlap(_READERS[name](), drop_overlap)
    if len(found.valid) == 0:
        random = np.random.default_rng(seed)
        valid, train = deal(found.train.labels, [valid_fraction], random)
        found = replace(found, valid=found.train.take(valid), train=found.train.take(train))
    if limit is not None:
        found = replace(
            found,
            train=_first(found.train, limit),
            valid=_first(found.valid, limit),
            test=_first(found.test, limit),
            unlabelled=found.unlabelled[:limit],
        )
    return found


def _report_overlap(found: TextDataset, drop: bool) -> TextDataset:
    test = set(found.test.texts)
    both = test & (set(found.train.texts) | set(found.valid.texts))
    if not both:
        return found
    note = f"{len(both)} texts stand in train and in test"
    if not drop:
        return replace(found, notes=[*found.notes, f"{note}; drop_overlap=True leaves them out."])

    def without(split: Split) -> Split:
        return split.take(np.flatnonzero([text not in both for text in split.texts]))

    train, valid = without(found.train), without(found.valid)
    return replace(
        found, train=train, valid=valid, notes=[*found.notes, f"{note}; train goes without them."]
    )


def _first(split: Split, limit: int) -> Split:
    """Return the first rows of every class, as many of each as its share of the split says."""
    place = np.zeros(len(split))
    for label in np.unique(split.labels):
        rows = np.flatnonzero(split.labels == label)
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)  # how far along in its class
    return split.take(np.sort(np.argsort(place, kind="stable")[:limit]))
