"""The units of the data change nothing but the units of the answer."""

import logging
import os
import pickle
import warnings

import hmmlearn.hmm
import joblib
import keras
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from rnnkit.errors import InputError
from rnnkit.hmm.emissions import covariance
from rnnkit.hmm.emissions.units import units_of_components, units_of_data
from rnnkit.hmm.estimators.classifier import HMMClassifier
from rnnkit.hmm.estimators.models import GMMHMM, GaussianHMM

logging.getLogger("hmmlearn").setLevel(logging.ERROR)
DEEP = "RNNKIT_DEEP" in os.environ
STEPS, K, D = 120, 2, 2
LENGTHS = [70, 50]
TYPES = ("spherical", "diag", "full", "tied")
# Factors and offsets of the two features; a spherical variance needs one factor for both.
UNITS = {
    "small": ([1e-6, 1e-6], [0.0, 0.0]),
    "large": ([1e6, 1e6], [0.0, 0.0]),
    "far": ([1.0, 1.0], [1e8, -1e8]),
    "uneven": ([1.0, 1e-4], [0.0, 5.0]),
    "far and uneven": ([1e6, 1e-2], [1e8, 1e3]),
    "extreme": ([1e-60, 1e60], [0.0, 0.0]),
}
BEGIN = {"startprob_": np.array([0.6, 0.4]), "transmat_": np.array([[0.8, 0.2], [0.3, 0.7]])}


