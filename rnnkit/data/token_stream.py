"""What word2vec reads: tokenised texts, again and again, however many there are."""

from __future__ import annotations

import codecs
import gzip
import itertools
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError

MAX_TEXT_WORDS = 10_000  # words of a text of a file; gensim's C code takes no more at once
BLOCK = 1 << 18  # bytes that are read at once

Tokens = Callable[[], Iterator[list[str]]]
Cut = Callable[[str], list[str]]


class Corpus:
    """Tokenised texts that can be read any number of times; of a file, none is kept in memory.

    Args:
        read: starts a pass: returns an iterator over the texts.
        name: for records and progress.
        about: where it comes from.
        notes: what a reader of results should know; reading may add to them.
        limit: only so many texts, the first ones; None = all.

    Attributes:
        texts: how many texts there are; None until they were read through once.
        words: how many words they hold together; None until then.

    Example:
        >>> corpus = Corpus(lambda: iter([["a", "b"], ["c"]]), name="tiny")
        >>> list(corpus), corpus.texts, corpus.words
        ([['a', 'b'], ['c']], 2, 3)
    """

    def __init__(
        self,
        read: Tokens,
        *,
        name: str,
        about: str = "",
        notes: Sequence[str] = (),
        limit: int | None = None,
    ) -> None:
        self._read, self._limit = read, limit
        self.name, self.about = name, about
        self.notes = list(notes) if not isinstance(notes, list) else notes
        self.texts: int | None = None
        self.words: int | None = None

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the texts, each a list of its words."""
        texts = words = 0
        for tokens in itertools.islice(self._read(), self._limit):
            texts += 1
            words += len(tokens)
            yield tokens
        self.texts, self.words = texts, words

    def first(self, limit: int | None) -> Corpus:
        """Return the corpus of its first texts, or itself where `limit` is None."""
        if limit is None:
            return self
        least = limit if self._limit is None else min(limit, self._limit)
        return Corpus(self._read, name=self.name, about=self.about, notes=self.notes, limit=least)


def read_lines(path: Path, cut: Cut = str.split, notes: list[str] | None = None) -> Tokens:
    r"""Return what reads a file with a text on each line; the file may end in ``.gz`` or ``.xz``.

    A line of more than 10,000 words comes in pieces of 10,000, so that even a file that is one
    line takes no more memory than a few of them.

    Args:
        path: the file, in UTF-8.
        cut: makes tokens of a line.
        notes: gets a sentence when lines came in pieces.

    Returns:
        A function without arguments that starts a pass; the pass raises `InputError` for a file
        that is damaged or not in UTF-8, with the line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.txt"
        >>> _ = path.write_text("a b\nc d\n")
        >>> list(read_lines(path)())
        [['a', 'b'], ['c', 'd']]
    """

    def read() -> Iterator[list[str]]:
        long = 0
        last = second = -1  # the line before, and the one of which a second piece came last
        for line, tokens in _pieces(_blocks(path), cut):
            if line == last != second:
                long, second = long + 1, line
            last = line
            yield tokens
        told = (
            f"{long:,} lines of {path.name} hold more than {MAX_TEXT_WORDS:,} words and were read in "
            "pieces of that many."
        )
        if long and notes is not None and told not in notes:
            notes.append(told)

    return read


def _pieces(blocks: Iterable[str], cut: Cut) -> Iterator[tuple[int, list[str]]]:
    """Yield number of the line and words: of one line all, or `MAX_TEXT_WORDS` at a time."""
    number, tail = 0, ""
    words: list[str] = []  # of the line that is being read
    for block in blocks:
        *lines, tail = (tail + block).split("\n")
        for line in lines:
            for piece in _cut_up(words + cut(line)):
                yield number, piece
            words, number = [], number + 1
        if len(tail) >= BLOCK:  # a very long line: take its words as far as they are whole
            head, _, tail = tail.rpartition(" ")
            *whole, words = _cut_up(words + cut(head)) or [[]]
            for piece in whole:
                yield number, piece
    for piece in _cut_up(words + cut(tail)):
        yield number, piece


def _cut_up(words: list[str]) -> list[list[str]]:
    return [words[start : start + MAX_TEXT_WORDS] for start in range(0, len(words), MAX_TEXT_WORDS)]


def _blocks(path: Path) -> Iterator[str]:
    """Yield a file's text block by block."""
    opened: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line, data = 1, b""
    try:
        with opened(path, "rb") as file:
            while data := file.read(BLOCK):
                yield decoder.decode(data)
                line += data.count(b"\n")
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        raise InputError(
            f"{path}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8. Save the "
            "file as UTF-8."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(
            f"{path} is damaged or cut short ({error}): fetch or pack it again."
        ) from error
