"""Linear models of n-grams with naive-Bayes weights, against scikit-learn on dense arrays."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from rnnkit.layers import LogOpinionPool
from rnnkit.tasks.texts.naive_bayes import (
    choose_linear_model,
    cross_entropy,
    feature_matrix,
    fit_linear_model,
    log_count_ratio,
    pool_weights,
)

pytestmark = pytest.mark.one_backend
SIZE = 12


def draw(texts=80, classes=2):
    """Texts as numbers of features, of which some tell the class."""
    random = np.random.default_rng(0)
    labels = random.integers(classes, size=texts)
    share = random.uniform(0.1, 0.6, (classes, SIZE))
    dense = random.uniform(size=(texts, SIZE)) < share[labels]
    dense[:, 0] = False  # padding
    dense[3] = False  # a text without a known n-gram
    return [np.flatnonzero(row).astype("int32") for row in dense], dense.astype(float), labels


def test_with_weights_of_one_it_is_naive_bayes():
    rows, dense, labels = draw()
    ratio = log_count_ratio(feature_matrix(rows, SIZE), labels == 1)
    theirs = MultinomialNB(alpha=1.0).fit(dense[:, 1:], labels)
    log_p = theirs.predict_joint_log_proba(dense[:, 1:])
    prior = theirs.class_log_prior_
    np.testing.assert_allclose(
        dense @ ratio + prior[1] - prior[0], log_p[:, 1] - log_p[:, 0], rtol=1e-4, atol=1e-5
    )
    weights = np.arange(80) % 3  # a weight of n counts as n times the text
    repeated = np.repeat(np.arange(80), weights)
    np.testing.assert_allclose(
        log_count_ratio(dense, labels == 1, weights),
        log_count_ratio(dense[repeated], labels[repeated] == 1),
        rtol=1e-5,
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_model_is_that_of_scikit_learn_on_scaled_features(classes, weighted):
    rows, dense, labels = draw(classes=classes)
    weights = np.random.default_rng(1).uniform(0, 2, 80) if weighted else None
    outputs = 1 if classes == 2 else classes
    features = feature_matrix(rows, SIZE)
    model = fit_linear_model(features, labels, outputs, 0.7, weights)
    found = model.logits(rows)
    assert found.shape == (80, outputs)
    for column, one in enumerate([1] if classes == 2 else range(classes)):
        scaled = dense * log_count_ratio(dense, labels == one, weights)
        theirs = LogisticRegression(C=0.7, tol=1e-8).fit(scaled, labels == one, weights)
        expected = theirs.decision_function(scaled)
        np.testing.assert_allclose(found[:, column], expected, rtol=2e-2, atol=2e-2)
    if not weighted:  # the order of the texts is of no account
        order = np.random.default_rng(2).permutation(80)
        again = fit_linear_model(features[order], labels[order], outputs, 0.7)
        np.testing.assert_allclose(again.logits(rows), found, rtol=1e-2, atol=1e-2)


def test_the_penalty_with_the_lowest_loss_on_held_out_texts_is_chosen():
    rows, _, labels = draw(200)
    noisy = np.where(
        np.random.default_rng(3).uniform(size=100) < 0.3, 1 - labels[:100], labels[:100]
    )
    train, valid = (rows[:100], noisy, None), (rows[100:], labels[100:], None)
    strengths = (0.001, 0.01, 0.1, 1.0, 1000.0)
    features = feature_matrix(rows[:100], SIZE)
    losses = [
        cross_entropy(fit_linear_model(features, noisy, 1, c).logits(valid[0]), valid[1])
        for c in strengths
    ]
    found = choose_linear_model(train, valid, SIZE, 1, strengths)
    assert found.strength == strengths[int(np.argmin(losses))]
    assert choose_linear_model(train, None, SIZE, 1).strength == 0.1


def test_a_class_without_a_text_is_never_the_answer():
    rows, _, labels = draw()
    model = fit_linear_model(feature_matrix(rows, SIZE), labels, 3)
    assert {*model.logits(rows).argmax(1)} == {0, 1}
    assert np.isfinite(model.logits(rows)).all()
    nothing = [np.zeros(0, "int32")] * 4  # no text has a feature
    model = fit_linear_model(feature_matrix(nothing, 1), np.array([0, 1, 1, 1]), 1)
    np.testing.assert_allclose(model.logits(nothing), np.log(3), atol=0.05)


def _capped(shares, members, cap):
    """The logits of a capped pool, by the layer."""
    pool = LogOpinionPool(shares.tolist(), logit_cap=cap)
    return keras.ops.convert_to_numpy(pool([one.astype("float32") for one in members]))


@pytest.mark.parametrize("outputs", [1, 3])
def test_weights_of_a_pool_are_the_best_of_a_grid(outputs):
    random = np.random.default_rng(4)
    classes = random.integers(max(2, outputs), size=300)
    target = np.eye(outputs)[classes] if outputs > 1 else classes[:, None] * 2.0 - 1
    members = [target * scale + random.normal(size=target.shape) for scale in (1.0, 0.5, 0.0)]
    found = pool_weights(members, classes)
    best = cross_entropy(np.tensordot(found, members, 1), classes)
    assert (found >= 0).all()
    for grid in np.ndindex(6, 6, 3):
        trial = np.array(grid) * 0.4
        assert best <= cross_entropy(np.tensordot(trial, members, 1), classes) + 1e-3
    assert found[0] > found[1] > found[2]
    cap, shares = 1.0, pool_weights(members, classes, logit_cap=1.0)
    best = cross_entropy(_capped(shares, members, cap), classes)
    for grid in np.ndindex(6, 6, 3):
        trial = np.array(grid) * 0.4 + 0.01
        assert best <= cross_entropy(_capped(trial, members, cap), classes) + 1e-3
    few = pool_weights([one[:2] * 9 for one in members[:1]], classes[:2])
    assert few[0] < 2  # though both are right, and more so with a larger weight
