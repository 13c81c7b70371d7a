"""Neighbours, analogies and judged pairs: by hand on a few words, and against gensim's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath

from rnnkit.embeddings.measures import evaluation
from rnnkit.embeddings.measures.evaluation import evaluate
from rnnkit.embeddings.measures.neighbours import analogy, neighbours
from rnnkit.errors import InputError


def keyed(words, table):
    vectors = KeyedVectors(np.shape(table)[1])
    vectors.add_vectors(list(words), np.asarray(table, "float32"))
    return vectors


def words_of(name):
    with open(datapath(name), encoding="utf-8") as file:  # noqa: PTH123
        return [line.split() for line in file if line[0] not in ":#"]


def noisy_vectors():
    """Words of each shipped set, each in two cases, in mixed order; many analogies hold."""
    rng = np.random.default_rng(0)
    shift, found = rng.normal(size=8), {}
    for a, b, *_ in words_of("questions-words.txt")[8000:12000]:
        base = rng.normal(size=8)
        found |= {a: base, b: base + shift}
    for a, b, _ in words_of("wordsim353.tsv")[::2] + words_of("simlex999.txt")[::3]:
        found |= {a: rng.normal(size=8), b: rng.normal(size=8)}
    found |= {word.upper(): vector for word, vector in found.items()}
    words = [str(word) for word in rng.permutation(list(found))]
    return keyed(words, [found[word] + rng.normal(size=8) / 4 for word in words])


SQUARE = keyed(
    ["man", "woman", "king", "queen", "boy", "girl", "apple", "none"],
    [[1, 0, 0], [0, 1, 0], [1, 0, 2], [0, 1, 2], [2, 0, -1], [0, 2, -1], [-1, -1, 0], [0, 0, 0]],
)


@pytest.fixture
def sets(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_neighbours_and_analogies_by_hand():
    words = SQUARE.index_to_key[:-1]  # "none" has no direction
    for word, near in zip(words, neighbours(SQUARE, words, n=20), strict=True):
        by_hand = {other: cosine(SQUARE[word], SQUARE[other]) for other in words if other != word}
        assert dict(near) == pytest.approx(by_hand, abs=1e-6)
        similarities = [similarity for _, similarity in near]
        assert similarities == sorted(similarities, reverse=True)
    assert neighbours(SQUARE, "man", n=2)[0] == neighbours(SQUARE, ["boy", "man"], n=2)[1]
    found = analogy(SQUARE, "man", "king", "woman", n=3)
    length = {word: SQUARE[word] / np.linalg.norm(SQUARE[word]) for word in words}
    goal = length["king"] - length["man"] + length["woman"]
    left = {word: cosine(goal, SQUARE[word]) for word in ("queen", "boy", "girl", "apple")}
    best = sorted(left, key=left.get, reverse=True)[:3]
    assert [word for word, _ in found] == best
    assert best[0] == "queen"
    assert dict(found) == pytest.approx({word: left[word] for word in best}, abs=1e-6)


def test_a_word_that_is_not_there_gets_the_nearest_spellings():
    with pytest.raises(InputError, match=r"'quene' is not among the 8 known\. .* 'queen'\?"):
        neighbours(SQUARE, ["man", "quene"])
    with pytest.raises(InputError, match=r"Did you mean 'man'\?"):
        analogy(SQUARE, "MAN", "king", "woman")
    with pytest.raises(InputError, match=r"known\.$"):
        neighbours(SQUARE, "xxxxxxxx")
    with pytest.raises(InputError, match="must be a string, not 3"):
        neighbours(SQUARE, [3])
    with pytest.raises(InputError, match="n is 0"):
        neighbours(SQUARE, "man", n=0)


def test_counts_and_scores_by_hand(sets, monkeypatch):
    questions = (
        ": royal\n"
        "Man King Woman Queen\n"  # right, whatever the case
        "man king woman apple\n"  # wrong
        "man king woman emperor\n"  # not known
        ": young\n"
        "boy girl man woman\n"
        ": fruit\n"
        "apple apples pear pears\n"
    )
    pairs = "# a comment\nman\tboy\t9\nman\tking\t7\nman\twoman\t3\nman\tapple\t1\nman\tpear\t0\n"
    table = evaluate(SQUARE, sets={"mine": sets("q", questions), "likeness": sets("p", pairs)})
    found = {(row.set, row.section): (row.score, row.found, row.total) for row in table.rows}
    # cosines .894, .447, 0, -.707: in the order that was judged
    assert found == {
        ("mine", "royal"): (0.5, 2, 3),
        ("mine", "young"): (1.0, 1, 1),
        ("mine", "fruit"): (None, 0, 1),
        ("mine", "all"): (pytest.approx(2 / 3), 3, 5),
        ("likeness", "all"): (pytest.approx(1.0), 4, 5),
    }
    assert table.scores() == {}  # too few for a figure by itself
    monkeypatch.setattr(evaluation, "MIN_ENTRIES", 4)
    assert table.scores() == pytest.approx({"likeness": 1.0})
    assert str(table).splitlines() == [
        "set       section  score  found  of",
        "mine      royal    0.500      2   3",
        "mine      young    1.000      1   1",
        "mine      fruit        -      0   1",
        "mine      all      0.667      3   5",
        "likeness  all      1.000      4   5",
    ]


def test_equal_judgements_share_their_rank(sets):
    path = sets("p", "man boy 2\nman king 2\nman woman 1\nman apple 3\n")
    # ranks of judgements 2.5 2.5 1 4, of cosines 4 3 2 1: covariance -1.5, variances 4.5 and 5
    assert evaluate(SQUARE, sets={"p": path}).rows[0].score == pytest.approx(-1.5 / 22.5**0.5)


@pytest.mark.parametrize("restrict_vocab", [300_000, 600])
def test_the_numbers_are_gensims(monkeypatch, restrict_vocab):
    monkeypatch.setattr(evaluation, "_BLOCK", 20_000)  # several blocks
    vectors = noisy_vectors()
    table = evaluate(vectors, restrict_vocab=restrict_vocab)
    score, sections = vectors.evaluate_word_analogies(
        datapath("questions-words.txt"), restrict_vocab=restrict_vocab
    )
    rows = [row for row in table.rows if row.set == "analogies"]
    assert rows[-1].score == pytest.approx(score)
    assert rows[-1].total == 19_544
    for row, section in zip(rows, sections, strict=True):
        right, wrong = len(section["correct"]), len(section["incorrect"])
        assert (row.found, (row.score or 0) * row.found) == (right + wrong, pytest.approx(right))
    assert sum(row.found for row in rows[:-1]) == rows[-1].found > 30
    assert 0.05 < score < 0.95
    for name, file, total in (
        ("wordsim353", "wordsim353.tsv", 353),
        ("simlex999", "simlex999.txt", 999),
    ):
        _, spearman, unknown = vectors.evaluate_word_pairs(
            datapath(file), restrict_vocab=restrict_vocab
        )
        (row,) = [row for row in table.rows if row.set == name]
        assert row.score == pytest.approx(spearman.statistic, abs=1e-6)
        assert (row.total, row.found) == (total, round(total * (1 - unknown / 100)))


def test_what_cannot_be_scored_is_left_out_and_named(sets):
    none = evaluate(keyed(["x", "y"], [[1, 0], [0, 1]]))
    assert none.scores() == {}
    assert all(row.score is None and row.found == 0 for row in none.rows)
    for name, total in (("analogies", "19,544"), ("wordsim353", "353"), ("simlex999", "999")):
        assert f"{name} is left out: 0 of its {total} entries are in the vocabulary" in str(none)
    lines = ["man king 1", "man king 1\nman king 2", "man boy 1\nman king 1"]
    for line in lines:  # one pair, equal cosines, equal judgements
        assert evaluate(SQUARE, sets={"p": sets("p", line)}).rows[0].score is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no question and no pair; expected lines of four words"),
        ("a b c d\na b c\n", r"line 2 is 'a b c'; expected lines"),
        ("a b 1\na b c d\n", r"line 2 is 'a b c d'"),
        ("Word 1\tWord 2\tHuman\n", r"line 1: 'Human' is no number.*headings starts with #"),
        (": x\na b 1\n", r"line 2 is 'a b 1'"),
    ],
)
def test_a_file_that_is_no_set(sets, text, message):
    with pytest.raises(InputError, match=message):
        evaluate(SQUARE, sets={"mine": sets("mine.txt", text)})


def test_a_missing_file_and_a_number_below_one(sets, tmp_path):
    path = sets("mine.txt", "a b 1\n")
    with pytest.raises(InputError, match=r"no file .*min.txt.*Did you mean 'mine.txt'"):
        evaluate(SQUARE, sets={"mine": path.with_name("min.txt")})
    path.write_bytes(b"caf\xe9 b 1\n")
    with pytest.raises(InputError, match="cannot be read as UTF-8"):
        evaluate(SQUARE, sets={"mine": path})
    with pytest.raises(InputError, match=re.escape("restrict_vocab is 0")):
        evaluate(SQUARE, restrict_vocab=0)


def test_vectors_are_left_as_they_were():
    before = SQUARE.vectors.copy()
    evaluate(SQUARE)
    neighbours(SQUARE, "man")
    np.testing.assert_array_equal(SQUARE.vectors, before)
