"""Baum-Welch: what it may never do, and what hmmlearn gets wrong."""

import warnings

import keras
import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.hmm.emissions import Emission
from rnnkit.hmm.estimators import blocks, em
from rnnkit.hmm.estimators.models import GMMHMM, HMM, CategoricalHMM, GaussianHMM, PoissonHMM

EASY = {
    "startprob": np.array([0.6, 0.3, 0.1]),
    "transmat": np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]),
    "means": np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]),
    "covars": np.array([[1.0, 0.5], [0.6, 1.0], [0.8, 0.8]]),
}


def put(model, **values):
    for name, value in values.items():
        setattr(model, name + "_", np.array(value))
    return model


@pytest.fixture(scope="module")
def easy():
    """Twenty sequences of an easy Gaussian model of three states."""
    model = put(GaussianHMM(3), **EASY)
    return [model.sample(30, seed)[0] for seed in range(20)]


@pytest.mark.one_backend
def test_the_default_start_finds_the_optimum_from_every_seed(easy):
    x, lengths = np.concatenate(easy), [30] * 20
    from_truth = put(GaussianHMM(3, init_params="", n_iter=200), **EASY).fit(x, lengths)
    found = [GaussianHMM(3, random_state=seed).fit(x, lengths) for seed in range(20)]
    best = from_truth.score(x, lengths)
    assert [model for model in found if model.score(x, lengths) < best - 0.1] == []
    assert all(model.converged_ and len(model.history) < 100 for model in found)


def random_data(seed):
    rng = np.random.default_rng(seed)
    states = np.repeat(rng.integers(0, 3, 12), 5)
    x = rng.normal(size=(60, 2)) * rng.uniform(0.3, 2, (3, 2))[states] + 2 * states[:, None]
    return {
        GaussianHMM: x,
        GMMHMM: x,
        CategoricalHMM: rng.integers(0, 4, 60),
        PoissonHMM: rng.poisson(1 + 4 * states),
    }


@pytest.mark.filterwarnings("ignore:The variance that fit found")  # of a component of one step
@pytest.mark.parametrize("kind", [GaussianHMM, GMMHMM, CategoricalHMM, PoissonHMM])
def test_the_log_likelihood_never_falls(kind):
    settings = {"n_init": 3, "tol": -np.inf, "n_iter": 12}
    if kind is GMMHMM:
        settings["n_mix"] = 2
    for seed in range(4):
        histories = []
        model = kind(3, random_state=seed, **settings)
        model.fit(
            random_data(seed)[kind],
            [20, 1, 39],
            on_iteration=lambda i, parameters, value: histories.append((i, value)),  # noqa: B023
        )
        assert [i for i, _ in histories] == list(range(12))
        gains = np.diff(model.history)
        assert gains.min() > -2e-3, model.history  # float32 on a sum of about 100
        assert model.history[-1] > model.history[0]
        assert all(np.isfinite(value).all() for value in model.params_.values())


@pytest.mark.one_backend
def test_restarts_are_trained_as_if_alone(easy):
    """Three starts in one batch and one after the other: the same best, the same history."""
    settings = {"n_init": 3, "random_state": 3, "tol": 0.1, "n_iter": 30}
    together = GaussianHMM(3, **settings).fit(easy)
    limit, em.MAX_BATCH_ELEMENTS = em.MAX_BATCH_ELEMENTS, 1
    try:
        apart = GaussianHMM(3, **settings).fit(easy)
    finally:
        em.MAX_BATCH_ELEMENTS = limit
    assert len(together.history) == len(apart.history)
    np.testing.assert_allclose(together.history, apart.history, rtol=1e-5)
    np.testing.assert_allclose(together.means_, apart.means_, rtol=1e-3, atol=1e-3)


