"""Tests of edited, generated and shortened training texts."""

import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from rnnkit.data.counterfactuals import counterfactual
from rnnkit.data.edited_reviews import edited_reviews
from rnnkit.data.opposites import OPPOSITES
from rnnkit.data.samples import reviews_sample
from rnnkit.errors import InputError
from rnnkit.recipes import gru_sentiment
from rnnkit.tasks.task import Examples
from rnnkit.tasks.texts.augmentation import (
    DerivedText,
    add_counterfactuals,
    add_synthetic_reviews,
    passages,
)

pytestmark = pytest.mark.one_backend


def edit(text, seed=0, least=1):
    return counterfactual(text, random.Random(seed), least)


def test_opposites_lead_back():
    """The opposite of each opposite is a word of the first one's row."""
    for word, others in OPPOSITES.items():
        assert word not in others
        for other in others:
            assert word in OPPOSITES[other], (word, other)


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("I give it 1/10.", "I give it 10/10."),
        ("8 out of 10 from me", "3 out of 10 from me"),
        ("1 star", "5 star"),
        ("There are 10 good songs", None),  # a number that rates nothing stays
    ],
)
def test_ratings_are_mirrored(text, edited):
    if edited is None:
        assert "10" in edit(text)
    else:
        assert edit(text) == edited


@pytest.mark.parametrize(
    "text",
    [
        "It looks like a house.",
        "Well, he left.",
        "She came as well.",
        "A dog crosses the street.",
        "",
    ],
)
def test_words_that_are_no_opinion_stay(text):
    assert edit(text) is None


def test_a_negation_is_taken_away_or_the_word_replaced_never_both():
    seen = {edit("The plot is not good", seed) for seed in range(60)}
    assert "The plot is  good" in seen
    assert all(("not" in text) != (text.split()[-1] == "good") for text in seen)


def test_capitals_and_all_other_characters_stay():
    text = "GREAT film!<br />Wonderful (really), don’t you think?"
    new = edit(text)
    assert new.split()[0].isupper()
    assert new.split("<br />")[1][0].isupper()
    assert new.endswith("(really), don’t you think?")


def test_too_few_opinions_are_no_edit():
    assert edit("A good film", least=2) is None
    assert edit("A good, funny film", least=2) is not None


def texts(count):
    good = "A great film, very funny and well acted, number {}."
    return [good.format(i) for i in range(count)]


def test_copies_have_the_opposite_target_of_a_label_and_of_a_teacher():
    train = Examples(texts(4), np.array([1, 1, 1, 1]))
    labels = np.array([[1.0], [0.0], [0.9], [0.25]], "float32")
    new = add_counterfactuals(train, labels, None, share=1.0, seed=0)
    np.testing.assert_allclose(new.targets[4:], 1 - labels)
    taught = np.array([[0.0, 0.5, 0.1, 0.4, 2.0]] * 4, "float32")
    new = add_counterfactuals(train, taught, np.arange(4.0), share=1.0, seed=0)
    np.testing.assert_allclose(new.targets[4:], [[0.5, 0.0, 0.4, 0.1, 2.0]] * 4)
    np.testing.assert_allclose(new.weights, [0, 1, 2, 3] * 2)
    assert new.train.x[:4] == train.x
    assert all(a != b for a, b in zip(new.train.x[4:], train.x, strict=True))


def test_the_share_is_about_that_of_the_copies_and_the_seed_decides():
    train = Examples(texts(400), np.ones(400, int))
    targets = np.ones((400, 1), "float32")
    made = [add_counterfactuals(train, targets, None, 0.25, seed) for seed in (0, 0, 1)]
    assert 70 <= len(made[0].train.x) - 400 <= 130  # five standard deviations
    assert made[0].train.x == made[1].train.x != made[2].train.x


