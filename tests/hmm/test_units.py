"""The units of the data change nothing but the units of the answer."""

import logging
import os
import warnings

import hmmlearn.hmm
import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.hmm.emissions.units import units_of_components, units_of_data
from rnnkit.hmm.estimators.classifier import HMMClassifier
from rnnkit.hmm.estimators.models import GMMHMM, HMM, CategoricalHMM, GaussianHMM
from rnnkit.hmm.emissions import Gaussian

logging.getLogger("hmmlearn").setLevel(logging.ERROR)
DEEP = "RNNKIT_DEEP" in os.environ
STEPS, K, D = 120, 2, 2
TYPES = ("spherical", "diag", "full", "tied")
# factors and offsets of the two features; a spherical variance needs one factor for both
UNITS = {
    "small": ([1e-6, 1e-6], [0.0, 0.0]),
    "large": ([1e6, 1e6], [0.0, 0.0]),
    "far": ([1.0, 1.0], [1e8, -1e8]),
    "uneven": ([1.0, 1e-4], [0.0, 5.0]),
    "far and uneven": ([1e6, 1e-2], [1e8, 1e3]),
    "tiny": ([1e-60, 1e-60], [0.0, 0.0]),
    "huge": ([1e60, 1e60], [0.0, 0.0]),
}


@pytest.fixture(scope="module")
def data():
    """Two states that stay for a while; the features are correlated within each."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.permutation(np.arange(12) % 2), 10)
    noise = rng.normal(size=(STEPS, D)) @ [[1.0, 0.5], [0.0, 0.6]] * (1 + states[:, None])
    return noise + 4 * states[:, None] * [1, -0.5], states


def models():
    for kind in TYPES:
        yield GaussianHMM(K, kind, random_state=0, n_iter=4, tol=-np.inf)
    for kind in TYPES if DEEP else ("diag", "full"):
        yield GMMHMM(K, 2, covariance_type=kind, random_state=0, n_iter=4, tol=-np.inf)


def named(value):
    return f"{type(value).__name__}-{value.covariance_type}"


def in_units(params, kind, factor, offset):
    """Means and covariances of data `x * factor + offset`."""
    factor = np.asarray(factor)
    scale = {"spherical": factor[0] ** 2, "diag": factor**2}.get(kind, np.outer(factor, factor))
    return params["means"] * factor + offset, params["covars"] * scale


@pytest.mark.parametrize("model", list(models()), ids=named)
def test_the_units_of_the_data_are_those_of_the_answer(model, data):
    x, states = data
    model = model.fit(x, [70, 50])
    plain, ll = model.params_, model.score(x, [70, 50])
    history, path = model.history, model.predict(x)
    posteriors = model.predict_proba(x)
    assert max(np.mean(path == states), np.mean(path != states)) > 0.85
    kind = model.covariance_type
    for name, (factor, offset) in UNITS.items():
        if kind == "spherical" and len(set(factor)) > 1:
            continue
        moved = x * factor + offset
        told = "found" if "tiny" in name else None
        del told
        model.fit(moved, [70, 50])
        means, covars = in_units(plain, kind, factor, offset)
        jacobian = STEPS * np.log(factor).sum()
        # 1e8 leaves a step of 1.5e-8 to numbers of about 1
        np.testing.assert_allclose(
            (model.means_ - offset) / factor, plain["means"], rtol=1e-3, atol=1e-3, err_msg=name
        )
        np.testing.assert_allclose(
            model.covars_, covars, rtol=4e-3, atol=4e-3 * covars.min(), err_msg=name
        )
        np.testing.assert_allclose(
            model.history, np.subtract(history, jacobian), rtol=1e-5, atol=2e-2
        )
        np.testing.assert_allclose(
            model.score(moved, [70, 50]), ll - jacobian, rtol=1e-5, atol=2e-2
        )
        np.testing.assert_array_equal(model.predict(moved), path)
        np.testing.assert_allclose(model.predict_proba(moved), posteriors, atol=5e-3)
