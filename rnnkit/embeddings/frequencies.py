"""What word2vec makes of how often words occur: which are kept, which are noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnkit.errors import InputError


@dataclass(frozen=True)
class Frequencies:
    """The words of a corpus, the most frequent first.

    Attributes:
        words: V of them; of two with the same count the one that came first.
        counts: `(V,)`, how often each occurs.
    """

    words: list[str]
    counts: np.ndarray

    @classmethod
    def learn(cls, corpus: Iterable[Sequence[str]], min_count: int = 5) -> Frequencies:
        """Count the words of a corpus.

        Args:
            corpus: tokenised texts.
            min_count: rarer words are left out.

        Raises:
            InputError: an empty corpus, or no word that is frequent enough.

        Example:
            >>> Frequencies.learn([["a", "b"], ["a", "c", "b", "a"]], min_count=2).words
            ['a', 'b']
        """
        found: Counter[str] = Counter()
        texts = 0
        for tokens in corpus:
            found.update(tokens)
            texts += 1
        if not found:
            raise InputError(f"The corpus of {texts} texts holds no word; give texts with words.")
        kept = [(word, count) for word, count in found.most_common() if count >= min_count]
        if not kept:
            raise InputError(
                f"No word of the corpus of {texts} texts occurs min_count={min_count} times (the "
                f"most frequent one, {found.most_common(1)[0][0]!r}, occurs "
                f"{found.most_common(1)[0][1]} times): lower min_count or give more text."
            )
        words, counts = zip(*kept, strict=True)
        return cls(list(words), np.array(counts, "int64"))

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Return the numbers of the words of a text, int32; words that are not known are left out.

        Example:
            >>> Frequencies(["a", "b"], np.array([2, 1])).encode(["b", "x", "a"]).tolist()
            [1, 0]
        """
        index = self.index
        return np.array([index[token] for token in tokens if token in index], "int32")

    def keep(self, sample: float) -> np.ndarray:
        """Return the probability with which each occurrence of a word is kept, `(V,)`.

        `min(1, sqrt(t / f) + t / f)`, f the word's share of all words and t the sample: what is
        much more frequent than t is thinned out.

        Args:
            sample: t, such as 1e-3; 0 keeps all.

        Source: the word2vec program; Mikolov et al. 2013, arXiv:1310.4546, gives `sqrt(t / f)`.

        Example:
            >>> Frequencies(["the", "of"], np.array([96, 4])).keep(0.01).round(3).tolist()
            [0.112, 0.75]
        """
        if not sample:
            return np.ones(len(self.counts))
        ratio = sample * self.counts.sum() / self.counts
        return np.minimum(1.0, np.sqrt(ratio) + ratio)

    @cached_property
    def _noise_bounds(self) -> np.ndarray:
        shares = self.counts.astype("float64") ** 0.75
        bounds = np.cumsum(shares / shares.sum())
        bounds[-1] = 1.0
        return bounds

    def noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw noise words, `P(w) ~ n_w^0.75`.

        Args:
            shape: how many.
            rng: the generator.

        Returns:
            Their numbers, int32, of that shape.

        Source: Mikolov et al. 2013, arXiv:1310.4546, section 2.2.
        """
        draws = rng.random(int(np.prod(shape)), "float32")
        return np.searchsorted(self._noise_bounds, draws, "right").reshape(shape).astype("int32")
