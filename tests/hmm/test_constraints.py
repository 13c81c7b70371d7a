"""Raw weights and the parameters that they give."""

import numpy as np
import pytest
from autodiff import gradients
from keras import ops

from rnnkit.errors import InputError
from rnnkit.hmm.layers.constraints import (
    from_unconstrained,
    log_probabilities,
    to_unconstrained,
)


def covariances():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 3, 3))
    return root @ root.swapaxes(-1, -2) + 0.1 * np.eye(3)


VALUES = {
    "real": np.array([[-3.0, 0.0, 1e6]]),
    "positive": np.array([1e-6, 0.3, 1.0, 4e5]),
    "simplex": np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [1e-8, 0.0, 1 - 1e-8]]),
    "covariance": covariances(),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", VALUES)
def test_round_trip(kind):
    raw = to_unconstrained(kind, VALUES[kind])
    assert np.isfinite(raw).all()
    found = ops.convert_to_numpy(from_unconstrained(kind, ops.convert_to_tensor(raw)))
    np.testing.assert_allclose(found, VALUES[kind], rtol=2e-5, atol=1e-7 * (kind != "positive"))


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", VALUES)
def test_gradients_are_finite_far_out_too(kind):
    shape = VALUES[kind].shape
    for raw in (
        to_unconstrained(kind, VALUES[kind]),
        np.full(shape, 200.0),
        np.full(shape, -200.0),
    ):
        weights = np.random.default_rng(0).normal(size=shape).astype("float32")
        (found,), _ = gradients(
            lambda r, w=weights: ops.sum(from_unconstrained(kind, r) * ops.convert_to_tensor(w)),
            [raw],
        )
        assert np.isfinite(found).all()


def test_a_probability_of_zero_stays_zero():
    raw = to_unconstrained("simplex", [0.0, 0.25, 0.75])
    found = ops.convert_to_numpy(log_probabilities(ops.convert_to_tensor(raw)))
    np.testing.assert_allclose(found, [-np.inf, np.log(0.25), np.log(0.75)], rtol=1e-6)
    wanted = [1.0, 2.0, -1.0]

    def loss(r):  # it asks for more of what is impossible
        logs = log_probabilities(r)
        logs = ops.where(logs > -1e30, logs, 0.0)
        return sum(w * logs[i] for i, w in enumerate(wanted)) + ops.log(
            from_unconstrained("simplex", r)[0]
        )

    (found,), _ = gradients(loss, [raw])
    assert found[0] == 0
    p, known = np.array([0.25, 0.75]), np.array(wanted[1:])
    np.testing.assert_allclose(found[1:], known - p * known.sum(), rtol=1e-5)  # by hand


def test_a_rate_of_zero_becomes_a_very_small_one():
    found = from_unconstrained(
        "positive", ops.convert_to_tensor(to_unconstrained("positive", [0.0]))
    )
    assert 0 < float(found[0]) < 1e-12


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("positive", [-1.0]),
        ("simplex", [0.0, 0.0]),
        ("simplex", [-0.5, 1.5]),
        ("covariance", [[1.0, 2.0], [2.0, 1.0]]),
        ("real", [np.nan]),
        ("angle", [0.0]),
    ],
)
def test_what_is_not_of_its_kind_is_refused(kind, value):
    with pytest.raises(InputError, match=kind):
        to_unconstrained(kind, value)
