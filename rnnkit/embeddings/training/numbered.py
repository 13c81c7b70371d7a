"""A corpus as numbers: read once, counted, and read from memory in each epoch."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.errors import InputError
from rnnkit.progress import Bar

EVERY = 200_000  # words between two looks at the progress bar


@dataclass(frozen=True)
class Numbered:
    """The known words of a corpus, 4 bytes each.

    Attributes:
        frequencies: which they are, and how often they occur.
        words: int32 `(N,)`, their numbers, all texts in a row; unknown ones are left out.
        lengths: int64, how many of them each text has.
        read: how many words the corpus has, unknown ones among them.
    """

    frequencies: Frequencies
    words: np.ndarray
    lengths: np.ndarray
    read: int

    @property
    def fingerprint(self) -> str:
        """A name for these words in this order: 32 hexadecimal digits."""
        digest = hashlib.sha256("\n".join(self.frequencies.words).encode("utf-8", "surrogatepass"))
        digest.update(self.words.tobytes())
        digest.update(self.lengths.tobytes())
        return digest.hexdigest()[:32]


def number(
    corpus: Iterable[Sequence[str]],
    min_count: int = 5,
    frequencies: Frequencies | None = None,
) -> Numbered:
    """Read a corpus once: count its words, leave the rare ones out, number the others.

    Args:
        corpus: tokenised texts.
        min_count: rarer words are left out.
        frequencies: the words to keep instead, with the counts that they are to have.

    Raises:
        InputError: an empty corpus, or no word that is frequent enough.

    Example:
        >>> found = number([["a", "b"], ["a", "c", "b", "a"]], min_count=2)
        >>> found.frequencies.words, found.words.tolist(), found.lengths.tolist(), found.read
        (['a', 'b'], [0, 1, 0, 1, 0], [2, 3], 6)
    """
    index: dict[str, int] = {}
    numbers, lengths, shown = array("i"), array("q"), 0
    with Bar("Reading words") as bar:
        for tokens in corpus:
            numbers.extend([index.setdefault(token, len(index)) for token in tokens])
            lengths.append(len(tokens))
            if len(numbers) - shown > EVERY:
                shown = len(numbers)
                bar.describe(f"Reading words: {shown:,}")
    if not len(numbers):
        raise InputError(
            f"The corpus of {len(lengths)} texts holds no word; give texts with words."
        )
    words = np.frombuffer(numbers, "int32")
    if frequencies is None:
        frequencies, new = _frequent(list(index), words, min_count, len(lengths))
    else:
        new = np.array([frequencies.index.get(word, -1) for word in index], "int32")
        if (new < 0).all():
            raise InputError(
                f"None of the {len(index):,} words of the corpus is among the {len(frequencies):,} "
                "that the model knows: was it trained on another language or pipeline?"
            )
    words, read = new[words], len(words)
    ends = np.cumsum(np.frombuffer(lengths, "int64"))
    known_before = np.concatenate([[0], np.cumsum(words >= 0)])
    return Numbered(frequencies, words[words >= 0], np.diff(known_before[ends], prepend=0), read)


def _frequent(
    found: list[str], words: np.ndarray, min_count: int, texts: int
) -> tuple[Frequencies, np.ndarray]:
    """Return the frequent words, and for each word found its new number, or -1."""
    counts = np.bincount(words, minlength=len(found))
    order = np.argsort(-counts, kind="stable")  # of equal ones the first that came
    order = order[: np.searchsorted(-counts[order], -min_count, "right")]
    if not len(order):
        most = int(counts.argmax())
        raise InputError(
            f"No word of the corpus of {texts} texts occurs min_count={min_count} times (the most "
            f"frequent one, {found[most]!r}, occurs {counts[most]} times): lower min_count or give "
            "more text."
        )
    new = np.full(len(found), -1, "int32")
    new[order] = np.arange(len(order))
    return Frequencies([found[i] for i in order], counts[order]), new
