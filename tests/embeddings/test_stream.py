"""Blocks hold every word once, with the windows of the whole text."""

import numpy as np
import pytest

from rnnkit.embeddings.frequencies import Frequencies
from rnnkit.embeddings.stream import Stream

WORDS = [f"w{i}" for i in range(400)]
KNOWN = Frequencies(WORDS, np.full(400, 10))  # every word names its place
LENGTHS = [1, 130, 0, 7, 2, 200, 3, 57]


def corpus():
    ends = np.cumsum(LENGTHS)
    return [WORDS[end - length : end] for end, length in zip(ends, LENGTHS, strict=True)]


def run(size, steps, window=1, **options):
    stream = Stream(
        KNOWN, window=window, negative=3, size=size, steps=steps, **{"sample": 0, **options}
    )
    return list(stream.blocks(corpus(), np.random.default_rng(0)))


@pytest.mark.parametrize(("size", "steps"), [(8, 4), (50, 1), (16, 100), (7, 3)])
def test_no_text_is_cut_and_no_word_comes_twice(size, steps):
    blocks = run(size, steps)
    assert {block.words.shape for block in blocks} == {(steps, size)}
    assert {block.noise.shape for block in blocks} == {(steps, size, 3)}
    assert sum(block.read for block in blocks) == 400
    words = np.concatenate([block.words.reshape(-1) for block in blocks])
    around = np.concatenate([block.around.reshape(-1, 2) for block in blocks])
    assert words[:400].tolist() == list(range(400))
    assert not words[400:].any()
    assert (around[400:] == -1).all()
    # With a window of 1 the neighbours are certain: all but those beyond a text's ends.
    text = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    before = np.where(np.r_[False, text[1:] == text[:-1]], np.arange(400) - 1, -1)
    after = np.where(np.r_[text[1:] == text[:-1], False], np.arange(400) + 1, -1)
    np.testing.assert_array_equal(around[:400], np.stack([before, after], 1))


def test_frequent_words_are_thinned_out_before_the_windows():
    kept = run(64, 4, window=5, sample=1e-4)
    keep = KNOWN.keep(1e-4)[0]
    count = sum((block.around != -1).any(-1).sum() for block in kept)
    assert abs(count / 400 - keep) < 4 * np.sqrt(keep / 400)


def test_words_that_are_not_known_are_left_out_and_counted():
    stream = Stream(KNOWN, window=1, negative=1, sample=0, size=4, steps=1)
    (block,) = stream.blocks([["w3", "nobody", "w4"]], np.random.default_rng(0))
    assert block.read == 3
    assert block.around[0].tolist() == [[-1, 4], [3, -1], [-1, -1], [-1, -1]]
    assert list(stream.blocks([], np.random.default_rng(0))) == []