@pytest.fixture(scope="module")
def data():
    """Two states that stay for a while; the features are correlated within each."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.permutation(np.arange(12) % 2), 10)
    noise = rng.normal(size=(STEPS, D)) @ [[1.0, 0.5], [0.0, 0.6]] * (1 + states[:, None])
    return noise + 4 * states[:, None] * [1, -0.5], states


def models():
    settings = {"random_state": 0, "n_iter": 4, "tol": -np.inf}
    compiles = keras.backend.backend() != "torch" and not DEEP
    found = [GaussianHMM(K, kind, **settings) for kind in (("full",) if compiles else TYPES)]
    kinds = TYPES if DEEP else ("diag",)
    return found + [GMMHMM(K, 2, covariance_type=kind, **settings) for kind in kinds]


def named(value):
    return f"{type(value).__name__}-{value.covariance_type}"


def scaled_covars(covars, kind, factor):
    factor = np.asarray(factor)
    return covars * {"spherical": factor[0] ** 2, "diag": factor**2}.get(
        kind, np.outer(factor, factor)
    )


@pytest.mark.parametrize("model", models(), ids=named)
def test_the_units_of_the_data_are_those_of_the_answer(model, data):
    x, states = data
    kind, plain = model.covariance_type, model.fit(x, LENGTHS).params_
    history, (score, posteriors) = model.history, model.score_samples(x, LENGTHS)
    path = posteriors.argmax(1)
    assert max(np.mean(path == states), np.mean(path != states)) > 0.85
    for name, (factor, offset) in UNITS.items():
        if kind == "spherical" and len(set(factor)) > 1:
            continue
        moved, jacobian = x * factor + offset, STEPS * np.log(factor).sum()
        model.fit(moved, LENGTHS)
        means = (model.means_ - offset) / factor
        # At 1e8 the numbers of the data themselves have steps of 1e-8.
        np.testing.assert_allclose(means, plain["means"], rtol=1e-3, atol=1e-3, err_msg=name)
        ratio = model.covars_ / scaled_covars(np.ones_like(plain["covars"]), kind, factor)
        np.testing.assert_allclose(ratio, plain["covars"], rtol=4e-3, atol=4e-3, err_msg=name)
        np.testing.assert_allclose(model.history, np.subtract(history, jacobian), atol=0.02)
        found, smoothed = model.score_samples(moved, LENGTHS)
        np.testing.assert_allclose(found, score - jacobian, atol=0.02)
        np.testing.assert_allclose(smoothed, posteriors, atol=5e-3)


@pytest.mark.one_backend
@pytest.mark.parametrize("kind", TYPES)
def test_far_from_the_unit_the_steps_are_hmmlearns(kind, data):
    """hmmlearn on standardized data, taken back by the Jacobian."""
    x, _ = data
    factor = np.array([1e-5, 1e-5 if kind == "spherical" else 1e3])
    offset = np.array([1e2, -1e8])
    theirs = hmmlearn.hmm.GaussianHMM(
        K, kind, init_params="", n_iter=4, tol=-np.inf, covars_prior=0.0, min_covar=0.0
    )
    ours = GaussianHMM(K, kind, init_params="", n_iter=4, tol=-np.inf)
    covars = {"spherical": np.ones(K), "diag": np.ones((K, D)), "tied": np.eye(D)}
    covars = covars.get(kind, np.stack([np.eye(D)] * K))
    means = np.array([[0.0, 0.5], [3.0, -1.0]])
    for name, value in (BEGIN | {"means_": means, "covars_": covars}).items():
        setattr(theirs, name, value.copy())
        setattr(ours, name, value.copy())
    theirs.n_features = D
    ours.means_, ours.covars_ = means * factor + offset, scaled_covars(covars, kind, factor)
    given = []
    ours.fit(x * factor + offset, on_iteration=lambda i, params, value: given.append(params))
    theirs.fit(x)
    expected = theirs.means_ * factor + offset
    np.testing.assert_allclose((ours.means_ - offset) / factor, theirs.means_, atol=2e-3)
    np.testing.assert_allclose(given[-1]["means"], expected, rtol=1e-9, atol=1e-7)
    found = theirs._covars_[:, 0] if kind == "spherical" else theirs._covars_
    ratio = ours.covars_ / scaled_covars(np.ones_like(found), kind, factor)
    np.testing.assert_allclose(ratio, found, rtol=5e-3, atol=5e-3)
    jacobian = STEPS * np.log(factor).sum()
    np.testing.assert_allclose(
        ours.history, np.array(theirs.monitor_.history)[-4:] - jacobian, atol=0.05
    )
    np.testing.assert_allclose(ours.stream().step(x[0] * factor + offset).sum(), 1, rtol=1e-5)


@pytest.mark.one_backend
def test_live_data_have_the_log_likelihood_of_their_units(data):
    x = data[0][:, :1] * 1e-4
    model = GaussianHMM(K, random_state=0, n_iter=2).fit(x)
    live = model.stream()
    for step in x[:3]:
        live.step(step)
    live.step(np.nan)
    expected = model.score(np.append(x[:3], [[np.nan]], axis=0))
    np.testing.assert_allclose(live.log_prob, expected, rtol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_a_feature_that_never_varies_is_named(factor, data):
    x, states = data
    for constant in (0.0, 5.0 * factor):
        both = np.column_stack([x[:, 0] * factor, np.full(STEPS, constant)])
        model = GaussianHMM(K, random_state=0, n_iter=4)
        with pytest.warns(UserWarning, match="min_covar.* feature 1, which never varies"):
            model.fit(both)
        path = model.predict(both)
        assert max(np.mean(path == states), np.mean(path != states)) > 0.8
        assert np.isfinite([model.score(both), *model.covars_.ravel()]).all()
        np.testing.assert_allclose(model.means_[:, 1], constant, rtol=1e-6, atol=1e-30)


@pytest.mark.one_backend
@pytest.mark.parametrize("kind", TYPES)
def test_a_lower_bound_that_was_found_is_told(kind, data):
    """A state of equal observations: its variance is the bound, relative or as it was given."""
    x, _ = data
    x = x * 1e-3
    x[30:60] = 0.02
    if kind == "tied":
        x[:, 1] = 2 * x[:, 0]
    settings = {"covariance_type": kind, "random_state": 0, "n_iter": 5}
    with pytest.warns(UserWarning, match="lower bound .min_covar, 1e-06 of the variance"):
        model = GaussianHMM(3, **settings).fit(x)
    if kind == "diag":
        np.testing.assert_allclose(model.covars_.min(0), 1e-6 * x.var(axis=0), rtol=1e-3)
    with pytest.warns(UserWarning, match="lower bound .min_covar=1e-05"):
        model = GaussianHMM(3, min_covar=1e-5, **settings).fit(x)
    matrices = kind in ("full", "tied")
    least = np.linalg.eigvalsh(model.covars_) if matrices else model.covars_
    np.testing.assert_allclose(least.min(), 1e-5, rtol=1e-3)


@pytest.mark.one_backend
def test_a_large_reading_that_moves_a_little():
    """A meter that reads 1.2e8 and moves by 1."""
    rng = np.random.default_rng(1)
    states = np.repeat(np.arange(6) % 2, 20)
    meter = 1.2e8 + rng.normal(0, 1, STEPS) + 6 * states
    found = GaussianHMM(K, random_state=0, n_iter=10).fit(meter).predict(meter)
    assert max(np.mean(found == states), np.mean(found != states)) > 0.98


@pytest.mark.one_backend
def test_nearly_collinear_features_keep_what_is_between_them():
    """Two prices that differ by their spread alone, a ten-thousandth of them."""
    rng = np.random.default_rng(1)
    price = 100 + 10 * rng.normal(size=STEPS)
    x = np.column_stack([price, price + rng.normal(0.02, 0.001, STEPS)])
    model = GaussianHMM(1, "full", n_iter=3).fit(x)
    expected = np.cov(x.T, bias=True)
    across = np.array([1.0, -1.0])
    spread = across @ model.covars_[0] @ across
    np.testing.assert_allclose(spread, across @ expected @ across, rtol=1e-3)
    exact = multivariate_normal(x.mean(0), expected).logpdf(x).sum()
    np.testing.assert_allclose(model.score(x), exact, rtol=1e-4)


@pytest.mark.one_backend
def test_a_column_of_nothing_is_refused_by_name(data):
    x = data[0].copy()
    x[:, 1] = np.nan
    with pytest.raises(InputError, match="Feature 1 of X is NaN at every step"):
        GaussianHMM(K).fit(x)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match=r"Feature 1 \('load'\) of X is NaN"):
        GaussianHMM(K).fit(pandas.DataFrame(x, columns=["wind", "load"]))
    model = GaussianHMM(K, random_state=0, n_iter=2).fit(data[0])
    with pytest.warns(UserWarning, match="Feature 1 of X is NaN at every step"):
        model.predict(x)


@pytest.mark.one_backend
def test_observations_beyond_float32_are_named(data):
    model = GaussianHMM(K, random_state=0, n_iter=2).fit(data[0] * 1e-6)
    with pytest.raises(InputError, match=r"Observation 0, feature 1 is 1e\+30, .*deviations"):
        model.score(np.array([[0.0, 1e30]]))


@pytest.mark.one_backend
def test_priors_are_in_the_units_of_the_data(data):
    x, _ = data
    factor, offset = np.array([1e-3, 1e2]), np.array([7.0, -2.0])
    for kind in ("diag", "full"):
        prior = np.diag([0.5, 0.3]) if kind == "full" else np.array([0.5, 0.3])
        shared = {"covariance_type": kind, "means_weight": 5.0, "random_state": 0, "n_iter": 3}
        plain = GaussianHMM(K, means_prior=0.5, covars_prior=prior, **shared).fit(x)
        scale = np.outer(factor, factor) if kind == "full" else factor**2
        moved = GaussianHMM(
            K, means_prior=0.5 * factor + offset, covars_prior=prior * scale, **shared
        ).fit(x * factor + offset)
        np.testing.assert_allclose((moved.means_ - offset) / factor, plain.means_, atol=2e-3)
        np.testing.assert_allclose(moved.covars_ / scale, plain.covars_, rtol=5e-3, atol=5e-3)


@pytest.mark.one_backend
@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e6])
def test_classes_are_told_apart_in_any_units(factor):
    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    spread = 2 + 4 * y
    x = [factor * np.column_stack([rng.normal(0, s, 20), np.full(20, 3.0)]) for s in spread]
    model = HMMClassifier(GaussianHMM(1, n_iter=3, random_state=0))
    with pytest.warns(UserWarning, match="never varies"):
        model.fit(x, y)
    assert model.score(x, y) > 0.9


@pytest.mark.one_backend
def test_a_model_read_from_a_file_is_fitted_again_without_a_word(data, tmp_path):
    x = data[0]
    model = GaussianHMM(K, random_state=0, n_iter=2).fit(x)
    joblib.dump(model, tmp_path / "model.joblib")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for copy in (joblib.load(tmp_path / "model.joblib"), pickle.loads(pickle.dumps(model))):
            copy.fit(x)
            np.testing.assert_array_equal(copy.means_, model.means_)
    model.means_[0] = 9.0  # what the user changes, in place too, is not what fit learned
    with pytest.warns(UserWarning, match="means_ was set"):
        model.fit(x)


@pytest.mark.one_backend
def test_what_fit_does_not_learn_stays_to_the_digit(data):
    model = GaussianHMM(K, init_params="st", params="st", n_iter=2)
    model.means_, model.covars_ = np.array([[0.1, 0.7], [4.3, -2.1]]), np.ones((K, D))
    means = model.means_.copy()
    model.fit(data[0])
    np.testing.assert_array_equal(model.means_, means)


@pytest.mark.one_backend
@pytest.mark.parametrize("kind", ["common", "each", "white"])
def test_units_go_there_and_back(kind, data):
    x = data[0] * [1e-3, 1e5] + [5.0, 1e8]
    units = units_of_data(x, kind)
    np.testing.assert_allclose(units.restore(units.standardize(x)), x, rtol=1e-12)
    matrices = np.stack([np.cov(x.T), np.diag(np.var(x, axis=0))])
    back = units.restore_matrices(units.standardize_matrices(matrices))
    np.testing.assert_allclose(back, matrices, rtol=1e-9, atol=1e-6)
    if kind == "white":
        np.testing.assert_allclose(np.cov(units.standardize(x).T, bias=True), np.eye(D), atol=1e-6)
        sign, log_det = np.linalg.slogdet(np.cov(x.T, bias=True))
        np.testing.assert_allclose(units.log_jacobian, log_det / 2, rtol=1e-9)
        assert sign > 0
    again = units_of_components(x[:1], np.cov(x.T)[None], kind)
    covars = again.standardize_matrices(np.cov(x.T)[None])[0]
    assert 0.1 < np.trace(covars) < 10


@pytest.mark.one_backend
def test_nearly_singular_covariances_have_a_factor_and_that_is_told():
    model = GaussianHMM(1, "full")
    model.startprob_, model.transmat_ = np.ones(1), np.ones((1, 1))
    root = np.array([[1.0, 0.0], [1.0, 1e-7]])
    wide = np.array([[[1.0, 0.9], [0.9, 1.0]]])
    found, changed = covariance.factorable((root @ root.T)[None], "float32")
    assert changed
    assert np.linalg.cholesky(found.astype("float32")).shape == (1, 2, 2)
    assert not covariance.factorable(wide, "float32")[1]
    model.means_, model.covars_ = np.zeros((1, 2)), (root @ root.T)[None]
    assert np.isfinite(model.score(np.zeros((3, 2))))
    assert model.sample(3, 0)[0].shape == (3, 2)
