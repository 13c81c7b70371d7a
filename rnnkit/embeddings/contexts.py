"""Which words stand around which: the windows that word2vec learns from."""

from __future__ import annotations

import numpy as np

NONE = -1  # in place of a context word that is not there


def contexts(
    words: np.ndarray, texts: np.ndarray, window: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the words around each word, at a distance of at most b, `b ~ U{1..window}`.

    The window shrinks by chance for each word anew: so a word at the distance d counts with the
    weight `(window - d + 1) / window`.

    Args:
        words: int32 `(N,)`, the numbers of the words of some texts in a row.
        texts: `(N,)`, the number of the text of each, in the same order: no window goes beyond.
        window: the largest distance.
        rng: draws the distances.

    Returns:
        int32 `(N, 2 * window)`, from the earliest to the latest; -1 where there is none.

    Source: Mikolov et al. 2013, arXiv:1301.3781, section 3.2.

    Example:
        >>> contexts(np.array([5, 6, 7]), np.zeros(3), 1, np.random.default_rng(0)).tolist()
        [[-1, 6], [5, 7], [6, -1]]
    """
    count = len(words)
    reach = rng.integers(1, window + 1, count)
    found = np.full((count, 2 * window), NONE, "int32")
    for distance in range(1, min(window, count - 1) + 1):
        near = texts[distance:] == texts[:-distance]
        before = near & (reach[distance:] >= distance)
        after = near & (reach[:-distance] >= distance)
        found[distance:, window - distance] = np.where(before, words[:-distance], NONE)
        found[:-distance, window + distance - 1] = np.where(after, words[distance:], NONE)
    return found


def pairs(words: np.ndarray, around: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each word with each word around it, for skip-gram.

    Args:
        words: int32 `(N,)`.
        around: what `contexts` returned for them.

    Returns:
        The centre and the context word of each pair, int32 `(P,)` each.

    Example:
        >>> centre, context = pairs(np.array([5, 6]), np.array([[-1, 6], [5, -1]]))
        >>> list(zip(centre.tolist(), context.tolist()))
        [(5, 6), (6, 5)]
    """
    place, column = np.nonzero(around != NONE)
    return words[place], around[place, column]
