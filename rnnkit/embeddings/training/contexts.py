"""Which words stand around which: the windows that word2vec learns from."""

from __future__ import annotations

import numpy as np

NONE = -1  # in place of a word that is not there


def spaced(words: np.ndarray, texts: np.ndarray, window: int) -> np.ndarray:
    """Return texts in a row with a gap before, between and behind them that no window reaches over.

    Args:
        words: int32 `(N,)`, the numbers of the words of some texts.
        texts: `(N,)`, the number of the text of each, rising.
        window: the largest distance.

    Returns:
        int32, -1 in the gaps, each `window` wide.

    Example:
        >>> spaced(np.array([5, 6, 7]), np.array([0, 0, 3]), 1).tolist()
        [-1, 5, 6, -1, 7, -1]
    """
    texts_before = np.concatenate([[0], np.cumsum(np.diff(texts) > 0)]) if len(texts) else texts
    gaps = int(texts_before[-1]) + 2 if len(texts) else 1
    row = np.full(len(words) + gaps * window, NONE, "int32")
    row[np.arange(len(words)) + (texts_before + 1) * window] = words
    return row


def contexts(row: np.ndarray, places: np.ndarray, reach: int) -> np.ndarray:
    """Return the words around some places of a row, at a distance of at most `reach`.

    word2vec draws the reach of each word anew, `b ~ U{1..window}`: so a word at the distance d
    counts with the weight `(window - d + 1) / window`.

    Args:
        row: what `spaced` returned, for a window of at least `reach`.
        places: `(N,)`, where the words stand in it.
        reach: b.

    Returns:
        int32 `(N, 2 * reach)`, from the earliest to the latest; -1 where there is none.

    Source: Mikolov et al. 2013, arXiv:1301.3781, section 3.2.

    Example:
        >>> contexts(np.array([-1, 5, 6, 7, -1]), np.array([1, 2]), 1).tolist()
        [[-1, 6], [5, 7]]
    """
    distances = np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])
    return row[places[:, None] + distances]
