from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.data.vocabulary import Vocabulary
from rnnkit.errors import InputError

ROWS = [["b", "a", "b"], ["c", "a", "d"], []]
TOKENS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def test_most_frequent_first_then_the_alphabet():
    vocabulary = Vocabulary.learn(ROWS)
    assert vocabulary.tokens == ["", "[UNK]", "a", "b", "c", "d"]
    assert vocabulary.counts == [0, 0, 2, 2, 1, 1]
    assert len(vocabulary) == 6
    assert "c" in vocabulary
    assert "[UNK]" not in vocabulary


def test_limits_drop_the_rare_ones_and_count_them_as_unknown():
    assert Vocabulary.learn(ROWS, max_size=5).tokens == ["", "[UNK]", "a", "b", "c"]
    assert Vocabulary.learn(ROWS, max_size=2).tokens == ["", "[UNK]"]
    rare = Vocabulary.learn(ROWS, min_count=2)
    assert rare.tokens == ["", "[UNK]", "a", "b"]
    assert rare.counts == [0, 2, 2, 2]


def test_encode_and_decode():
    vocabulary = Vocabulary.learn(ROWS)
    ids = vocabulary.encode(["d", "a", "never seen", "", "[UNK]"])
    assert ids.tolist() == [5, 2, 1, 1, 1]
    assert ids.dtype == np.int32
    assert vocabulary.decode([5, 2, 1, 0]) == ["d", "a", "[UNK]", ""]
    assert vocabulary.decode(np.array([2, 3])) == ["a", "b"]
    assert vocabulary.decode([]) == []
    empty = vocabulary.encode([])
    assert empty.shape == (0,)
    assert empty.dtype == np.int32


@given(st.lists(st.lists(TOKENS)), st.integers(1, 3))
def test_learning_agrees_with_counting(rows, min_count):
    vocabulary = Vocabulary.learn(rows, min_count=min_count)
    counted = Counter(token for row in rows for token in row)
    expected = {t: n for t, n in counted.items() if n >= min_count and t not in ("", "[UNK]")}
    assert dict(zip(vocabulary.tokens[2:], vocabulary.counts[2:], strict=True)) == expected
    assert vocabulary.counts[2:] == sorted(expected.values(), reverse=True)
    assert sum(vocabulary.counts) == counted.total()
    for row, ids in zip(rows, vocabulary.encode_many(rows), strict=True):
        assert ids.min(initial=1) >= 1
        assert vocabulary.decode(ids) == [t if t in expected else "[UNK]" for t in row]
    total = counted.total()
    share = sum(expected.values()) / total if total else 1.0
    assert vocabulary.share_known(rows) == pytest.approx(share)


@given(st.lists(st.lists(TOKENS)))
def test_json_brings_it_back(rows):
    vocabulary = Vocabulary.learn(rows, min_count=2)
    again = Vocabulary.from_json(vocabulary.to_json())
    assert again.tokens == vocabulary.tokens
    assert again.counts == vocabulary.counts
    everything = ["", *(token for row in rows for token in row)]
    assert again.encode(everything).tolist() == vocabulary.encode(everything).tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary.learn(["a text"]), r"token_lists\[0\] is a text \('a text'\)"),
        (lambda: Vocabulary.learn("a text"), r"token_lists\[0\] is a text"),
        (lambda: Vocabulary.learn([[1, 2]]), r"A token is int \(1\)"),
        (lambda: Vocabulary.learn([[0, "a"]]), r"A token is int \(0\)"),
        (lambda: Vocabulary.learn([], max_size=1), "max_size is 1"),
        (lambda: Vocabulary.learn([], min_count=0), "min_count is 0"),
        (lambda: Vocabulary.learn([]).encode("text"), "is a text"),
        (lambda: Vocabulary.learn([]).decode([2]), r"Id 2 .* expected 0\.\.1"),
        (lambda: Vocabulary.learn([]).decode([-1]), "Id -1"),
        (lambda: Vocabulary.learn([]).decode([0.5]), "expected a row of int"),
        (lambda: Vocabulary({"": 1}), "is reserved for padding"),
        (lambda: Vocabulary({"a": -1}), "count of 'a' is -1"),
        (lambda: Vocabulary.from_json("{"), "not a vocabulary"),
        (lambda: Vocabulary.from_json("[]"), "not a vocabulary"),
        (lambda: Vocabulary.from_json('{"tokens": ["a"], "counts": [0]}'), "not a vocabulary"),
        (
            lambda: Vocabulary.from_json('{"tokens": ["a", "a"], "counts": [0, 1, 1]}'),
            "repeats a token",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
