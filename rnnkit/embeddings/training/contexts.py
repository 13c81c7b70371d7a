"""Context windows of word2vec."""

from __future__ import annotations

import numpy as np

from rnnkit.deprecation import renamed_names

PADDING = -1  # no word at this position


def pad_texts(ids: np.ndarray, texts: np.ndarray, window: int) -> np.ndarray:
    """Concatenate texts with padding between them, so that no context window crosses a boundary.

    Args:
        ids: int32 `(N,)`, the word ids of some texts.
        texts: `(N,)`, the index of the text of each word, ascending.
        window: the largest distance.

    Returns:
        int32, with `window` times -1 before, between and after the texts.

    Example:
        >>> pad_texts(np.array([5, 6, 7]), np.array([0, 0, 3]), 1).tolist()
        [-1, 5, 6, -1, 7, -1]
    """
    texts_before = np.concatenate([[0], np.cumsum(np.diff(texts) > 0)]) if len(texts) else texts
    gaps = int(texts_before[-1]) + 2 if len(texts) else 1
    row = np.full(len(ids) + gaps * window, PADDING, "int32")
    row[np.arange(len(ids)) + (texts_before + 1) * window] = ids
    return row


def context_windows(row: np.ndarray, positions: np.ndarray, window: int) -> np.ndarray:
    """Return the context words at some positions, up to a distance of `window`.

    word2vec draws a reduced window `b ~ U{1..window}` for each word: a distance d has the weight
    `(window - d + 1) / window`.

    Args:
        row: what `pad_texts` returned, for a window of at least `window`.
        positions: `(N,)`, indices of the centre words in it.
        window: the reduced window, b.

    Returns:
        int32 `(N, 2 * window)`, in the order of the text; -1 for no word.

    Source: Mikolov et al. 2013, arXiv:1301.3781, section 3.2.

    Example:
        >>> context_windows(np.array([-1, 5, 6, 7, -1]), np.array([1, 2]), 1).tolist()
        [[-1, 6], [5, 7]]
    """
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    return row[positions[:, None] + offsets]


__getattr__ = renamed_names(__name__, {"spaced": "pad_texts", "contexts": "context_windows"})