def test_blocks_add_up(easy, monkeypatch):
    x = [sequence[: 3 + 7 * (place % 3)] for place, sequence in enumerate(easy)]
    start = {"init_params": "", "n_iter": 3, "tol": -np.inf}
    whole = put(GaussianHMM(3, **start), **EASY).fit(x)
    posteriors = whole.predict_proba(x)
    monkeypatch.setattr(blocks, "MAX_BLOCK_ELEMENTS", 400)
    parts = put(GaussianHMM(3, **start), **EASY).fit(x)
    np.testing.assert_allclose(parts.history, whole.history, rtol=1e-5)
    np.testing.assert_allclose(parts.means_, whole.means_, atol=1e-4)
    np.testing.assert_allclose(parts.transmat_, whole.transmat_, atol=1e-4)
    for mine, theirs in zip(whole.predict_proba(x), posteriors, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_a_state_without_data_keeps_its_last_parameters_and_is_named():
    model = put(
        GaussianHMM(2, init_params="", n_iter=5),
        startprob=[1.0, 0.0],
        transmat=[[1.0, 0.0], [0.4, 0.6]],
        means=[[0.0], [50.0]],
        covars=[[1.0], [2.0]],
    )
    with pytest.warns(UserWarning, match="No data were left for state 1"):
        model.fit(np.random.default_rng(0).normal(size=(30, 1)))
    np.testing.assert_allclose(model.transmat_[1], [0.4, 0.6], rtol=1e-6)
    np.testing.assert_allclose([model.means_[1, 0], model.covars_[1, 0]], [50, 2], rtol=1e-6)


def test_a_state_visited_once_at_the_end_keeps_its_transitions():
    """hmmlearn's row becomes [0, 0] and its next score is NaN."""
    x = np.array([0, 0, 0, 0, 1])
    model = put(
        CategoricalHMM(2, init_params="", n_iter=3),
        startprob=[1.0, 0.0],
        transmat=[[0.5, 0.5], [0.0, 1.0]],
        emissionprob=[[1.0, 0.0], [0.0, 1.0]],
    ).fit(x)
    np.testing.assert_allclose(model.transmat_, [[0.75, 0.25], [0, 1]], atol=1e-6)
    assert np.isfinite(model.score(x))


@pytest.mark.one_backend
def test_one_outlier_and_collinear_features_and_constant_data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 1))
    x[30] = 1e6  # hmmlearn's scaling underflows
    with pytest.warns(UserWarning, match="min_covar"):  # the outlier has a state of its own
        model = GaussianHMM(2, random_state=0).fit(x)
    assert np.isfinite([model.score(x), *model.means_.ravel(), *model.covars_.ravel()]).all()
    collinear = np.concatenate([x[:30], 2 * x[:30], -x[:30]], 1)  # hmmlearn raises
    for kind in ("full", "tied"):
        with pytest.warns(UserWarning, match="smallest eigenvalue .* min_covar"):
            model = GaussianHMM(2, kind, random_state=0).fit(collinear)
        assert np.isfinite([model.score(collinear), *model.covars_.ravel()]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k-means names the lack of clusters
        constant = GaussianHMM(2, random_state=0).fit(np.ones((20, 1)))
    assert np.isfinite(constant.score(np.ones((20, 1))))
    np.testing.assert_allclose(constant.covars_, 1e-6, rtol=1e-5)  # relative to the number, 1


def test_an_impossible_observation_is_learned_from():
    """It is impossible at the start only: the posteriors of its neighbours say whose it is."""
    model = put(
        CategoricalHMM(2, n_features=3, init_params="", n_iter=4),
        startprob=[0.5, 0.5],
        transmat=[[0.9, 0.1], [0.1, 0.9]],
        emissionprob=[[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]],
    ).fit([0, 0, 2, 0, 0, 1, 1, 1, 1])
    assert model.history[0] == -np.inf
    assert np.isfinite(model.history[1:]).all()
    assert model.emissionprob_[0, 2] > 0.1 > model.emissionprob_[1, 2]


class Exponential(Emission):
    """`p(x | z = k) = r_k exp(-r_k x)`: an emission is two methods."""

    constraints = {"rates": "positive"}  # noqa: RUF012

    def log_likelihood(self, params, x):
        rates = params["rates"][:, None]
        return keras.ops.log(rates) - rates * x[None]

    def m_step(self, params, x, weights):
        sums = keras.ops.einsum("rnk,nd->rk", weights, x)
        return {"rates": keras.ops.sum(weights, 1) / keras.ops.maximum(sums, 1e-10)}


@pytest.mark.every_backend
def test_a_custom_emission():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.exponential(1, 200), rng.exponential(20, 200)])
    model = HMM(2, Exponential(), init_params="st")
    model.rates_ = np.array([0.5, 0.1])
    model.fit(x)
    np.testing.assert_allclose(np.sort(1 / model.rates_), [1, 20], rtol=0.2)
    with pytest.raises(InputError, match="has no initialisation"):
        HMM(2, Exponential()).fit(x)


class Broken(Exponential):
    def log_likelihood(self, params, x):
        return super().log_likelihood(params, x) * np.nan


def test_an_emission_that_returns_nan_is_refused():
    model = HMM(2, Broken(), init_params="st")
    model.rates_ = np.array([0.5, 0.1])
    with pytest.raises(InputError, match=r"Broken.log_likelihood or .m_step returned NaN"):
        model.fit(np.ones(5))
    model.startprob_, model.transmat_ = np.full(2, 0.5), np.full((2, 2), 0.5)
    with pytest.raises(InputError, match=r"Broken.log_likelihood or .m_step returned NaN"):
        model.score(np.ones(5))


def test_progress_is_printed_on_demand(capsys):
    x = np.arange(6)
    CategoricalHMM(2, n_features=6, random_state=0, n_iter=2).fit(x)
    assert capsys.readouterr() == ("", "")
    CategoricalHMM(2, n_features=6, random_state=0, n_iter=2, tol=-np.inf, verbose=True).fit(x)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_iter": 0}, "at least one iteration"),
        ({"startprob_prior": [1.0, 2.0, 3.0]}, "startprob_prior has the shape"),
        ({"transmat_prior": -1.0}, "transmat_prior has the shape .*none negative"),
        ({"params": "stx"}, "'x' is not the letter of a parameter"),
        ({"n_components": 0}, "n_components is 0"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"n_components": 7}, "6 observed steps, fewer than n_components=7"),
    ],
)
def test_settings_that_cannot_be(settings, said):
    model = GaussianHMM(**{"n_components": 2, **settings})
    with pytest.raises(InputError, match=said):
        model.fit(np.arange(6.0))
