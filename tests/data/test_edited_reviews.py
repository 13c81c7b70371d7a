"""The suite of edited reviews, and the perturbations: what the measures rest on."""

import difflib
import random
import re
import subprocess
import sys
import zlib
from collections import Counter

import pytest

from rnnkit.data import edited_reviews as suite
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend
PAIRS = suite.edited_reviews()


def words(text):
    return re.findall(r"\w+|[^\w\s]", text)


def changed(pair):
    """The number of words that one text of a pair has and the other has not, the larger one."""
    blocks = difflib.SequenceMatcher(None, words(pair.positive), words(pair.negative), False)
    same = sum(block.size for block in blocks.get_matching_blocks())
    return max(len(words(pair.positive)), len(words(pair.negative))) - same


def test_the_suite_is_large_balanced_and_without_duplicates():
    counts = Counter((pair.kind, pair.source) for pair in PAIRS)
    assert set(counts) == {(k, s) for k in suite.KINDS for s in ("written", "generated")}
    assert min(counts.values()) >= 15
    assert sum(pair.source == "written" for pair in PAIRS) >= 190
    assert len(PAIRS) >= 400
    texts = [" ".join(words(text.lower())) for pair in PAIRS for text in pair.texts]
    assert len(set(texts)) == len(texts)
    for kind in suite.KINDS:
        originals = Counter(pair.original for pair in suite.pairs_of(kind, PAIRS))
        assert abs(originals["pos"] - originals["neg"]) <= 2
    originals = Counter(pair.original for pair in PAIRS)
    assert abs(originals["pos"] - originals["neg"]) <= 1


def test_labels_flip_in_each_pair():
    for pair in PAIRS:
        assert set(pair.labels) == {"pos", "neg"}
        assert dict(zip(pair.labels, pair.texts, strict=True)) == {
            "pos": pair.positive,
            "neg": pair.negative,
        }
        assert pair.labels[0] == pair.original


def test_a_pair_differs_in_few_words():
    for pair in PAIRS:
        longest = max(len(words(pair.positive)), len(words(pair.negative)))
        assert 1 <= changed(pair) <= max(9, 0.5 * longest), pair


def test_texts_are_tidy():
    for pair in PAIRS:
        for text in pair.texts:
            assert not re.search(r"[{}|<>]|  | [,.!?]|\.\.", text), text
            assert text[0].isupper() or not text[0].isalpha(), text
            assert text[-1] in ".!?", text
            assert not re.search(r"\b[aA] [aeiou]|\ban [bcdfgjklmnpqrstvwxyz]", text), text


def test_no_title_is_of_one_side():
    """Words that are not edited are in both texts: titles and plots tell nothing."""
    sides = {
        side: Counter(word for pair in PAIRS for word in words(getattr(pair, side)))
        for side in ("positive", "negative")
    }
    for title in ("Iron", "Saltmarsh", "Lantern", "Ostrava", "Barrow"):
        assert sides["positive"][title] == sides["negative"][title] > 0


def test_a_count_of_words_of_opinion_answers_about_half():
    """The suite is what a bag of words cannot do: swapped sides have the same words."""
    same = [pair for pair in PAIRS if sorted(words(pair.positive)) == sorted(words(pair.negative))]
    assert len(same) >= 25


def test_the_grammar_is_deterministic():
    assert suite.generated_pairs(60) == suite.generated_pairs(60)
    assert suite.generated_pairs(60) == suite.generated_pairs(216)[:60]
    assert suite.generated_pairs(60, seed=1) != suite.generated_pairs(60)
    state = random.getstate()
    suite.generated_pairs(12)
    assert random.getstate() == state
    code = (
        "from rnnkit.data.edited_reviews import edited_reviews as e; import zlib;"
        "print(zlib.crc32(repr(e()).encode()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(run.stdout) == zlib.crc32(repr(suite.edited_reviews()).encode())


def test_more_pairs_can_be_drawn_for_training():
    many = suite.generated_pairs(2400, seed=5)
    assert len({text for pair in many for text in pair.texts}) == 4800


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: suite.generated_pairs(0), "count is 0"),
        (lambda: suite.pairs_of("ironic", PAIRS), "No kind of edit is 'ironic': expected one of"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
