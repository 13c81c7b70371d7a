"""The numbers of report.html: calibration, quality by length, disagreement of recipes."""

import numpy as np
import pytest
from finished_runs import Study, classified
from scipy.spatial.distance import jensenshannon
from sklearn.calibration import calibration_curve

from rnnkit.study.by_length import length_groups, quality_by_length
from rnnkit.study.calibration import confidences, reliability
from rnnkit.study.comparable import by_recipe
from rnnkit.study.disagreement import disputed, divergence


@pytest.mark.parametrize("classes", [2, 4])
def test_reliability_equals_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    every = rng.dirichlet(np.ones(classes), 500)
    truth = np.array([rng.choice(classes, p=row**2 / (row**2).sum()) for row in every])
    given = every[:, 1:] if classes == 2 else every
    found = reliability(given, truth, bins=10)
    right, sure = every.argmax(1) == truth, every.max(1)
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    np.testing.assert_allclose(found.accuracy, accuracy)
    np.testing.assert_allclose(found.confidence, confidence)
    by_hand = 0.0
    for low in np.arange(10) / 10:
        inside = (sure > low) & (sure <= low + 0.1)
        if inside.any():
            by_hand += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert found.error == pytest.approx(by_hand)


def test_certain_and_undecided_models_have_bins():
    found = reliability(np.array([[1.0], [0.0], [0.5]]), np.array([1, 0, 1]), bins=2)
    assert found.examples.tolist() == [1, 2]  # a bin has its upper edge: 0.5 is in the first
    assert found.accuracy.tolist() == [0, 1]  # 0.5 is an answer of the first class
    assert found.error == pytest.approx(0.5 / 3)
    assert confidences(np.array([[0.2, 0.5, 0.3]])).tolist() == [0.5]


def test_divergence_equals_scipy():
    first, second = np.random.default_rng(0).dirichlet(np.ones(3), (2, 7))
    expected = jensenshannon(first, second, base=2, axis=1) ** 2
    np.testing.assert_allclose(divergence(np.stack([first, second])), expected)


def test_the_most_disputed_examples_come_first(tmp_path):
    study = Study(tmp_path)
    truth = np.array([0, 1, 1, 0], "int32")
    for recipe, second in (("a", [0.1, 0.9, 0.6, 0.2]), ("b", [0.4, 0.1, 0.4, 0.3])):
        for seed in (0, 1):  # the mean over the runs counts
            outputs = np.array(second)[:, None] + (0.05 if seed else -0.05)
            study.add(recipe, seed, {**classified(truth, 1, 0), "probabilities": outputs})
    found = disputed(by_recipe(study, []))
    assert [one.place for one in found] == [1, 2]
    assert found[0].truth == "pos"
    assert found[0].answers == {"a": ("pos", pytest.approx(0.9)), "b": ("neg", pytest.approx(0.9))}
    assert found[0].divergence > found[1].divergence
    assert [one.place for one in disputed(by_recipe(study, []), most=1)] == [1]


def test_quality_by_length_is_that_of_the_examples_of_each_group(tmp_path):
    study = Study(tmp_path)
    truth = np.random.default_rng(0).integers(0, 2, 300).astype("int32")
    lengths = np.random.default_rng(1).permutation(300) + 1
    for seed in (0, 1):
        kept = classified(truth, 0.9, seed)
        kept["probabilities"][lengths > 240] = 1 - truth[lengths > 240, None]  # long ones are wrong
        study.add("lstm", seed, {**kept, "lengths": lengths})
    found = quality_by_length(by_recipe(study, []), draws=200)
    assert (found.measure, found.what) == ("accuracy", "tokens or steps of the input")
    assert [(group.least, group.most) for group in found.groups] == [
        (1, 60),
        (61, 120),
        (121, 180),
        (181, 240),
        (241, 300),
    ]
    for group in found.groups:
        some = (lengths >= group.least) & (lengths <= group.most)
        shares = [
            ((run[:, 0] > 0.5) == truth)[some].mean()
            for run in (classified(truth, 0.9, seed)["probabilities"] for seed in (0, 1))
        ]
        mean, low, high = group.values["lstm"]
        assert mean == pytest.approx(np.mean(shares) if group.least < 241 else 0)
        assert 0 <= low <= mean <= high <= 1


def test_equal_lengths_stay_together_and_no_group_is_small():
    assert [len(rows) for rows in length_groups(np.full(500, 7))] == [500]
    assert length_groups(np.array([1, 2]))[0].tolist() == [0, 1]
    lengths = np.repeat([1, 2, 3, 40], [100, 85, 10, 5])
    groups = length_groups(lengths)
    assert sorted(np.concatenate(groups)) == list(range(200))
    assert [set(lengths[rows]) for rows in groups] == [{1}, {2, 3, 40}]


def test_words_of_tagged_sentences_are_their_lengths(tmp_path):
    words = np.repeat([3, 30], 50)
    study = Study(tmp_path)
    study.add("tagger", 0, {"words": words, "words_right": np.where(words == 3, 3, 15)})
    found = quality_by_length(by_recipe(study, []), draws=50)
    assert found.what == "words of the sentence"
    assert [group.values["tagger"][0] for group in found.groups] == [1, 0.5]


def test_pieces_of_series_have_no_length(tmp_path):
    study = Study(tmp_path)
    study.add(
        "forecaster", 0, dict.fromkeys(("absolute_error", "squared_error", "targets"), np.ones(60))
    )
    assert quality_by_length(by_recipe(study, [])) is None
