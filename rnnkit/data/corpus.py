"""Opening a corpus for word vectors from a data set, a file, or texts in memory."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnkit.data import datasets
from rnnkit.data.splits import Dataset
from rnnkit.data.table_files import holds_tables
from rnnkit.data.text import TextPipeline, check_text
from rnnkit.data.token_stream import Corpus, Tokenize, TokenReader, read_lines
from rnnkit.errors import InputError, check_count, quote, suggest

__all__ = ["Corpus", "open_corpus"]

# Joins the words of a text in memory: white space, so that no word of a pipeline contains it.
_SEPARATOR = "\x1e"


def open_corpus(
    source: Any, *, pipeline: Tokenize | None = None, limit: int | None = None
) -> Corpus:
    r"""Return a corpus of texts or words.

    Args:
        source: a `Corpus`; the name of a data set (``"wiki8"``; of texts such as ``"imdb"``, those
            of train and those without a label, never those of valid or test); the path of a text
            file with a text on each line, which may be packed as ``.gz`` or ``.xz``, or of a table
            or folder as `rnnkit.datasets.from_files` reads it; a `Dataset`; or an iterable of
            texts or of lists of words. An iterator is kept in memory.
        pipeline: splits a text into words; None = a `TextPipeline` with its defaults for texts,
            white space for the lines of a file.
        limit: the number of texts, the first ones; None = all.

    Raises:
        InputError: there is no word, an item is neither text nor list of words, or the file or
            data set is missing or cannot be read.

    Example:
        >>> list(open_corpus(["A fine film.", "Dull!"]))
        [['a', 'fine', 'film'], ['dull']]
        >>> list(open_corpus([["New York", "is"], ["big"]]))
        [['New York', 'is'], ['big']]
    """
    if limit is not None:
        check_count("limit", limit)
    corpus = _open(source, pipeline).first(limit)
    if not any(corpus):
        raise InputError(f"The corpus {quote(corpus.name)} has no word; give texts with words.")
    return corpus


def _open(source: Any, pipeline: Tokenize | None) -> Corpus:
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        if name not in datasets.names():
            return _from_path(Path(name).expanduser(), pipeline)
        if datasets.kind_of(name) not in ("texts", "corpus"):
            suit = [*datasets.names("corpus"), *datasets.names("texts")]
            raise InputError(
                f"{name} holds {datasets.kind_of(name)}, no words. Data sets that do: "
                f"{', '.join(suit)}."
            )
        source = datasets.load(name)
    if isinstance(source, Dataset):
        if not isinstance(source.train.x, Corpus):
            return _from_dataset(source, pipeline)
        source = source.train.x
    if isinstance(source, Corpus):
        if pipeline is not None:
            raise InputError(
                f"The corpus {quote(source.name)} is tokenized already: a pipeline is for texts."
            )
        return source
    if not isinstance(source, Iterable):
        raise InputError(
            f"The corpus is {type(source).__name__}: expected the name of a data set, the path of "
            "a file, or an iterable of texts or of lists of words."
        )
    return _from_items(source, pipeline)


def _from_path(path: Path, pipeline: Tokenize | None) -> Corpus:
    if not path.exists() and not str(path).startswith("hf:"):
        known = [*datasets.names("corpus"), *datasets.names("texts")]
        raise InputError(
            f"{str(path)!r} is neither a data set of words or texts ({', '.join(known)}) nor a "
            f"file or folder that exists.{suggest(path.name, known)}"
        )
    if path.is_dir() or holds_tables(path):
        return _from_dataset(datasets.from_files(path), pipeline)
    notes: list[str] = []
    read = read_lines(path, pipeline or str.split, notes)
    return Corpus(read, name=path.name, about=f"Read from {path}.", notes=notes)


def _from_dataset(found: Dataset, pipeline: Tokenize | None) -> Corpus:
    texts = [*found.train.texts, *found.unlabelled]
    about = f"{found.about} Here: the texts of train, and those without a label."
    read = _cached(texts, pipeline or TextPipeline())
    return Corpus(read, name=found.name, about=about.strip(), notes=found.notes)


def _from_items(source: Iterable[Any], pipeline: Tokenize | None) -> Corpus:
    name = f"a {type(source).__name__} of texts"
    if hasattr(source, "tolist"):  # NumPy arrays, pandas Series
        source = source.tolist()
    elif iter(source) is source:  # an iterator
        source = list(source)
    first = next(iter(source), None)
    if not isinstance(first, str | bytes):
        if pipeline is not None and first is not None:
            raise InputError(
                f"The first item of the corpus is {type(first).__name__}: a pipeline is for texts. "
                "Leave it out for lists of words."
            )
        return Corpus(functools.partial(_checked, source), name=name)
    tokenize = pipeline or TextPipeline()
    if isinstance(source, list | tuple):
        texts = [check_text(text, f"text {i} of the corpus") for i, text in enumerate(source)]
        return Corpus(_cached(texts, tokenize), name=name)
    return Corpus(functools.partial(_tokenized, source, tokenize), name=name)


def _cached(texts: Sequence[str], tokenize: Tokenize) -> TokenReader:
    """Return a reader of texts, which are tokenized in the first pass alone.

    The words of a text are kept as one string: a list of strings takes ten times the memory.
    """
    kept: list[str | None] = [None] * len(texts)

    def read() -> Iterator[list[str]]:
        for i, text in enumerate(texts):
            joined = kept[i]
            if joined is None:
                joined = kept[i] = _SEPARATOR.join(tokenize(text))
            yield joined.split(_SEPARATOR) if joined else []

    return read


def _tokenized(texts: Iterable[Any], tokenize: Tokenize) -> Iterator[list[str]]:
    for i, text in enumerate(texts):
        yield tokenize(check_text(text, f"text {i} of the corpus"))


def _checked(texts: Iterable[Any]) -> Iterator[list[str]]:
    """Yield lists of words; refuse other items."""
    for i, tokens in enumerate(texts):
        tokens = tokens.tolist() if hasattr(tokens, "tolist") else tokens
        if not isinstance(tokens, list | tuple):
            raise InputError(
                f"Text {i} of the corpus is {type(tokens).__name__}: expected a list of words, or "
                "texts throughout."
            )
        if not {str}.issuperset(map(type, tokens)):  # fast
            for place, token in enumerate(tokens):
                if not isinstance(token, str):
                    raise InputError(
                        f"Word {place} of text {i} of the corpus is {type(token).__name__} "
                        f"({quote(token)}): expected str."
                    )
        yield list(tokens)
