"""Corpora for word2vec: streams of tokenized texts that can be read repeatedly."""

from __future__ import annotations

import codecs
import gzip
import itertools
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rnnkit.errors import InputError
from rnnkit.untrusted import open_compressed

MAX_TEXT_WORDS = 10_000  # words of a text of a file; the maximum of gensim's C code
BLOCK = 1 << 18  # bytes
MAX_WORD = 1 << 24  # characters without a space

TokenReader = Callable[[], Iterator[list[str]]]
Tokenize = Callable[[str], list[str]]


class Corpus:
    """Tokenized texts that can be iterated over repeatedly; files are not kept in memory.

    Args:
        read: returns an iterator over the texts, for each pass.
        name: for records and progress.
        about: where it comes from.
        notes: remarks for readers of results; reading may add to them.
        limit: the number of texts, the first ones; None = all.

    Example:
        >>> corpus = Corpus(lambda: iter([["a", "b"], ["c"]]), name="tiny")
        >>> list(corpus), corpus.texts, corpus.words
        ([['a', 'b'], ['c']], 2, 3)
    """

    def __init__(
        self,
        read: TokenReader,
        *,
        name: str,
        about: str = "",
        notes: Sequence[str] = (),
        limit: int | None = None,
    ) -> None:
        self._read, self._limit = read, limit
        self.name, self.about = name, about
        self.notes = list(notes) if not isinstance(notes, list) else notes
        # The numbers of texts and words; None before the first complete pass.
        self.texts: int | None = None
        self.words: int | None = None

    def __iter__(self) -> Iterator[list[str]]:
        texts = words = 0
        for tokens in itertools.islice(self._read(), self._limit):
            texts += 1
            words += len(tokens)
            yield tokens
        self.texts, self.words = texts, words

    def first(self, limit: int | None) -> Corpus:
        """Return the corpus of the first texts, or itself where `limit` is None."""
        if limit is None:
            return self
        least = limit if self._limit is None else min(limit, self._limit)
        return Corpus(self._read, name=self.name, about=self.about, notes=self.notes, limit=least)


def read_lines(
    path: Path, tokenize: Tokenize = str.split, notes: list[str] | None = None
) -> TokenReader:
    r"""Return a reader of a file with a text on each line; the file may end in ``.gz`` or ``.xz``.

    A line of more than 10,000 words is read in pieces of 10,000, so that even a file of one line
    takes little memory; `notes` gets a sentence about them.

    Returns:
        A function without arguments that starts a pass; the pass raises `InputError` with the line
        for a file that is damaged or not in UTF-8.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.txt"
        >>> _ = path.write_text("a b\nc d\n")
        >>> list(read_lines(path)())
        [['a', 'b'], ['c', 'd']]
    """

    def read() -> Iterator[list[str]]:
        long = 0
        last = second = -1  # the last line, and the last line with a second piece
        for line, tokens in _pieces(path, tokenize):
            if line == last != second:
                long, second = long + 1, line
            last = line
            yield tokens
        note = (
            f"{long:,} lines of {path.name} have more than {MAX_TEXT_WORDS:,} words and were read "
            "in pieces of that size."
        )
        if long and notes is not None and note not in notes:
            notes.append(note)

    return read


def _pieces(path: Path, tokenize: Tokenize) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and words of each line, at most `MAX_TEXT_WORDS` at a time."""
    number, tail = 0, ""
    words: list[str] = []  # of the line that is being read
    for block in decoded_blocks(path):
        *lines, tail = (tail + block).split("\n")
        for line in lines:
            for piece in _limited(words + tokenize(line)):
                yield number, piece
            words, number = [], number + 1
        if len(tail) >= BLOCK:  # a very long line: yield its complete words
            head, _, tail = tail.rpartition(" ")
            if len(tail) > MAX_WORD:
                raise InputError(
                    f"{path}, line {number + 1}: more than {MAX_WORD:,} characters without a space "
                    "or a line end: that is no text."
                )
            *whole, words = _limited(words + tokenize(head)) or [[]]
            for piece in whole:
                yield number, piece
    for piece in _limited(words + tokenize(tail)):
        yield number, piece


def _limited(words: list[str]) -> list[list[str]]:
    return [words[start : start + MAX_TEXT_WORDS] for start in range(0, len(words), MAX_TEXT_WORDS)]


def decoded_blocks(path: Path) -> Iterator[str]:
    """Yield the text of a file in blocks; it may be compressed.

    Raises:
        InputError: it is damaged, or not in UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line, data = 1, b""
    try:
        with open_compressed(path) as file:
            while data := file.read(BLOCK):
                yield decoder.decode(data)
                line += data.count(b"\n")
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        byte = error.object[error.start]
        raise InputError(
            f"{path}, line {line}: byte 0x{byte:02x} is not UTF-8: save it as UTF-8."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{path} is damaged or cut short ({error}): fetch it again.") from error
