"""Anything that words can be learned from -> a `Corpus`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnkit.data import datasets
from rnnkit.data.splits import Dataset
from rnnkit.data.tables import TABLES
from rnnkit.data.text import TextPipeline, check_text
from rnnkit.data.token_stream import Corpus, Cut, Tokens, read_lines
from rnnkit.errors import InputError, suggest

__all__ = ["Corpus", "open_corpus"]

# Between the words of a text that is kept as one string: it counts as white space, so no word of a
# pipeline holds it.
_BETWEEN = "\x1e"


def open_corpus(source: Any, *, pipeline: Cut | None = None, limit: int | None = None) -> Corpus:
    r"""Return a corpus of whatever holds texts or words.

    Args:
        source: a `Corpus`; the name of a data set (``"wiki8"``; of texts such as ``"imdb"``, those
            of train and those without a label, never those of valid or test); the path of a text
            file with a text on each line, packed as ``.gz`` or ``.xz`` or not, or of a table or
            folder as `rnnkit.datasets.from_files` reads it; a `Dataset`; or an iterable of texts
            or of lists of words. What can be read only once is kept in memory.
        pipeline: makes words of a text; when left out, a `TextPipeline` with its defaults for
            texts, and a cut at white space for the lines of a file.
        limit: only so many texts, the first ones.

    Raises:
        InputError: no word in it, an item that is neither text nor list of words, no such file or
            data set, a file that cannot be read.

    Example:
        >>> list(open_corpus(["A fine film.", "Dull!"]))
        [['a', 'fine', 'film'], ['dull']]
        >>> list(open_corpus([["New York", "is"], ["big"]]))
        [['New York', 'is'], ['big']]
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}: expected 1 or more, or None.")
    corpus = _open(source, pipeline).first(limit)
    if not any(corpus):
        raise InputError(f"The corpus {corpus.name!r} holds no word; give texts with words.")
    return corpus


def _open(source: Any, pipeline: Cut | None) -> Corpus:
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        if name not in datasets.names():
            return _of_path(Path(name).expanduser(), pipeline)
        if datasets.kind_of(name) not in ("texts", "corpus"):
            suit = [*datasets.names("corpus"), *datasets.names("texts")]
            raise InputError(
                f"{name} holds {datasets.kind_of(name)}, no words. Data sets that do: "
                f"{', '.join(suit)}."
            )
        source = datasets.load(name)
    if isinstance(source, Dataset):
        if not isinstance(source.train.x, Corpus):
            return _of_dataset(source, pipeline)
        source = source.train.x
    if isinstance(source, Corpus):
        if pipeline is not None:
            raise InputError(
                f"The corpus {source.name!r} holds words already: a pipeline is for texts. Leave "
                "it out."
            )
        return source
    if not isinstance(source, Iterable):
        raise InputError(
            f"The corpus is {type(source).__name__}: expected the name of a data set, the path of "
            "a file, or an iterable of texts or of lists of words."
        )
    return _of_items(source, pipeline)


def _of_path(path: Path, pipeline: Cut | None) -> Corpus:
    if not path.exists():
        known = [*datasets.names("corpus"), *datasets.names("texts")]
        raise InputError(
            f"{str(path)!r} is neither a data set of words or texts ({', '.join(known)}) nor a "
            f"file or folder that exists.{suggest(path.name, known)}"
        )
    if path.is_dir() or path.suffix.lower() in TABLES:
        return _of_dataset(datasets.from_files(path), pipeline)
    notes: list[str] = []
    read = read_lines(path, pipeline or str.split, notes)
    return Corpus(read, name=path.name, about=f"Read from {path}.", notes=notes)


def _of_dataset(found: Dataset, pipeline: Cut | None) -> Corpus:
    texts = [*found.train.texts, *found.unlabelled]
    about = f"{found.about} Here: the texts of train, and those without a label."
    read = _kept(texts, pipeline or TextPipeline())
    return Corpus(read, name=found.name, about=about.strip(), notes=found.notes)


def _of_items(source: Iterable[Any], pipeline: Cut | None) -> Corpus:
    name = f"a {type(source).__name__} of texts"
    if hasattr(source, "tolist"):  # NumPy arrays, pandas Series
        source = source.tolist()
    elif iter(source) is source:  # it can be read once
        source = list(source)
    first = next(iter(source), None)
    if not isinstance(first, str | bytes):
        if pipeline is not None and first is not None:
            raise InputError(
                f"The first item of the corpus is {type(first).__name__}: a pipeline is for texts. "
                "Leave it out for lists of words."
            )
        return Corpus(_checked(source), name=name)
    cut = pipeline or TextPipeline()
    if isinstance(source, list | tuple):
        texts = [check_text(text, f"text {i} of the corpus") for i, text in enumerate(source)]
        return Corpus(_kept(texts, cut), name=name)
    return Corpus(_cut(source, cut), name=name)


def _kept(texts: Sequence[str], cut: Cut) -> Tokens:
    """Return what reads texts that are cut into words in the first pass alone.

    The words of a text are kept as one string: lists of strings would take ten times the room.
    """
    kept: list[str | None] = [None] * len(texts)

    def read() -> Iterator[list[str]]:
        for i, text in enumerate(texts):
            joined = kept[i]
            if joined is None:
                joined = kept[i] = _BETWEEN.join(cut(text))
            yield joined.split(_BETWEEN) if joined else []

    return read


def _cut(texts: Iterable[Any], cut: Callable[[str], list[str]]) -> Tokens:
    def read() -> Iterator[list[str]]:
        for i, text in enumerate(texts):
            yield cut(check_text(text, f"text {i} of the corpus"))

    return read


def _checked(texts: Iterable[Any]) -> Tokens:
    """Return what reads lists of words, and refuses at the first item that is none."""

    def read() -> Iterator[list[str]]:
        for i, tokens in enumerate(texts):
            if hasattr(tokens, "tolist"):
                tokens = tokens.tolist()
            if not isinstance(tokens, list | tuple):
                raise InputError(
                    f"Text {i} of the corpus is {type(tokens).__name__}: expected a list of words, "
                    "or texts throughout."
                )
            if not {str}.issuperset(map(type, tokens)):
                _refuse_strange(i, tokens)
            yield list(tokens)

    return read


def _refuse_strange(number: int, tokens: Sequence[Any]) -> None:
    for place, token in enumerate(tokens):
        if not isinstance(token, str):
            raise InputError(
                f"Word {place} of text {number} of the corpus is {type(token).__name__} "
                f"({token!r}): expected str."
            )
