"""One hidden Markov model a class, and Bayes' rule over them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.base import clone

from rnnkit.errors import InputError
from rnnkit.hmm.estimators.classifier import HMMClassifier
from rnnkit.hmm.estimators.models import CategoricalHMM, GaussianHMM


@pytest.fixture(scope="module")
def steps():
    """Series that rise and series that fall, of the same places: only the order tells."""
    rng = np.random.default_rng(0)
    x, y = [], []
    for i in range(24):
        levels = np.repeat([0.0, 3.0], [4 + i % 3, 5])
        levels = levels if i % 2 else levels[::-1]
        x.append((levels + rng.normal(0, 0.5, len(levels)))[:, None])
        y.append("up" if i % 2 else "down")
    return x, y


def test_order_tells_the_classes_apart(steps):
    x, y = steps
    model = HMMClassifier(GaussianHMM(2, random_state=0)).fit(x[:16], y[:16])
    assert model.classes_.tolist() == ["down", "up"]
    assert model.predict(x[16:]).tolist() == y[16:]
    assert model.score(x[16:], y[16:]) == 1.0
    assert model.predict([]).tolist() == []


def test_probabilities_are_those_of_bayes_rule():
    """With one state a model is a Gaussian, whose density SciPy knows."""
    x = [np.array([[0.0], [2.0]]), np.array([[4.0], [6.0], [5.0]]), np.array([[0.5], [1.5], [1.0]])]
    model = HMMClassifier(GaussianHMM(1, min_covar=1e-6)).fit(x, [0, 1, 0])
    asked = [np.array([[3.0]]), np.array([[2.0], [4.0]])]
    gaussians = [(1.0, np.std([0, 2, 0.5, 1.5, 1.0])), (5.0, np.std([4, 6, 5]))]
    joint = np.array([[norm.logpdf(one, *pair).sum() for pair in gaussians] for one in asked])
    joint += np.log([2 / 3, 1 / 3])
    np.testing.assert_allclose(model.predict_joint_log_proba(asked), joint, rtol=1e-5)
    expected = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(asked), expected, rtol=1e-4)
    even = HMMClassifier(GaussianHMM(1, min_covar=1e-6), priors=[0.5, 0.5]).fit(x, [0, 1, 0])
    shift = np.diff(even.predict_joint_log_proba(asked)) - np.diff(joint)
    np.testing.assert_allclose(shift, np.log(2), rtol=1e-4)  # the prior alone


def test_what_no_class_can_explain_gets_the_priors():
    coins = CategoricalHMM(1, n_features=3)
    x = [np.array([[0], [0]]), np.array([[1], [1]]), np.array([[1], [1]]), np.array([[1], [1]])]
    model = HMMClassifier(coins).fit(x, ["zero", "one", "one", "one"])
    found = model.predict_proba([np.array([[0]]), np.array([[2]])])
    np.testing.assert_allclose(found, [[0.0, 1.0], [0.75, 0.25]])


def test_clones_are_unfitted_and_have_the_settings(steps):
    model = HMMClassifier(GaussianHMM(2, random_state=3), priors=[0.3, 0.7])
    copy = clone(model.fit(*steps))
    assert not hasattr(copy, "models_")
    assert not hasattr(copy.hmm, "means_")
    assert copy.get_params()["hmm__n_components"] == 2
    assert copy.set_params(hmm__n_components=1).hmm.n_components == 1
    assert copy.priors == [0.3, 0.7]


def test_what_cannot_be_learned_is_refused(steps):
    x, y = steps
    with pytest.raises(InputError, match=r"y has the shape \(3,\) and X 24 sequences"):
        HMMClassifier().fit(x, y[:3])
    with pytest.raises(InputError, match=r"y\[3\] is missing"):
        HMMClassifier().fit(x[:4], [1.0, 0.0, 1.0, np.nan])
    with pytest.raises(InputError, match="expected 2 numbers that sum to 1"):
        HMMClassifier(priors=[1.0, 1.0]).fit(x, y)
    with pytest.raises(InputError, match="Class 'few': X has 2 observed steps, fewer than"):
        HMMClassifier(GaussianHMM(3)).fit([*x, np.zeros((2, 1))], [*y, "few"])
    with pytest.raises(InputError, match="not fitted yet"):
        HMMClassifier().predict(x)


def test_what_several_models_warn_of_is_said_once_with_their_classes():
    rng = np.random.default_rng(0)
    flat = [np.ones((6, 1)) for _ in range(4)]
    moving = [rng.normal(0, 9, (6, 1)) for _ in range(4)]
    model = HMMClassifier(GaussianHMM(1, random_state=0))
    with pytest.warns(UserWarning, match="min_covar") as heard:
        model.fit([*flat, *flat, *moving], ["a"] * 4 + ["b"] * 4 + ["c"] * 4)
    (text,) = [str(one.message) for one in heard if one.category is UserWarning]
    assert text.startswith("Classes 'a', 'b': The variance")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(UserWarning, match="min_covar"):
            model.fit(flat + moving, ["a"] * 4 + ["c"] * 4)
