"""What word2vec makes of how often words occur: which are kept, which are noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Frequencies:
    """The words of a corpus, the most frequent first.

    Attributes:
        words: V of them; of two with the same count the one that came first.
        counts: `(V,)`, how often each occurs.

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
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

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
    def noise_shares(self) -> np.ndarray:
        """The probability of each word as a noise word, `(V,)`: `P(w) ~ n_w^0.75`.

        Source: Mikolov et al. 2013, arXiv:1310.4546, section 2.2.
        """
        shares = self.counts.astype("float64") ** 0.75
        return shares / shares.sum()

    @cached_property
    def _alias(self) -> tuple[np.ndarray, np.ndarray]:
        """Walker's tables: a place, drawn evenly, gives its own word or else its alias.

        A draw then takes the same time for any V, where a search takes `log2 V` steps.
        """
        heights = self.noise_shares * len(self.words)
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

    def noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw noise words, each with its share in `noise_shares`.

        Args:
            shape: how many.
            rng: the generator.

        Returns:
            Their numbers, int32, of that shape.

        Source: Walker 1977, An Efficient Method for Generating Discrete Random Variables, ACM TOMS.

        Example:
            >>> known = Frequencies(["a", "b"], np.array([9, 1]))
            >>> known.noise((2, 3), np.random.default_rng(0)).shape
            (2, 3)
        """
        keep, alias = self._alias
        places = rng.integers(0, len(self.words), shape, "int32")
        return np.where(rng.random(shape, "float32") < keep[places], places, alias[places])
