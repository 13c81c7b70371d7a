"""The Huffman tree of hierarchical softmax."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError


class HuffmanTree(NamedTuple):
    """The Huffman code and path of each of V words, through V - 1 inner nodes.

    Attributes:
        nodes: int32 `(V, L)`, the inner nodes from the root to the word; 0 beyond the path's end.
        codes: bool `(V, L)`, the Huffman code: True = right child; False beyond its end.
        lengths: int32 `(V,)`, code lengths; L is the largest.
    """

    nodes: np.ndarray
    codes: np.ndarray
    lengths: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """True where a path has a node, bool `(V, L)`."""
        return np.arange(self.nodes.shape[1]) < self.lengths[:, None]


def huffman_tree(counts: np.ndarray) -> HuffmanTree:
    """Build the Huffman tree: the binary tree of the shortest mean code, `min Σ_w n_w l_w`.

    With hierarchical softmax a word costs one logistic regression per node of its path,
    `P(w | v) = Π_j σ(±u_j · v)`: about `log2 V` of them, fewer for a frequent word.

    Of two nodes with the same count the word is merged before the inner node.

    Args:
        counts: occurrences of each word, `(V,)`, positive, the most frequent first; V >= 2.

    Raises:
        InputError: fewer than two words, or counts in another order.

    Source: Huffman 1952, A Method for the Construction of Minimum-Redundancy Codes; van Leeuwen
        1976 for the two queues; Mikolov et al. 2013, arXiv:1301.3781.

    Example:
        >>> huffman_tree(np.array([8, 3, 2, 1])).lengths.tolist()
        [1, 2, 3, 3]
    """
    counts = np.asarray(counts)
    words = len(counts)
    if words < 2 or counts[-1] <= 0 or (np.diff(counts) > 0).any():
        raise InputError(
            f"huffman_tree: got {words} counts; expected at least two, positive, the largest first."
        )
    parents, right = _merge(counts.astype("int64"))
    node, above, codes = np.arange(words), [], []
    root = 2 * words - 2
    while (node != root).any():
        above.append(np.where(node == root, -1, parents[node] - words))
        codes.append(right[node] & (node != root))
        node = np.where(node == root, root, parents[node])
    from_leaf = np.array(above).T
    lengths = (from_leaf >= 0).sum(1)
    # Reverse the paths: they start at the leaves. The root becomes node 0.
    step = np.arange(from_leaf.shape[1])
    position = np.maximum(lengths[:, None] - 1 - step, 0)
    mask = step < lengths[:, None]
    down = words - 2 - np.take_along_axis(from_leaf, position, 1)
    code = np.take_along_axis(np.array(codes).T, position, 1)
    nodes = np.where(mask, down, 0).astype("int32")
    return HuffmanTree(nodes, code & mask, lengths.astype("int32"))


def _merge(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge the two rarest nodes until one is left; return the parent and side of each node.

    Words are the nodes 0 to V - 1; inner nodes follow in the order of creation, with ascending
    counts: so the rarest node is at the head of one of two queues.
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


__getattr__ = renamed_names(__name__, {"Tree": "HuffmanTree", "huffman": "huffman_tree"})
