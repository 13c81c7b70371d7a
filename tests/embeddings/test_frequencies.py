"""Rates on counts against their formulas; windows against a plain loop."""

from collections import Counter

import numpy as np
import pytest

from rnnkit.embeddings.contexts import contexts, pairs
from rnnkit.embeddings.frequencies import Frequencies
from rnnkit.errors import InputError

COUNTS = np.array([5000, 1200, 300, 80, 20, 7])
KNOWN = Frequencies(list("abcdef"), COUNTS)


def test_words_are_counted_and_the_rare_ones_left_out():
    corpus = [["b", "a", "b"], [], ["c", "a", "b", "d"]]
    found = Frequencies.learn(corpus, min_count=2)
    assert (found.words, found.counts.tolist()) == (["b", "a"], [3, 2])
    assert found.encode(corpus[2]).tolist() == [1, 0]
    assert found.encode([]).dtype == np.int32


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
        Frequencies.learn(corpus)


def test_noise_follows_the_three_quarters_power():
    drawn = KNOWN.noise((400, 1000), np.random.default_rng(0))
    shares = COUNTS**0.75 / (COUNTS**0.75).sum()
    expected = drawn.size * shares
    statistic = (np.square(np.bincount(drawn.reshape(-1), minlength=6) - expected) / expected).sum()
    assert statistic < 20.5  # chi-square, 5 degrees of freedom: 0.1 %


def test_frequent_words_are_kept_as_often_as_gensim_keeps_them():
    word2vec = pytest.importorskip("gensim.models").Word2Vec(min_count=1, sample=1e-2)
    word2vec.build_vocab_from_freq(dict(zip(KNOWN.words, COUNTS.tolist(), strict=True)))
    theirs = [word2vec.wv.get_vecattr(word, "sample_int") / (2**32 - 1) for word in KNOWN.words]
    np.testing.assert_allclose(KNOWN.keep(1e-2), np.minimum(theirs, 1), rtol=1e-6)
    assert (KNOWN.keep(0) == 1).all()


def test_windows_are_those_of_a_plain_loop():
    lengths, window = [1, 2, 9, 30], 4
    texts = np.repeat(np.arange(4), lengths)
    words = np.arange(100, 100 + len(texts), dtype="int32")  # every word once: it names its place
    found = contexts(words, texts, window, np.random.default_rng(3))
    reach = np.random.default_rng(3).integers(1, window + 1, len(words))
    wanted = Counter()
    for centre, far in enumerate(reach):
        for other in range(len(words)):
            if other != centre and abs(other - centre) <= far and texts[other] == texts[centre]:
                wanted[words[centre], words[other]] += 1
    assert Counter(zip(*map(np.ndarray.tolist, pairs(words, found)), strict=True)) == wanted
    here = found != -1
    offset = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
    assert ((found - words[:, None])[here] == np.broadcast_to(offset, found.shape)[here]).all()


def test_a_far_word_counts_less():
    words = np.arange(20_000, dtype="int32")
    found = contexts(words, np.zeros(len(words)), 5, np.random.default_rng(0))
    shares = (found != -1).mean(0)
    np.testing.assert_allclose(shares, [0.2, 0.4, 0.6, 0.8, 1, 1, 0.8, 0.6, 0.4, 0.2], atol=0.015)
