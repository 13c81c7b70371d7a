"""A corpus as word ids in memory, read once and used in every epoch."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.errors import InputError, quote
from rnnkit.progress import Bar

_UPDATE_EVERY = 200_000  # words between two updates of the progress bar


@dataclass(frozen=True)
class EncodedCorpus:
    """The words of a corpus as ids, 4 bytes each.

    Attributes:
        frequencies: the vocabulary, with counts.
        ids: int32 `(N,)`, the ids of all texts in a row, without out-of-vocabulary words.
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
        digest.update(self.ids.tobytes())
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
    found, lengths, shown = array("i"), array("q"), 0
    with Bar("Reading words") as bar:
        for tokens in corpus:
            found.extend([index.setdefault(token, len(index)) for token in tokens])
            lengths.append(len(tokens))
            if len(found) - shown > _UPDATE_EVERY:
                shown = len(found)
                bar.describe(f"Reading words: {shown:,}")
    if not len(found):
        raise InputError(
            f"The corpus of {len(lengths)} texts holds no word; give texts with words."
        )
    ids = np.frombuffer(found, "int32")
    if frequencies is None:
        frequencies, new = _frequent(list(index), ids, min_count, len(lengths))
    else:
        new = np.array([frequencies.index.get(word, -1) for word in index], "int32")
        if (new < 0).all():
            raise InputError(
                f"None of the {len(index):,} words of the corpus is among the {len(frequencies):,} "
                "of the model: was it trained on another language or pipeline?"
            )
    ids, total = new[ids], len(ids)
    ends = np.cumsum(np.frombuffer(lengths, "int64"))
    known_before = np.concatenate([[0], np.cumsum(ids >= 0)])
    return EncodedCorpus(frequencies, ids[ids >= 0], np.diff(known_before[ends], prepend=0), total)


def _frequent(
    words: list[str], ids: np.ndarray, min_count: int, texts: int
) -> tuple[Frequencies, np.ndarray]:
    """Return the frequent words, and for each old id the new one, or -1."""
    counts = np.bincount(ids, minlength=len(words))
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
