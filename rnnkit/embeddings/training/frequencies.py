"""Word frequencies: subsampling of frequent words and the noise distribution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Frequencies:
    """Words and their counts, the most frequent first.

    Attributes:
        words: V words; of equal counts the one that occurred first comes first.
        counts: `(V,)`, occurrences of each.

    Example:
        >>> Frequencies(["a", "b"], np.array([2, 1])).index
        {'a': 0, 'b': 1}
    """

    words: list[str]
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of each word: its rank."""
        return {word: rank for rank, word in enumerate(self.words)}

    def keep_probabilities(self, sample: float) -> np.ndarray:
        """Subsampling of frequent words: return the probability of keeping an occurrence, `(V,)`.

        `min(1, sqrt(t / f) + t / f)` with f the relative frequency of the word.

        Args:
            sample: the threshold t, such as 1e-3; 0 keeps all.

        Source: the word2vec program; Mikolov et al. 2013, arXiv:1310.4546, gives `sqrt(t / f)`.

        Example:
            >>> known = Frequencies(["the", "of"], np.array([96, 4]))
            >>> known.keep_probabilities(0.01).round(3).tolist()
            [0.112, 0.75]
        """
        if not sample:
            return np.ones(len(self.counts))
        ratio = sample * self.counts.sum() / self.counts
        return np.minimum(1.0, np.sqrt(ratio) + ratio)

    @cached_property
    def noise_distribution(self) -> np.ndarray:
        """The noise distribution of negative sampling, `(V,)`: unigram^0.75, `P(w) ~ n_w^0.75`.

        Source: Mikolov et al. 2013, arXiv:1310.4546, section 2.2.
        """
        weights = self.counts.astype("float64") ** 0.75
        return weights / weights.sum()

    @cached_property
    def _alias_table(self) -> tuple[np.ndarray, np.ndarray]:
        """Walker's alias method, O(1): probability of keeping a uniform draw, and its alias."""
        heights = self.noise_distribution * len(self.words)
        keep, alias = np.ones(len(heights)), np.arange(len(heights))
        low = np.flatnonzero(heights < 1).tolist()
        high = np.flatnonzero(heights >= 1).tolist()
        left = heights.tolist()
        while low and high:
            short, tall = low.pop(), high[-1]
            keep[short], alias[short] = left[short], tall
            left[tall] -= 1 - left[short]
            if left[tall] < 1:
                low.append(high.pop())
        return keep.astype("float32"), alias.astype("int32")

    def sample_noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw int32 ids of noise words from the noise distribution, by the alias method.

        Args:
            shape: shape of the result.
            rng: the generator.

        Source: Walker 1977, An Efficient Method for Generating Discrete Random Variables, ACM TOMS.

        Example:
            >>> known = Frequencies(["a", "b"], np.array([9, 1]))
            >>> known.sample_noise((2, 3), np.random.default_rng(0)).shape
            (2, 3)
        """
        keep, alias = self._alias_table
        drawn = rng.integers(0, len(self.words), shape, "int32")
        return np.where(rng.random(shape, "float32") < keep[drawn], drawn, alias[drawn])
