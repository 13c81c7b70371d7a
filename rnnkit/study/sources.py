"""Where a run's data come from: a data set by name, or a file of texts of one's own."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data import datasets
from rnnkit.data.corpus import TABLES, Corpus, open_corpus
from rnnkit.data.sets.wiki8 import corpus_dataset
from rnnkit.data.splits import Kind
from rnnkit.errors import InputError, suggest

LEARNS: dict[Kind, str] = {"corpus": "words"}


class Source(NamedTuple):
    """A data set as a run records it, so that the run can be measured on it again.

    Example:
        >>> Source("sample").name
        'sample'
    """

    name: str
    text_column: str | None = None
    label_column: str | None = None
    limit: int | None = None

    def load(self, takes: Kind = "texts") -> Any:
        """Load it as recipes take it that learn from data of a kind; see `load_data`."""
        load = load_corpus if takes == "corpus" else functools.partial(load_data, takes=takes)
        return load(
            self.name,
            text_column=self.text_column,
            label_column=self.label_column,
            limit=self.limit,
        )


def load_data(
    data: str | os.PathLike[str],
    *,
    takes: Kind = "texts",
    text_column: str | None = None,
    label_column: str | None = None,
    limit: int | None = None,
) -> Any:
    """Load a data set by name, or a file or folder by path.

    The splits do not depend on a run's seed: runs with different seeds see the same texts.

    Args:
        data: a name from `rnnkit.data.datasets.names`, or a path that `open_files` there reads.
        takes: what a path is to hold.
        text_column: the column that holds the text, where ``data`` has columns.
        label_column: the column that holds the label, the tag, or the target.
        limit: keep at most this many examples of each split.

    Raises:
        InputError: no such data set or file, or it cannot be used.

    Example:
        >>> load_data("sample", limit=100).classes
        ('neg', 'pos')
    """
    name = os.fspath(data)
    if name in datasets.names():
        return datasets.load(name, limit=limit)
    path = Path(name).expanduser()
    if not path.exists():
        known = datasets.names()
        raise InputError(
            f"{name!r} is neither a data set ({', '.join(known)}) nor a file or folder that exists."
            f"{suggest(path.name, known)}"
        )
    found = datasets.open_files(path, takes, text_column=text_column, label_column=label_column)
    if limit is not None:  # the rows of each split are in random order already
        found = replace(
            found,
            train=_first(found.train, limit),
            valid=_first(found.valid, limit),
            test=_first(found.test, limit),
        )
    for part in ("train", "valid", "test"):
        if not len(getattr(found, part)):
            expected = "ten texts of each class" if takes == "texts" else "ten examples"
            raise InputError(
                f"{path} is too small: nothing is left for its {part} split. Expected {expected}, "
                "or more."
            )
    return found


def load_corpus(
    data: str | os.PathLike[str],
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    limit: int | None = None,
) -> datasets.Dataset:
    """Load words to learn vectors from, as a data set whose train is a `Corpus`.

    Args:
        data: a name or path that `rnnkit.data.corpus.open_corpus` takes.
        text_column: the column that holds the text, where ``data`` is a table.
        label_column: the column that holds the label.
        limit: keep at most this many texts.

    Raises:
        InputError: no such data set or file, or it cannot be used.

    Example:
        >>> load_corpus("words_sample", limit=2).train.x.name
        'words_sample'
    """
    source: Any = os.fspath(data)
    path = Path(source).expanduser()
    if source not in datasets.names() and (path.is_dir() or path.suffix.lower() in TABLES):
        source = datasets.open_files(
            path, "texts", text_column=text_column, label_column=label_column
        )
    return corpus_dataset(open_corpus(source, limit=limit))


def _first(split: datasets.Split, limit: int) -> datasets.Split:
    return split.take(np.arange(min(limit, len(split))))


def refuse_unsuitable(recipe: str, takes: Kind, data: str | os.PathLike[str]) -> None:
    """Refuse a data set that a recipe cannot learn from; what is no name is a path of texts.

    Args:
        recipe: the recipe's name.
        takes: what the data must hold, from `rnnkit.recipes.kind_of`.
        data: a name, or a path.

    Raises:
        InputError: the data hold something else; the message names the data sets that suit.

    Example:
        >>> refuse_unsuitable("lstm_sentiment", "texts", "imdb")
    """
    name = os.fspath(data)
    suit = datasets.suitable(takes)
    if name not in datasets.names():
        if takes in datasets.OWN:
            return
        if Path(name).expanduser().exists():
            raise InputError(
                f"{name} is a file: {recipe} takes {takes} of your own in Python alone, where "
                "rnnkit.data.series reads them (from_csv, from_arrays). Data sets by name that "
                f"suit it: {suit}."
            )
    if not datasets.suits(takes, name):
        raise InputError(
            f"{recipe} learns from {LEARNS.get(takes, takes)}, and {name} holds "
            f"{datasets.kind_of(name)}. Data sets that suit it: {suit}."
        )


def size(split: Any) -> int:
    """Return how many examples a split holds; of series to forecast, each step is one.

    A corpus knows how many texts it has when it was read through.

    Example:
        >>> size(load_data("sample", limit=10).train)
        10
    """
    if isinstance(split.x, Corpus):
        return split.x.texts or sum(1 for _ in split.x)
    return getattr(split, "steps", None) or len(split)


def source_of(data: str | os.PathLike[str], **options: Any) -> Source:
    """Describe the data for the record; a path is made absolute, to hold from anywhere.

    Example:
        >>> source_of("sample", limit=10)
        Source(name='sample', text_column=None, label_column=None, limit=10)
    """
    name = os.fspath(data)
    if name not in datasets.names():
        name = str(Path(name).expanduser().resolve())
    return Source(name, **options)
