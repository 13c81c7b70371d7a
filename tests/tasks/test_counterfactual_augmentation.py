"""Tests of counterfactual edits and of training on them."""

import random

import numpy as np
import pytest

from rnnkit.data.counterfactuals import counterfactual
from rnnkit.data.opposites import OPPOSITES
from rnnkit.errors import InputError
from rnnkit.recipes import gru_sentiment
from rnnkit.tasks.task import Examples
from rnnkit.tasks.texts.augmentation import add_counterfactuals

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
