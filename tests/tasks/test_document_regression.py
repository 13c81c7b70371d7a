"""Logistic regression on document vectors, against scikit-learn on vectors that are given."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rnnkit.tasks.texts import document_regression
from rnnkit.tasks.texts.document_regression import Labelled, fit_document_vectors

pytestmark = pytest.mark.one_backend

COUNT = 30
OPTIONS = {"vector_size": 5}


@pytest.fixture
def vectors(monkeypatch):
    """Vectors of n-grams in place of trained ones, and what they were trained on."""
    table = np.random.default_rng(1).normal(size=(COUNT, 5))
    table[0] = 0
    seen = []

    def given(rows, count, *, keep, vector_size):
        seen.append((rows, keep))
        return table.astype("float32")  # as a trained one, its caller may change it

    monkeypatch.setattr(document_regression, "train_ngram_vectors", given)
    return table, seen


def texts(count, classes, seed=0):
    random = np.random.default_rng(seed)
    numbers = random.integers(classes, size=count)
    shift = 3 * numbers
    rows = [np.unique(random.integers(1, COUNT - 9, size=8) + s) for s in shift]
    return Labelled([row.astype("int32") for row in rows], numbers)


def keep_of(train, outputs):
    """How often an n-gram is learned, and its weight: by counting, one n-gram after the other."""
    keep = np.zeros(COUNT)
    norms = {}
    for side in [1] if outputs == 1 else range(outputs):
        for own in (True, False):
            sizes = [
                1 + sum(f in row for row, k in zip(*train[:2], strict=True) if (k == side) == own)
                for f in range(1, COUNT)
            ]
            norms[own] = np.array(sizes) / sum(sizes)
        keep[1:] = np.maximum(keep[1:], np.abs(np.log(norms[True] / norms[False])))
    return np.minimum(1, 0.3 * np.exp(keep / 2))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_logits_are_those_of_scikit_learn_on_the_mean_vectors(vectors, outputs, weighted):
    table, seen = vectors
    train = texts(80, max(2, outputs))
    if weighted:
        copies = [*range(80), *range(20)]  # a weight of 2 is a text that stands there twice
        weights = np.where(np.arange(80) < 20, 2.0, 1.0)
        train = train._replace(weights=weights)
    more = texts(10, 1, seed=3).rows
    found = fit_document_vectors(train, None, COUNT, outputs, unlabelled=more, **OPTIONS)
    (rows, keep), copied = seen[0], list(range(80))
    assert len(rows) == 90
    if weighted:
        copied = copies
    twice = Labelled([train.rows[i] for i in copied], train.classes[copied])
    np.testing.assert_allclose(keep, keep_of(twice, outputs), rtol=1e-5)
    means = np.array([np.mean([keep[f] * table[f] for f in row], axis=0) for row in rows])
    scaled = (means - means.mean(0)) / means.std()
    model = LogisticRegression(C=1.0, max_iter=2000).fit(scaled[copied], twice.classes)
    expected = model.decision_function(scaled[:80]).reshape(80, -1)
    logits = np.array([np.mean([found[f] for f in row], axis=0) for row in train.rows])
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=2e-3)


def test_the_penalty_is_that_of_the_lowest_loss_on_held_out_texts(vectors):
    train, valid = texts(80, 2), texts(60, 2, seed=5)
    random = valid._replace(classes=np.arange(60) % 2)  # nothing to learn

    def largest(held_out):
        return np.abs(fit_document_vectors(train, held_out, COUNT, 1, **OPTIONS)).max()

    assert largest(random) < largest(None) < largest(valid)


def test_classes_without_a_text_are_never_the_answer(vectors):
    train = texts(40, 2)
    three = fit_document_vectors(train, None, COUNT, 3, **OPTIONS)
    assert (three[1:, 2] < three[1:, :2].max(1) - 5).all()
    rows = train.rows[:20]
    for one in (0, 1):
        alone = Labelled(rows, np.full(20, one))
        table = fit_document_vectors(alone, None, COUNT, 1, **OPTIONS)
        assert np.sign(table[1]) == (1 if one else -1)
        table = fit_document_vectors(alone, None, COUNT, 3, **OPTIONS)
        assert table[1].argmax() == one
