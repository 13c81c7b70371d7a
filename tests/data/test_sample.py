import hashlib
import re
from collections import Counter

import numpy as np
import pytest

from rnnkit.data.samples import grammar, reviews_sample
from rnnkit.data.samples.reviews_sample import DISTRACTIONS, OPENINGS, SLOTS, VERDICTS, WORDS


@pytest.fixture(scope="module")
def data():
    return reviews_sample.read()


def splits(data):
    return [data.train, data.valid, data.test]


def test_sizes_balance_and_no_text_twice(data):
    assert [len(split) for split in splits(data)] == [4000, 500, 1000]
    for split in splits(data):
        assert split.labels.dtype.kind == "i"
        assert np.bincount(split.labels).tolist() == [len(split) // 2] * 2
    texts = [text for split in splits(data) for text in split.texts]
    assert len(set(texts)) == 5500
    assert data.classes == ("neg", "pos")
    assert "GENERATED" in data.about


def test_a_text_that_comes_up_again_is_left_out(monkeypatch):
    monkeypatch.setattr(reviews_sample, "OPENINGS", ["so"])
    monkeypatch.setattr(reviews_sample, "VERDICTS", [["it is {same}"]])
    monkeypatch.setattr(reviews_sample, "DISTRACTIONS", ["a b", "b c", "c d", "d e"])
    monkeypatch.setattr(reviews_sample, "SIZES", {"train": 800, "valid": 10, "test": 200})
    texts = [text for split in splits(reviews_sample.read()) for text in split.texts]
    assert len(set(texts)) == 1010


def test_the_same_texts_everywhere_and_always(data):
    joined = "\n".join(text for split in splits(data) for text in split.texts)
    assert joined == "\n".join(
        text for split in splits(reviews_sample.read()) for text in split.texts
    )
    # Results on `sample` are only comparable between machines and versions if this stays.
    assert hashlib.sha256(joined.encode()).hexdigest()[:16] == "ccd3ac1873e3c6b8"


def test_texts_are_finished_sentences(data):
    for text in data.train.texts:
        assert not re.search(r"[{}_]|  | ,|\ba [aeiou]|\ban [^aeiou]", text), text
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert 8 <= len(text.split()) <= 150
    openings = Counter(" ".join(text.split()[:3]) for text in data.train.texts)
    assert len(openings) > 20


def test_every_slot_exists_and_words_have_one_side():
    patterns = [*OPENINGS, *DISTRACTIONS, *(p for group in VERDICTS for p in group)]
    patterns += [option for options in SLOTS.values() for option in options]
    used = {slot for pattern in patterns for slot in re.findall(r"\{(\w+)\}", pattern)}
    assert used == SLOTS.keys() | {"same", "other", "any"}
    assert not set(WORDS[0]) & set(WORDS[1])
    assert len(WORDS[0]) == len(WORDS[1])
    for pattern in OPENINGS + DISTRACTIONS:  # what gives no verdict must not know it
        assert not re.search(r"\{(same|other)\}", pattern)


@pytest.mark.parametrize("words", [1, 2])
def test_bags_of_words_do_not_find_the_verdict(data, words):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    bag = TfidfVectorizer(ngram_range=(1, words), token_pattern=r"[\w']+")
    train, test = bag.fit_transform(data.train.texts), bag.transform(data.test.texts)
    for strength in (1, 10):
        model = LogisticRegression(C=strength, max_iter=1000).fit(train, data.train.labels)
        assert model.score(test, data.test.labels) < 0.80


def test_slots_are_filled_from_left_to_right_until_none_is_left():
    asked = []

    def slot(name):
        asked.append(name)
        return {"a": "{b} and {c}"}.get(name, name)

    assert grammar.fill("{a}, {d}, {d}", grammar.Drawn(slot)) == "b and c, d, d"
    assert asked == ["a", "d", "d", "b", "c"]


@pytest.mark.parametrize("name", ["corpus", "names", "reviews"])
def test_lexicons_have_no_empty_or_stray_entry(name):
    lexicon = grammar.read_lexicon(name)
    assert all(lexicon.values())
    for entry in (entry for entries in lexicon.values() for entry in entries):
        assert entry == entry.strip()
        assert not set(entry) & set("[]|#")
