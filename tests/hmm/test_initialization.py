"""Where training begins: k-means centres, widths within clusters, random probabilities."""

import numpy as np
import pytest

from rnnkit.hmm.emissions import (
    Categorical,
    Gaussian,
    GaussianMixture,
    Poisson,
    initialization,
)

MEANS = np.array([[-3.0, 0.0], [0.0, 3.0], [3.0, -1.0]])


def easy(rng, steps=900):
    """Three states that stay for a while, two features of different widths."""
    states = np.repeat(rng.permutation(np.arange(steps // 30) % 3), 30)
    return MEANS[states] + rng.normal(size=(steps, 2)) * [0.5, 0.8], states


def order(means):
    return means[np.argsort(means[:, 0])]


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_an_easy_model_is_found_from_every_seed(offset):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, _ = easy(rng)
        found = Gaussian("diag").initial_params((x + offset).astype("float32"), 3, rng)
        np.testing.assert_allclose(order(found["means"] - offset), MEANS, atol=0.25)
        np.testing.assert_allclose(found["covars"], [[0.25, 0.64]] * 3, rtol=0.3)


@pytest.mark.parametrize("kind", ["spherical", "diag", "full", "tied"])
def test_widths_are_those_within_clusters(kind):
    x, states = easy(np.random.default_rng(0))
    found = Gaussian(kind).initial_params(x, 3, np.random.default_rng(1))
    assert {name: v.shape for name, v in found.items()} == Gaussian(kind).shapes(3, 2)
    within = np.mean([np.cov(x[states == k].T) for k in range(3)], axis=0)
    expected = {
        "spherical": np.trace(within) / 2,
        "diag": np.diag(within),
        "full": within,
        "tied": within,
    }[kind]
    widths = found["covars"] if kind == "tied" else found["covars"].mean(axis=0)
    np.testing.assert_allclose(widths, expected, atol=0.05)


@pytest.mark.parametrize("kind", ["spherical", "diag", "full", "tied"])
def test_mixtures_begin_within_the_clusters(kind):
    """Two states of two lumps each, the lumps nearer to each other than the states."""
    rng = np.random.default_rng(2)
    lumps = np.array([[-10.0, 0], [-7, 0], [7, 0], [10, 0]])
    x = np.concatenate(
        [
            lump + 0.3 * rng.normal(size=(n, 2))
            for lump, n in zip(lumps, (100, 300, 200, 200), strict=True)
        ]
    )
    emission = GaussianMixture(2, kind)
    found = emission.initial_params(x, 2, rng)
    assert {name: v.shape for name, v in found.items()} == emission.shapes(2, 2)
    np.testing.assert_allclose(order(found["means"].reshape(4, 2)), lumps, atol=0.1)
    left = found["means"][:, 0, 0].argmin()
    np.testing.assert_allclose(np.sort(found["weights"][left]), [0.25, 0.75], atol=0.02)
    np.testing.assert_allclose(found["weights"].sum(-1), 1)


def test_counts_begin_at_the_rates_of_clusters():
    rng = np.random.default_rng(3)
    x = rng.poisson(np.repeat([2.0, 20.0, 60.0], 200))[:, None]
    found = Poisson().initial_params(x, 3, rng)["lambdas"]
    np.testing.assert_allclose(np.sort(found[:, 0]), [2, 20, 60], rtol=0.15)
    assert (Poisson().initial_params(np.zeros((9, 1)), 2, rng)["lambdas"] > 0).all()


def test_symbols_begin_at_random_probabilities():
    found = Categorical().initial_params(np.array([0, 4, 2]), 3, np.random.default_rng(4))[
        "emissionprob"
    ]
    assert found.shape == (3, 5)
    np.testing.assert_allclose(found.sum(-1), 1)
    assert found.min() >= 0
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize(
    "x",
    [np.zeros((6, 2)), np.ones((1, 2)), np.repeat(np.eye(2), 4, axis=0)],
    ids=["constant", "one step", "two points"],
)
def test_fewer_points_than_states(x):
    for emission in (Gaussian("full"), Gaussian("tied"), GaussianMixture(2), Poisson()):
        found = emission.initial_params(x, 3, np.random.default_rng(5))
        assert {name: v.shape for name, v in found.items()} == emission.shapes(3, 2)
        assert all(np.isfinite(value).all() for value in found.values())
        if isinstance(emission, GaussianMixture):
            assert found["covars"].min() >= 0.999e-6


def test_long_data_are_sampled(monkeypatch):
    monkeypatch.setattr(initialization, "MAX_SAMPLE", 300)
    rng = np.random.default_rng(6)
    x, _ = easy(rng)
    found = initialization.kmeans(x, 3, rng)
    assert len(found.x) == len(found.labels) == 300
    np.testing.assert_allclose(order(found.centres), MEANS, atol=0.3)


def test_one_seed_one_start():
    x, _ = easy(np.random.default_rng(7))
    one, two = (GaussianMixture(2).initial_params(x, 3, np.random.default_rng(8)) for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
