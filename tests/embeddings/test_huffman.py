"""The tree against a heap that knows only the sums, and against what every prefix code obeys."""

import heapq

import numpy as np
import pytest

from rnnkit.embeddings.training.huffman import huffman_tree
from rnnkit.errors import InputError


def least_cost(counts):
    """The cost of the best tree: the sum of all joined counts (no tree is built)."""
    heap, cost = list(map(int, counts)), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        cost += joined
        heapq.heappush(heap, joined)
    return cost


def draw(kind, words):
    rng = np.random.default_rng(words)
    if kind == "zipf":
        counts = (1e6 / np.arange(1, words + 1)).astype(int)
    elif kind == "equal":
        counts = np.full(words, 7)
    elif kind == "powers":
        counts = 2 ** np.arange(words)[::-1] if words < 40 else np.arange(words, 0, -1)
    else:
        counts = rng.integers(1, 1000, words)
    return np.sort(np.maximum(counts, 1))[::-1]


@pytest.mark.parametrize("words", [2, 3, 8, 33, 1000])
@pytest.mark.parametrize("kind", ["zipf", "equal", "powers", "uniform"])
def test_the_tree_is_the_best_there_is(kind, words):
    counts = draw(kind, words)
    tree = huffman_tree(counts)
    assert (counts * tree.lengths).sum() == least_cost(counts)
    assert sum(0.5 ** tree.lengths.astype(float)) == pytest.approx(1)  # Kraft: no leaf is empty
    assert (np.diff(tree.lengths) >= 0).all()  # a rarer word is never nearer


def test_paths_lead_from_the_root_to_one_word_each():
    counts = draw("zipf", 300)
    tree = huffman_tree(counts)
    paths = set()
    children = {}
    for word, length in enumerate(tree.lengths):
        nodes, codes = tree.nodes[word, :length], tree.codes[word, :length]
        assert nodes[0] == 0
        assert not tree.nodes[word, length:].any()
        assert not tree.codes[word, length:].any()
        paths.add(tuple(codes.tolist()))
        ends = [*nodes[1:].tolist(), f"word {word}"]
        for node, code, end in zip(nodes.tolist(), codes.tolist(), ends, strict=True):
            assert children.setdefault((node, code), end) == end
    assert len(paths) == 300
    assert len(children) == 2 * 299  # two ways at each inner node
    assert {node for node, _ in children} == set(range(299))


@pytest.mark.parametrize("counts", [[], [3], [1, 2], [2, 0]])
def test_counts_that_make_no_tree_are_refused(counts):
    with pytest.raises(InputError, match="expected at least two, positive, the largest first"):
        huffman_tree(np.array(counts))