def test_more_classes_than_two_are_refused():
    model = gru_sentiment(units=2, embedding="random", counterfactuals=0.5)
    with pytest.raises(InputError, match="3 classes"):
        model.fit(["good", "bad", "odd"] * 4, ["a", "b", "c"] * 4, verbose=0)
    with pytest.raises(InputError, match="counterfactuals"):
        gru_sentiment(counterfactuals=1.5)


def test_generated_reviews_have_the_labels_of_the_sample():
    """Half are negative; none is held out in the sample, and none is in the suite of edits."""
    train = Examples(["a text"], [1])
    new = add_synthetic_reviews(train, np.ones((1, 1), "float32"), None, 400, seed=3)
    made = new.train.x[1:]
    assert new.targets.dtype == "float32"
    assert new.targets[1:, 0].tolist() == [0.0, 1.0] * 200
    sample = reviews_sample.read()
    held_out = {*sample.valid.x, *sample.test.x}
    held_out |= {text for pair in edited_reviews() for text in pair.texts}
    assert not held_out & set(made)
    assert len(set(made)) == 400
    words = CountVectorizer(ngram_range=(1, 2)).fit(sample.train.x)
    linear = LogisticRegression(max_iter=500).fit(words.transform(sample.train.x), sample.train.y)
    assert linear.score(words.transform(made), new.targets[1:, 0]) > 0.65  # of the sample: 0.76


def test_generated_reviews_beside_what_a_teacher_says():
    taught = np.array([[0.0, 0.3, 0.1, 0.6, 2.0], [0, 0, 0.4, 0.6, 2.0]], "float32")
    new = add_synthetic_reviews(Examples(["a", "b"], None), taught, np.ones(2), 2, seed=0)
    expected = [[0.3, 0, 0.7, 0, 2], [0, 0.3, 0, 0.7, 2]]
    np.testing.assert_allclose(new.targets[2:], expected, rtol=1e-6)
    np.testing.assert_array_equal(new.weights, np.ones(4))


@pytest.mark.parametrize("classes", [["pos", "neg"], ["ham", "spam"], ["bad", "fair", "good"]])
def test_generated_reviews_need_a_negative_and_a_positive_class(classes):
    model = gru_sentiment(units=2, embedding="random", synthetic_reviews=0.5, classes=classes)
    with pytest.raises(InputError, match=r"synthetic_reviews=0\.5 needs a negative and a positive"):
        model.fit(["one text", "another"] * 4, classes[:2] * 4, verbose=0)


def test_derived_texts_are_learned_but_not_by_word_vectors(monkeypatch):
    seen = {}

    def vectors(self, tokens, *args):
        seen["tokens"] = tokens

    monkeypatch.setattr("rnnkit.tasks.word_task.WordTask._word_vectors", vectors)
    model = gru_sentiment(
        units=2, embedding="skip-gram", min_count=1, counterfactuals=1.0, synthetic_reviews=1.5
    )
    make = model.make_batches
    sizes = []
    model.make_batches = lambda rows, *a, **k: sizes.append(len(rows)) or make(rows, *a, **k)
    model.fit(texts(8), [0, 1] * 4, epochs=1, verbose=0)
    assert len(seen["tokens"]) == 8
    assert sizes[0] == 8 + 8 + 12


def test_passages_are_whole_sentences_of_longer_texts():
    numbers = [f"Sentence {i} is here." for i in range(9)]
    long, short = " ".join(numbers), " ".join(numbers[:3])
    assert passages([short] * 9, 1.0, seed=0) == []
    assert passages([long] * 9, 0.0, seed=0) == []
    found = passages([long] * 300, 1.0, seed=0)
    assert len(found) == 300
    assert {one.count("Sentence") for one in found} == {1, 2, 3}
    assert all(one in long for one in found)
    assert {one[: len("Sentence 0")] for one in found} == {f"Sentence {i}" for i in range(9)}
    assert not isinstance(found[0], DerivedText)
    half = len(passages([long] * 400, 0.5, seed=0))
    assert 150 <= half <= 250  # five standard deviations
