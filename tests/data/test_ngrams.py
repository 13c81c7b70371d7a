"""NGramVocabulary and NGramBatches, against counting by hand and scikit-learn's CountVectorizer."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from rnnkit.data import ngrams as module
from rnnkit.data.ngram_batches import NGramBatches, TextRow
from rnnkit.data.ngrams import NGramVocabulary
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend
EXAMPLES = 2000 if os.environ.get("RNNKIT_DEEP") else 40


def grams(row, order):
    """The n-grams of a text, as tuples."""
    return [tuple(row[i : i + n]) for n in range(1, order + 1) for i in range(len(row) - n + 1)]


def draw(random):
    """A few texts of few words, some of them empty or of one word."""
    words = ["a", "b", "c", "d d", "é", ""][: random.integers(1, 7)]
    lengths = random.integers(0, 9, random.integers(1, 8))
    return [[words[i] for i in random.integers(len(words), size=n)] for n in lengths]


def test_of_any_texts_those_that_counting_by_hand_finds(monkeypatch):
    random = np.random.default_rng(0)
    for _ in range(EXAMPLES):
        texts, more = draw(random), draw(random)
        order, least = (int(n) for n in random.integers(1, 4, 2))
        monkeypatch.setattr(module, "CHUNK", int(random.integers(1, 20)))
        counts = Counter(gram for row in texts for gram in grams(row, order))
        expected = {gram for gram, count in counts.items() if count >= least}
        found = NGramVocabulary.learn(texts, order, least)
        names = [tuple(name.split("|")) for name in found.ngrams("|")]
        assert len(names) == len(expected) == len(found) - 1
        assert {*names} == expected
        for row, numbers in zip(more, found.encode_many(more), strict=True):
            assert [names[i - 1] for i in numbers] == sorted(
                {*grams(row, order)} & expected, key=names.index
            )
            assert numbers.dtype == np.int32
        again = NGramVocabulary.from_json(found.to_json())
        assert again.ngrams("|") == found.ngrams("|")
        assert again.order == found.order == order
        size = int(random.integers(2, 12))
        short = NGramVocabulary.learn(texts, order, least, size)
        kept = {tuple(name.split("|")) for name in short.ngrams("|")}
        assert kept <= expected
        assert len(kept) == min(size - 1, len(expected))
        left = expected - kept
        if kept and left:
            assert min(counts[gram] for gram in kept) >= max(counts[gram] for gram in left)
        for row, numbers in zip(more, short.encode_many(more), strict=True):
            names = [tuple(name.split("|")) for name in short.ngrams("|")]
            assert {names[i - 1] for i in numbers} == {*grams(row, order)} & kept


def test_the_features_are_those_of_scikit_learn():
    texts = ["not a good film", "a good good good film", "dull", "a dull film not a good one"]
    theirs = CountVectorizer(
        tokenizer=str.split, token_pattern=None, ngram_range=(1, 3), binary=True
    )
    expected = theirs.fit_transform(texts).toarray()
    tokens = [text.split() for text in texts]
    found = NGramVocabulary.learn(tokens, 3, min_count=1)
    table = np.zeros((len(texts), len(found)), int)
    for row, numbers in zip(table, found.encode_many(tokens), strict=True):
        row[numbers] = 1
    columns = [theirs.vocabulary_[name] for name in found.ngrams()]
    np.testing.assert_array_equal(table[:, 1:], expected[:, columns])


def test_no_ngram_reaches_into_the_next_text():
    found = NGramVocabulary.learn([["a"], ["b"], ["a", "a"]], 2, min_count=1)
    assert found.ngrams() == ["a", "b", "a a"]
    assert NGramVocabulary.learn([], 3).encode_many([["a"], []])[0].tolist() == []
    assert NGramVocabulary.learn([["a"]], 3, 1).encode_many([]) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"words": ["a"]}',
        '{"words": ["a", "a"], "orders": []}',
        '{"words": [1], "orders": []}',
        '{"words": ["a"], "orders": [{"followers": [1], "last": [2]}]}',
        '{"words": ["a"], "orders": [{"followers": [2], "last": [1, 1]}]}',
        '{"words": ["a"], "orders": [{"followers": [1, 0], "last": [1]}]}',
        '{"words": ["a"], "orders": [{"followers": [-1], "last": []}]}',
        '{"words": ["a"], "orders": [{"followers": [1e30], "last": [1]}]}',
        '{"words": ["a", "b"], "orders": [{"followers": [9, -8], "last": [1]}]}',
    ],
)
def test_other_texts_are_no_vocabulary(text):
    with pytest.raises(InputError, match="not an n-gram vocabulary"):
        NGramVocabulary.from_json(text)


def test_what_cannot_be_learned_from():
    for arguments, message in (
        ((["a text"], 2), r"token_lists\[0\] is a text"),
        (([["a", 3]], 2, 1), "A token is int"),
        (([["a"]], 0), "order is 0"),
        (([["a"]], 2, 0), "min_count is 0"),
        (([["a"]], 2, 1, 1), "max_size is 1"),
    ):
        with pytest.raises(InputError, match=message):
            NGramVocabulary.learn(*arguments)


def test_each_row_of_a_batch_has_the_ngrams_of_its_text():
    """Rows whose ids and n-grams say which text they are of, in every order of an epoch."""
    random = np.random.default_rng(0)
    rows = [
        TextRow(np.full(random.integers(0, 30), i + 2), np.full(random.integers(0, 60), i + 2))
        for i in range(40)
    ]
    rows[7] = TextRow(np.full(25, 9), np.full(300, 9))  # more than its ids have, as if truncated
    batches = NGramBatches(
        rows, np.arange(40), order=2, batch_size=8, max_length=20, shuffle=True, program_cells=1
    )
    for epoch in range(2):
        batches.start_epoch(epoch)
        widths = set()
        for (ids, ngrams), labels, _ in batches:
            assert len(ids) == len(ngrams) == len(labels)
            widths.add((ids.shape[1], ngrams.shape[1]))
            for i, one, features in zip(labels, ids, ngrams, strict=True):
                assert (one > 0).sum() == min(len(rows[i].ids), 20)
                assert (features > 0).sum() == len(rows[i].ngrams)
                assert {*one, *features} <= {0, i + 2}
        assert len(widths) == len({steps for steps, _ in widths}) > 1  # one M for each T
