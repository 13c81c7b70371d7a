"""Per-batch inputs of adaptive softmax (tail-cluster positions) and sampled softmax (negatives)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.errors import InputError


def check_cutoffs(cutoffs: Sequence[int], words: int) -> tuple[int, ...]:
    """Return the cutoffs of an adaptive softmax: where its head and all clusters but the last end.

    They have to rise from 2 to below the size of the vocabulary.

    Example:
        >>> check_cutoffs([2000, 10000], 33280)
        (2000, 10000)
    """
    found = tuple(int(cutoff) for cutoff in cutoffs)
    if not found or list(found) != sorted(set(found)) or found[0] < 2 or found[-1] >= words:
        raise InputError(
            f"cutoffs are {tuple(cutoffs)}: expected rising word ids from 2 to below the size of "
            f"the vocabulary, {words}."
        )
    return found


class ClusterTargets:
    """The positions of a window whose target is in each tail cluster of an adaptive softmax.

    The scores of a cluster are computed at these positions alone. Shapes are fixed for compilers:
    the arrays have room for a quarter more positions than any window so far had, filled with -1.

    Args:
        cutoffs: the first word of each tail cluster.

    Example:
        >>> positions = ClusterTargets((3, 5))
        >>> targets = np.array([[1, 4, 2], [6, 3, 0]])
        >>> [row[:3].tolist() for row in positions(targets, np.ones((2, 3)), None)]
        [[1, 4, -1], [3, -1, -1]]
    """

    def __init__(self, cutoffs: Sequence[int]) -> None:
        self.cutoffs = tuple(cutoffs)
        self._room = [0] * len(self.cutoffs)

    def __call__(
        self, targets: np.ndarray, weights: np.ndarray, random: np.random.Generator | None
    ) -> tuple[np.ndarray, ...]:
        """Return int32 `(room,)` for each tail cluster: positions in the `B k` targets, then -1."""
        del random
        flat = np.where(weights > 0, targets, 0).reshape(-1)
        ends = (*self.cutoffs[1:], np.inf)
        found = []
        for i, (first, end) in enumerate(zip(self.cutoffs, ends, strict=True)):
            places = np.flatnonzero((flat >= first) & (flat < end))
            if len(places) > self._room[i]:
                self._room[i] = min(flat.size, -(-len(places) * 5 // (4 * 32)) * 32)
            row = np.full(max(self._room[i], 1), -1, "int32")
            row[: len(places)] = places
            found.append(row)
        return tuple(found)


class NegativeSampler:
    """Negative samples of a sampled softmax: rare words drawn uniformly, shared by a window.

    Args:
        frequent: the number of frequent words, which are never sampled.
        words: V.
        samples: the number of samples.

    Raises:
        InputError: there are no rare words, or fewer than `samples`.

    Example:
        >>> draw = NegativeSampler(100, 1000, 8)
        >>> (sample,) = draw(None, None, np.random.default_rng(0))
        >>> sample.shape, bool(sample.min() >= 100)
        ((8,), True)
    """

    def __init__(self, frequent: int, words: int, samples: int) -> None:
        if not 2 <= frequent < words or not 1 <= samples <= words - frequent:
            raise InputError(
                f"A sampled softmax of {words} words: {frequent} frequent ones and {samples} "
                f"samples; expected 2 to {words - 1} frequent ones, and 1 sample to as many as "
                "there are rare words. Use softmax='full' for a small vocabulary."
            )
        self.frequent, self.words, self.samples = frequent, words, samples

    def __call__(
        self, targets: np.ndarray | None, weights: np.ndarray | None, random: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        """Return int32 `(samples,)`, without repetition."""
        del targets, weights
        drawn = random.choice(self.words - self.frequent, self.samples, replace=False)
        return ((self.frequent + drawn).astype("int32"),)
