"""Blocks hold every word once, with the windows of the whole text."""

from collections import Counter

import numpy as np
import pytest

from rnnkit.embeddings.training import stream as module
from rnnkit.embeddings.training.contexts import context_windows, pad_texts
from rnnkit.embeddings.training.encoded_corpus import encode_corpus
from rnnkit.embeddings.training.stream import Stream
from rnnkit.errors import InputError

WORDS = [f"w{i}" for i in range(400)]  # every word names its place
LENGTHS = [1, 130, 0, 7, 2, 200, 3, 57]
ENDS = np.cumsum(LENGTHS)
CORPUS = encode_corpus(
    [WORDS[end - length : end] for end, length in zip(ENDS, LENGTHS, strict=True)], min_count=1
)
TEXT = np.repeat(np.arange(len(LENGTHS)), LENGTHS)


def run(size, steps, window=1, sample=0, corpus=CORPUS):
    stream = Stream(corpus, window=window, negative=3, batch_size=size, steps=steps, sample=sample)
    return list(stream.blocks(np.random.default_rng(0)))


def windows(blocks):
    """How often each word has which words around it; -1 for nothing in place of a word."""
    found = Counter()
    for block in blocks:
        for group in block.groups:
            around = group.contexts.reshape(-1, group.contexts.shape[-1])
            for word, near in zip(group.words.reshape(-1).tolist(), around.tolist(), strict=True):
                found[word, tuple(near)] += 1
    return found


def near(word, reach):
    offsets = [*range(-reach, 0), *range(1, reach + 1)]
    return tuple(
        word + o if 0 <= word + o < 400 and TEXT[word + o] == TEXT[word] else -1 for o in offsets
    )


@pytest.mark.parametrize("chunk", [1, 60, 10**6])
@pytest.mark.parametrize(("size", "steps", "window"), [(8, 4, 1), (50, 1, 3), (16, 100, 2)])
def test_no_text_is_cut_and_every_word_comes_once(monkeypatch, size, steps, window, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    blocks = run(size, steps, window)
    assert sum(block.words_read for block in blocks) == 400
    seen = Counter()
    for block in blocks:
        assert len(block.groups) == window
        for reach, group in enumerate(block.groups, start=1):
            assert group.words.shape == (steps, size)
            assert group.contexts.shape == (steps, size, 2 * reach)
            assert group.noise.shape == (steps, size, 3)
    for (word, around), times in windows(blocks).items():
        reach = len(around) // 2
        if around != near(word, reach):  # an empty place of a block that is not full
            assert (word, set(around)) == (0, {-1})
        elif word or set(around) != {-1}:
            seen[word] += times
    assert set(seen) | {0} == set(range(400))  # word 0 is a text of its own: nothing around it
    assert set(seen.values()) == {1}


def test_each_reach_is_as_frequent():
    (block, *_) = run(8, 5, 4, corpus=encode_corpus([WORDS], 1))
    there = [(group.contexts != -1).any(-1).sum() for group in block.groups]
    assert there == [40, 40, 40, 40]


def test_a_step_reads_far_apart_and_the_next_one_goes_on():
    (block,) = run(8, 10, 5, corpus=encode_corpus([WORDS], 1))
    words = np.stack([group.words for group in block.groups])  # (window, steps, size)
    assert (np.diff(words, axis=1) > 0).all()  # each place goes forward in the text
    # 400 words are read at 8 places, 50 words each; the draw of the reach moves them a little.
    expected = 50 * np.arange(8) + 5 * np.arange(10)[:, None]
    assert abs(words.mean(axis=0) - expected).max() < 50


def test_each_block_tells_how_many_words_it_read():
    assert [block.words_read for block in run(8, 4)] == [32] * 12 + [16]
    dropped = encode_corpus([["a", "x"] * 8 + ["a"] * 8], min_count=10)
    assert [block.words_read for block in run(8, 1, corpus=dropped)] == [12, 12]
    assert [block.words_read for block in run(8, 1, corpus=encode_corpus([["a"]], 1))] == [1]


def test_a_corpus_longer_than_a_chunk_is_reported_in_full(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 100)
    corpus = encode_corpus([["a", "b", "x", "c"] * 30] * 20 + [["y"] * 4], min_count=300)
    assert corpus.total_words == 2404
    blocks = run(16, 2, 2, corpus=corpus)
    assert sum(block.words_read for block in blocks) == 2404
    assert max(block.words_read for block in blocks) <= 100


def test_frequent_words_are_thinned_out_before_the_windows():
    corpus = encode_corpus([WORDS * 20], 1)
    kept = run(64, 4, window=5, sample=2e-4, corpus=corpus)
    keep = corpus.frequencies.keep_probabilities(2e-4)[0]
    count = sum((group.contexts != -1).any(-1).sum() for block in kept for group in block.groups)
    assert keep < 0.9
    assert abs(count / 8000 - keep) < 4 * np.sqrt(keep / 8000)


def test_windows_are_those_of_a_plain_loop():
    words = np.arange(400, dtype="int32")
    row = pad_texts(words, TEXT, 3)
    places = np.flatnonzero(row >= 0)
    assert row[places].tolist() == words.tolist()
    for reach in (1, 2, 3):
        wanted = [near(word, reach) for word in words.tolist()]
        assert context_windows(row, places, reach).tolist() == list(map(list, wanted))


def test_a_corpus_is_encoded_in_one_reading():
    texts = iter([["b", "a", "b"], [], ["c", "a", "b", "d"]])
    found = encode_corpus(texts, min_count=2)
    assert (found.frequencies.words, found.frequencies.counts.tolist()) == (["b", "a"], [3, 2])
    assert (found.ids.tolist(), found.text_lengths.tolist(), found.total_words) == (
        [0, 1, 0, 1, 0],
        [3, 0, 2],
        7,
    )
    again = encode_corpus([["d", "a"]], frequencies=found.frequencies)
    assert (again.ids.tolist(), again.text_lengths.tolist(), again.total_words) == ([1], [1], 2)


def test_the_fingerprint_tells_corpora_apart():
    texts = [["a", "b"], ["b"]]
    same, *others = [
        encode_corpus(corpus, 1).fingerprint
        for corpus in (texts, [["a", "b", "b"]], [["a"], ["b", "b"]], [["b", "a"], ["b"]])
    ]
    assert encode_corpus(texts, 1).fingerprint == same
    assert len({same, *others}) == 4


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ([], "corpus of 0 texts holds no word"),
        ([[], []], "corpus of 2 texts holds no word"),
        ([["a", "a"], ["b"]], "min_count=5 times .*'a', occurs 2 times"),
    ],
)
def test_a_corpus_without_words_is_refused(corpus, message):
    with pytest.raises(InputError, match=message):
        encode_corpus(corpus)


def test_a_corpus_of_other_words_is_refused():
    with pytest.raises(InputError, match="None of the 1 words"):
        encode_corpus([["x"]], frequencies=CORPUS.frequencies)
