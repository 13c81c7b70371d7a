"""A corpus as word ids, read once and used in every epoch; the ids are on the disk."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnkit.disk import writing
from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.errors import InputError, quote
from rnnkit.progress import Bar

_BLOCK = 1 << 20  # words that are in memory at once
_UPDATE_EVERY = 200_000  # words between two updates of the progress bar


@dataclass(frozen=True)
class EncodedCorpus:
    """The words of a corpus as ids, 4 bytes each.

    Attributes:
        frequencies: the vocabulary, with counts.
        ids: int32 `(N,)`, the ids of all texts in a row, without out-of-vocabulary words; mapped
            from an unnamed file, which vanishes with the array.
        text_lengths: int64, number of ids in each text.
        total_words: number of words in the corpus, out-of-vocabulary words included.
    """

    frequencies: Frequencies
    ids: np.ndarray
    text_lengths: np.ndarray
    total_words: int

    @property
    def fingerprint(self) -> str:
        """Hash of words and order: 32 hexadecimal digits."""
        digest = hashlib.sha256("\n".join(self.frequencies.words).encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(self.ids).data)
        digest.update(self.text_lengths.tobytes())
        return digest.hexdigest()[:32]


def encode_corpus(
    corpus: Iterable[Sequence[str]], min_count: int = 5, frequencies: Frequencies | None = None
) -> EncodedCorpus:
    """Read a corpus once: count its words, drop the rare ones, encode the others.

    Args:
        corpus: tokenised texts.
        min_count: drop words that occur less often.
        frequencies: vocabulary with counts; None = that of the corpus.

    Raises:
        InputError: an empty corpus, or no word that is frequent enough.

    Example:
        >>> found = encode_corpus([["a", "b"], ["a", "c", "b", "a"]], min_count=2)
        >>> found.frequencies.words, found.ids.tolist()
        (['a', 'b'], [0, 1, 0, 1, 0])
        >>> found.text_lengths.tolist(), found.total_words
        ([2, 3], 6)
    """
    index: dict[str, int] = {}
    lengths, shown = array("i"), 0
    with _Spool() as numbers, Bar("Reading words") as bar:
        for tokens in corpus:
            numbers.extend([index.setdefault(token, len(index)) for token in tokens])
            lengths.append(len(tokens))
            if numbers.count - shown > _UPDATE_EVERY:
                shown = numbers.count
                bar.describe(f"Reading words: {shown:,}")
        old = numbers.read()
    if not len(old):
        raise InputError(
            f"The corpus of {len(lengths)} texts holds no word; give texts with words."
        )
    text_lengths = np.frombuffer(lengths, "int32")
    if frequencies is None:
        frequencies, new = _frequent(list(index), old, min_count, len(lengths))
    else:
        new = np.array([frequencies.index.get(word, -1) for word in index], "int32")
        if (new < 0).all():
            raise InputError(
                f"None of the {len(index):,} words of the corpus is among the {len(frequencies):,} "
                "of the model: was it trained on another language or pipeline?"
            )
    ids, known = _renumber(old, text_lengths, new)
    return EncodedCorpus(frequencies, ids, known, len(old))


class _Spool:
    """Integers that are appended, and then read from an unnamed file mapped into memory."""

    def __init__(self) -> None:
        self._file, self._recent = tempfile.TemporaryFile(), array("i")  # noqa: SIM115 (closed below)
        self.count = 0

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # what is mapped stays

    def extend(self, values: list[int] | np.ndarray) -> None:
        """Append values."""
        if isinstance(values, np.ndarray):
            self._recent.frombytes(values.astype("int32", copy=False).tobytes())
        else:
            self._recent.extend(values)
        self.count += len(values)
        if len(self._recent) >= _BLOCK:
            self._flush()

    def read(self) -> np.ndarray:
        """Return all values, int32 `(N,)`; the file vanishes with the array."""
        self._flush()
        self._file.flush()
        if not self.count:
            return np.zeros(0, "int32")
        return np.memmap(self._file, "int32", "r")

    def _flush(self) -> None:
        with writing(Path(tempfile.gettempdir()), "the words of the corpus"):
            self._recent.tofile(self._file)
        self._recent = array("i")


def _renumber(
    old: np.ndarray, lengths: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the new ids of all words that have one, and how many of them each text has."""
    known, done, start = np.zeros(len(lengths), "int64"), 0, 0
    with _Spool() as ids:
        while start < len(lengths):
            ends = np.cumsum(lengths[start : start + _BLOCK], dtype="int64")
            stop = start + max(int(np.searchsorted(ends, _BLOCK, "right")), 1)
            ends = ends[: stop - start]
            block = new[old[done : done + int(ends[-1])]]
            before = np.concatenate([[0], np.cumsum(block >= 0)])
            known[start:stop] = np.diff(before[ends], prepend=0)
            ids.extend(block[block >= 0])
            start, done = stop, done + int(ends[-1])
        return ids.read(), known


def _frequent(
    words: list[str], ids: np.ndarray, min_count: int, texts: int
) -> tuple[Frequencies, np.ndarray]:
    """Return the frequent words, and for each old id the new one, or -1."""
    counts = np.zeros(len(words), "int64")
    for start in range(0, len(ids), _BLOCK):
        counts += np.bincount(ids[start : start + _BLOCK], minlength=len(words))
    order = np.argsort(-counts, kind="stable")  # of equal counts, the first to occur
    order = order[: np.searchsorted(-counts[order], -min_count, "right")]
    if not len(order):
        most = int(counts.argmax())
        raise InputError(
            f"No word of the {texts} texts occurs min_count={min_count} times (the most frequent, "
            f"{quote(words[most])}, occurs {counts[most]} times): lower min_count or give more "
            "text."
        )
    new = np.full(len(words), -1, "int32")
    new[order] = np.arange(len(order))
    return Frequencies([words[i] for i in order], counts[order]), new
