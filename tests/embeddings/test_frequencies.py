"""Rates on counts against their formulas."""

import numpy as np
import pytest

from rnnkit.embeddings.training.frequencies import Frequencies

COUNTS = np.array([5000, 1200, 300, 80, 20, 7])
KNOWN = Frequencies(list("abcdef"), COUNTS)


def test_noise_follows_the_three_quarters_power():
    drawn = KNOWN.sample_noise((400, 1000), np.random.default_rng(0))
    assert drawn.dtype == np.int32
    shares = COUNTS**0.75 / (COUNTS**0.75).sum()
    expected = drawn.size * shares
    statistic = (np.square(np.bincount(drawn.reshape(-1), minlength=6) - expected) / expected).sum()
    assert statistic < 20.5  # chi-square, 5 degrees of freedom: 0.1 %


def test_frequent_words_are_kept_as_often_as_gensim_keeps_them():
    word2vec = pytest.importorskip("gensim.models").Word2Vec(min_count=1, sample=1e-2)
    word2vec.build_vocab_from_freq(dict(zip(KNOWN.words, COUNTS.tolist(), strict=True)))
    theirs = [word2vec.wv.get_vecattr(word, "sample_int") / (2**32 - 1) for word in KNOWN.words]
    np.testing.assert_allclose(KNOWN.keep_probabilities(1e-2), np.minimum(theirs, 1), rtol=1e-6)
    assert (KNOWN.keep_probabilities(0) == 1).all()
