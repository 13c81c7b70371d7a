"""From the same start and with the same priors: hmmlearn's parameters after n steps."""

import logging

import hmmlearn.hmm
import keras
import numpy as np
import pytest
from autodiff import float64

from rnnkit.hmm.estimators import models

K, D, M, V = 3, 2, 2, 4
LENGTHS = [40, 1, 25, 8, 60, 2]
STEPS = 4
COVARIANCES = ("spherical", "diag", "full", "tied")
logging.getLogger("hmmlearn").setLevel(logging.ERROR)


def precisions(make, kind):
    """float32 and float64; few of the latter on JAX, whose compilations take long."""
    yield "float32", 1e-3
    if keras.backend.backend() != "jax" or (make, kind) in ((gaussian, "full"), (mixture, "diag")):
        yield "float64", 1e-6


def chain(rng):
    return rng.dirichlet(np.ones(K)), rng.dirichlet(np.full(K, 2.0), K)


def observations(rng):
    """Steps whose means wander between three places."""
    states = np.repeat(rng.integers(0, K, 17), 8)
    return rng.normal(size=(136, D)) + 2.5 * np.array([[0, 0], [1, 0], [0, 1]])[states]


def covariances(rng, kind, shape, form):
    """Covariances of a kind; `form` is what stands before the features."""
    if kind == "spherical":
        return rng.uniform(0.5, 2, form)
    if kind == "diag":
        return rng.uniform(0.5, 2, (*form, D))
    form = shape if kind == "tied" else form
    roots = rng.normal(size=(*form, D, D))
    return roots @ np.swapaxes(roots, -1, -2) + np.eye(D)


def gaussian(rng, kind):
    x = observations(rng)
    settings = {
        "covariance_type": kind,
        "means_prior": 0.3,
        "means_weight": 0.7,
        "covars_prior": 0.05,
        "covars_weight": 3.0,
    }
    first = {
        "means_": x[rng.choice(len(x), K, replace=False)],
        "covars_": covariances(rng, kind, (), (K,)),
    }
    return x, "GaussianHMM", settings, first


def mixture(rng, kind):
    x = observations(rng)
    settings = {"covariance_type": kind, "n_mix": M, "weights_prior": 1.5, "means_weight": 0.4}
    if kind in ("spherical", "diag"):
        settings |= {"covars_prior": 0.2, "covars_weight": 0.3}
    first = {
        "weights_": rng.dirichlet(np.ones(M), K),
        "means_": x[rng.choice(len(x), K * M, replace=False)].reshape(K, M, D),
        "covars_": covariances(rng, kind, (K,), (K, M)),
    }
    return x, "GMMHMM", settings, first


def categorical(rng, kind):
    del kind
    x = rng.integers(0, V, (136, 1))
    first = {"emissionprob_": rng.dirichlet(np.ones(V), K)}
    return x, "CategoricalHMM", {"emissionprob_prior": 1.3, "n_features": V}, first


def poisson(rng, kind):
    del kind
    x = rng.poisson(rng.choice([2.0, 9.0], (136, D)))
    return x, "PoissonHMM", {}, {"lambdas_": rng.uniform(1, 9, (K, D))}


CASES = [
    *((gaussian, kind) for kind in COVARIANCES),
    *((mixture, kind) for kind in COVARIANCES),
    (categorical, ""),
    (poisson, ""),
]


def build(make, kind, dtype, **changes):
    """The same start, data, priors for hmmlearn and for us."""
    rng = np.random.default_rng(5)
    x, name, settings, first = make(rng, kind)
    startprob, transmat = chain(rng)
    first |= {"startprob_": startprob, "transmat_": transmat}
    shared = {"startprob_prior": 1.4, "transmat_prior": 1.2, "init_params": "", **changes}
    theirs = getattr(hmmlearn.hmm, name)(K, tol=-np.inf, **settings, **{"n_iter": STEPS, **shared})
    ours = getattr(models, name)(
        K, tol=-np.inf, dtype=dtype, **settings, **{"n_iter": STEPS, **shared}
    )
    if name == "GaussianHMM":
        theirs.n_features = D
    for attribute, value in first.items():
        setattr(theirs, attribute, value.copy())
        setattr(ours, attribute, value.copy())
    return x, ours, theirs


def same_parameters(ours, theirs, rtol):
    for name in ("startprob_", "transmat_", *(f"{name}_" for name in ours.emission_.constraints)):
        expected = getattr(theirs, name)
        if name == "covars_" and isinstance(theirs, hmmlearn.hmm.GaussianHMM):
            expected = theirs._covars_
            if ours.covariance_type == "spherical" and expected.ndim == 2:
                expected = expected[:, 0]
        np.testing.assert_allclose(
            getattr(ours, name), expected, rtol=rtol, atol=rtol, err_msg=name
        )


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(*case, marks=() if case[1] in ("full", "") else pytest.mark.one_backend)
        for case in CASES
    ],
)
def test_steps_of_baum_welch(make, kind):
    for dtype, rtol in precisions(make, kind):
        with float64(dtype == "float64"):
            x, ours, theirs = build(make, kind, dtype)
            ours.fit(x, LENGTHS)
            theirs.fit(x, LENGTHS)
            same_parameters(ours, theirs, rtol)
            np.testing.assert_allclose(ours.history, theirs.monitor_.history, rtol=rtol)


@pytest.mark.parametrize("letters", ["st", "e", "t"])
def test_only_the_named_parameters_are_learned(letters):
    x, ours, theirs = build(categorical, "", "float32", params=letters)
    before = ours.emissionprob_.copy()
    ours.fit(x, LENGTHS)
    theirs.fit(x, LENGTHS)
    same_parameters(ours, theirs, 1e-3)
    assert ("e" in letters) != np.allclose(ours.emissionprob_, before)


def test_zeros_in_start_and_transitions_stay():
    x, ours, theirs = build(categorical, "", "float32")
    for model in (ours, theirs):
        model.startprob_ = np.array([1.0, 0.0, 0.0])
        model.transmat_ = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.2, 0.0, 0.8]])
        model.fit(x, LENGTHS)
    same_parameters(ours, theirs, 1e-3)
    assert (ours.transmat_ == 0).sum() == 3


def test_scores_posteriors_and_paths():
    x, ours, theirs = build(gaussian, "full", "float32")
    np.testing.assert_allclose(ours.score(x, LENGTHS), theirs.score(x, LENGTHS), rtol=1e-5)
    expected = theirs.predict_proba(x, LENGTHS)
    np.testing.assert_allclose(ours.predict_proba(x, LENGTHS), expected, atol=1e-5)
    log_prob, states = ours.decode(x, LENGTHS)
    expected = theirs.decode(x, LENGTHS)
    np.testing.assert_allclose(log_prob, expected[0], rtol=1e-5)
    np.testing.assert_array_equal(states, expected[1])
    np.testing.assert_array_equal(
        ours.decode(x, LENGTHS, "map")[1], theirs.decode(x, LENGTHS, "map")[1]
    )
    # hmmlearn counts the same parameters; its bic counts the same steps
    np.testing.assert_allclose(ours.aic(x, LENGTHS), theirs.aic(x, LENGTHS), rtol=1e-5)
    np.testing.assert_allclose(ours.bic(x, LENGTHS), theirs.bic(x, LENGTHS), rtol=1e-5)
