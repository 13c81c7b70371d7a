"""Beam search: against enumeration on a tiny vocabulary; frozen beams; the order of a batch."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from rnnkit.data.subwords import BEGIN, END
from rnnkit.errors import InputError
from rnnkit.tasks.text_to_text.beam_search import Beams, BeamSearch, advance, length_norm

V, N, L = 7, 3, 4
WORDS = (END, 4, 5, 6)
# For each row a score of every word after every word; and what it gains by all words before.
TABLES = np.random.default_rng(0).normal(size=(N, V, V)).astype("float32") * 1.5
GAINS = np.random.default_rng(1).normal(size=(5, V)).astype("float32")


def step(tables, words, states, memory):
    (rows,), (heard,) = memory, states
    heard = ops.mod(2 * heard + ops.cast(words, "float32")[:, None], 5)
    scores = ops.take(ops.reshape(tables, (-1, V)), rows * V + words, axis=0)
    scores = scores + ops.take(GAINS, ops.cast(heard[:, 0], "int32"), axis=0)
    return ops.log_softmax(scores, axis=-1), (heard,)


def log_p_after(row, words):
    heard = 0
    for word in (words := [BEGIN, *words]):
        heard = (2 * heard + word) % 5
    scores = TABLES[row, words[-1]].astype("float64") + GAINS[heard]
    return scores - np.log(np.exp(scores).sum())


SEARCH = BeamSearch(step)


def search(rows=range(N), **settings):
    rows = np.array(rows, "int32")
    states = (np.zeros((len(rows), 1), "float32"),)
    found = SEARCH(TABLES, states, (rows,), **{"max_length": L, **settings})
    return [words.tolist() for words in found.words], found.scores


def enumerated(row, alpha):
    """Every sequence that ends, or has L words; the best, and its score."""
    every = []

    def go_on(words, total):
        if words and (words[-1] == END or len(words) == L):
            every.append((total / ((5 + len(words)) / 6) ** alpha, words))
            return
        log_p = log_p_after(row, words)
        for word in WORDS:
            go_on([*words, word], total + log_p[word])

    go_on([], 0.0)
    score, words = max(every)
    return [word for word in words if word != END], score


@pytest.mark.every_backend
@pytest.mark.parametrize("alpha", [0.0, 0.7, 2.0])
def test_a_beam_as_wide_as_everything_finds_the_best(alpha):
    words, scores = search(beam_size=64, length_penalty=alpha)
    for row in range(N):
        best, score = enumerated(row, alpha)
        assert words[row] == best
        assert scores[row] == pytest.approx(score, abs=1e-5)


def test_length_penalty_makes_longer():
    assert sum(map(len, search(beam_size=64, length_penalty=5.0)[0])) > sum(
        map(len, search(beam_size=64)[0])
    )


def test_one_beam_is_greedy():
    words, _ = search(beam_size=1)
    for row in range(N):
        expected = []
        while len(expected) < L:
            best = max(WORDS, key=log_p_after(row, expected).__getitem__)
            if best == END:
                break
            expected.append(best)
        assert words[row] == expected


@pytest.mark.every_backend
def test_the_company_changes_nothing():
    words, scores = search(beam_size=3, length_penalty=1.0)
    again, same = search([2, 0, 1], beam_size=3, length_penalty=1.0)
    assert again == [words[2], words[0], words[1]]
    np.testing.assert_allclose(same, scores[[2, 0, 1]], rtol=1e-6)


def test_frozen_beams_keep_their_score_and_their_words():
    beams = Beams(
        ops.array([[[4, END, 0], [5, 6, 0]]]),
        ops.array([[-0.1, -9.0]]),
        ops.array([[2, 2]]),
        ops.array([[True, False]]),
    )
    log_p = ops.log_softmax(ops.convert_to_tensor(TABLES[:1, :2]), axis=-1)
    after, parents = advance(beams, log_p, ops.array(2), 1.0)
    words, scores, lengths, finished = map(ops.convert_to_numpy, after)
    assert ops.convert_to_numpy(parents).tolist() == [[0, 1]]
    assert words[0, 0].tolist() == [4, END, 0]
    assert scores[0, 0] == pytest.approx(-0.1)
    assert lengths.tolist() == [[2, 3]]
    assert finished[0, 0]
    assert words[0, 1, :2].tolist() == [5, 6]
    assert words[0, 1, 2] in WORDS
    assert scores[0, 1] < -9


def test_length_norm():
    found = ops.convert_to_numpy(length_norm(np.array([1, 7]), 0.5))
    np.testing.assert_allclose(found, [1.0, np.sqrt(2.0)], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beam_size": 0}, "beam_size is 0; expected an integer of at least 1"),
        ({"max_length": True}, "max_length is True"),
        ({"length_penalty": -1.0}, "length_penalty is -1.0; expected a number from 0 on"),
    ],
)
def test_what_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        search(**settings)
