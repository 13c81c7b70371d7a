"""The tree of hierarchical softmax: frequent words lie near its root."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnkit.errors import InputError


class Tree(NamedTuple):
    """The path from the root to each of V words, through V - 1 inner nodes.

    Args:
        nodes: int32 `(V, L)`, the inner nodes that a path passes, the root first; 0 behind its end.
        turns: bool `(V, L)`, where it turns right at them; False behind its end.
        lengths: int32 `(V,)`, how many nodes it passes; L is the largest.
    """

    nodes: np.ndarray
    turns: np.ndarray
    lengths: np.ndarray

    @property
    def there(self) -> np.ndarray:
        """Where a path has a node, and where its end lies before, bool `(V, L)`."""
        return np.arange(self.nodes.shape[1]) < self.lengths[:, None]


def huffman(counts: np.ndarray) -> Tree:
    """Return the binary tree whose mean path is the shortest, `min Σ_w n_w l_w`.

    With hierarchical softmax a word costs one logistic regression for each node of its path,
    `P(w | v) = Π_j σ(±u_j · v)`: about `log2 V` of them, fewer for a frequent word.

    Args:
        counts: how often each word occurs, `(V,)`, positive, the most frequent first; V >= 2.

    Returns:
        `Tree`. Of two nodes with the same count the word comes before the inner node.

    Raises:
        InputError: fewer than two words, or counts that are not in this order.

    Source: Huffman 1952, A Method for the Construction of Minimum-Redundancy Codes; van Leeuwen
    1976 for the two queues; Mikolov et al. 2013, arXiv:1301.3781.

    Example:
        >>> huffman(np.array([8, 3, 2, 1])).lengths.tolist()
        [1, 2, 3, 3]
    """
    counts = np.asarray(counts)
    words = len(counts)
    if words < 2 or counts[-1] <= 0 or (np.diff(counts) > 0).any():
        raise InputError(
            f"huffman: got {words} counts; expected at least two, positive, the largest first."
        )
    parents, right = _join(counts.astype("int64"))
    place, nodes, turns = np.arange(words), [], []
    root = 2 * words - 2
    while (place != root).any():
        nodes.append(np.where(place == root, -1, parents[place] - words))
        turns.append(right[place] & (place != root))
        place = np.where(place == root, root, parents[place])
    from_leaf = np.array(nodes).T
    lengths = (from_leaf >= 0).sum(1)
    # Paths were walked up; they are wanted from the root down. The root is node 0.
    step = np.arange(from_leaf.shape[1])
    place = np.maximum(lengths[:, None] - 1 - step, 0)
    there = step < lengths[:, None]
    down = words - 2 - np.take_along_axis(from_leaf, place, 1)
    turned = np.take_along_axis(np.array(turns).T, place, 1)
    return Tree(np.where(there, down, 0).astype("int32"), turned & there, lengths.astype("int32"))


def _join(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join the two rarest nodes until one is left; return each node's parent and side.

    Words are the nodes 0 to V - 1; inner nodes follow in the order in which they are made, and
    their counts never fall: so the rarest stands at the head of one of two queues.
    """
    words = len(counts)
    totals = np.concatenate([counts, np.zeros(words - 1, "int64")]).tolist()
    parents, right = [0] * (2 * words - 1), [False] * (2 * words - 1)
    word, inner = words - 1, words
    for new in range(words, 2 * words - 1):
        for side in (False, True):
            takes_word = word >= 0 and (inner >= new or totals[word] <= totals[inner])
            rarest = word if takes_word else inner
            word, inner = (word - 1, inner) if takes_word else (word, inner + 1)
            parents[rarest], right[rarest] = new, side
            totals[new] += totals[rarest]
    return np.array(parents), np.array(right)
