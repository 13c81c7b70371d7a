"""Estimators on NumPy arrays: the answers of the backend's own operations, and of hmmlearn."""

import logging
import os
import types
import warnings

import hmmlearn.hmm
import keras
import numpy as np
import pytest
from autodiff import float64

from rnnkit.backend import explain_kernels, native
from rnnkit.backend.numba import available, group_emissions, group_smoothing, group_viterbi, groups
from rnnkit.backend.numba import threads as sharing
from rnnkit.errors import InputError
from rnnkit.hmm import HMM, CategoricalHMM, GaussianHMM
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.emissions.gaussian import Gaussian
from rnnkit.hmm.estimators import array_passes

logging.getLogger("hmmlearn").setLevel(logging.ERROR)
LENGTHS = [9, 4, 1, 9, 6, 2, 9, 8, 3, 7, 9, 1]
KINDS = ["categorical", "diag", "spherical"]
CASES = [
    {"kind": "categorical", "states": 3, "missing": True, "impossible": True},
    {"kind": "categorical", "states": 1},
    {"kind": "diag", "states": 5, "missing": True, "known": True},
    {"kind": "spherical", "states": 4, "known": True},
]
# The loops are the same everywhere, and what they are compared with compiles slowly elsewhere.
EAGER = keras.config.backend() == "torch"
DTYPES = ["float32", "float64"]
if not EAGER:
    CASES, DTYPES, KINDS = CASES[::2], DTYPES[:1], KINDS[:2]
if os.environ.get("RNNKIT_DEEP"):
    CASES += [
        {"kind": kind, "states": states, "seed": seed, "missing": seed % 2 > 0, "known": seed > 1}
        for kind in KINDS
        for states in range(1, 11)
        for seed in range(4)
    ]


def model_and_data(kind, states, *, seed=0, missing=False, impossible=False, known=False, **more):
    """A model with parameters, some sequences of any lengths, and known states or None."""
    rng, steps = np.random.default_rng(seed), sum(LENGTHS)
    if kind == "categorical":
        model = CategoricalHMM(states, **more)
        model.emissionprob_ = rng.dirichlet(np.ones(5), states)
        x = rng.integers(0, 4, (steps, 1)).astype(float)
        if impossible:  # no state explains symbol 4
            model.emissionprob_[:, 3] += model.emissionprob_[:, 4]
            model.emissionprob_[:, 4] = 0.0
            x[[5, 40], 0] = 4
    else:
        model = GaussianHMM(states, covariance_type=kind, **more)
        model.means_ = rng.normal(size=(states, 2)) * 3
        shape = (states, 2) if kind == "diag" else (states,)
        model.covars_ = rng.uniform(0.2, 2, shape)
        x = rng.normal(size=(steps, 2)) * 3
        x[17] = 300.0  # far from all
    model.startprob_ = rng.dirichlet(np.ones(states))
    if states > 1:
        model.startprob_[0] = 0.0
        model.startprob_ /= model.startprob_.sum()
    model.transmat_ = rng.dirichlet(np.ones(states), states) * 0.9 + 0.1 / states
    if missing:
        x[rng.random(steps) < 0.2] = np.nan
        x[:3] = np.nan
    labels = np.where(rng.random(steps) < 0.8, -1, rng.integers(0, states, steps))
    labels[LENGTHS[0]] = -1
    return model, x, labels if known else None


@pytest.fixture
def on(monkeypatch):
    """Call a function with inference on "arrays" or on "tensors", and see that it is there."""

    def run(where, function):
        used = []

        def models(*arguments):
            used.append(True)
            return real(*arguments)

        real = array_passes.array_models
        with monkeypatch.context() as patch:
            patch.setattr(array_passes, "MIN_SEQUENCES", 0 if where == "arrays" else 10**9)
            for module in ("passes", "expectations"):
                patch.setattr(f"rnnkit.hmm.estimators.{module}.array_models", models)
            found = function()
        assert bool(used) == (where == "arrays")
        return found

    if available.missing():
        pytest.skip(available.missing())
    return run


def same(one, other, dtype):
    tolerance = {"float32": 2e-4, "float64": 1e-9}[dtype]
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def answers(model, x, states):
    """What an estimator says of sequences, with the text of its warnings."""
    given = {"lengths": LENGTHS, "states": states}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = [model.predict_proba(x, **given), model.filter(x, **given)]
        found += [model.score_each(x, **given), *model.decode(x, **given)]
    messages = [str(warning.message) for warning in said]
    return found, [message for message in messages if "impossible" in message]


@pytest.mark.every_backend
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_inference_is_that_of_the_backend(case, dtype, on):
    with float64(dtype):
        model, x, states = model_and_data(**case, dtype=dtype)
        found, said = on("arrays", lambda: answers(model, x, states))
        wanted, also = on("tensors", lambda: answers(model, x, states))
    assert said == also
    assert said or not case.get("impossible")
    for one, other in zip(found, wanted, strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        assert np.shape(one) == np.shape(other)
        same(one, other, dtype)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_that_of_the_backend(kind, on):
    def fit(known, restarts):
        model, x, states = model_and_data(kind, 3, missing=True, known=known)
        model.n_iter, model.tol, model.n_init, model.random_state = 3, -np.inf, restarts, 0
        model.init_params = "" if restarts == 1 else model.init_params
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, LENGTHS, states=states)
        return model

    for known, restarts in ((False, 1), (True, 2))[not EAGER :]:
        found = on("arrays", lambda k=known, r=restarts: fit(k, r))
        wanted = on("tensors", lambda k=known, r=restarts: fit(k, r))
        same(found.history, wanted.history, "float32")
        for name in ("startprob", "transmat", *found.params_):
            one, other = getattr(found, name + "_"), getattr(wanted, name + "_")
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("kind", ["categorical", "diag"])
def test_hmmlearn_finds_the_same(kind, on):
    model, x, _ = model_and_data(kind, 5)
    other = hmmlearn.hmm.CategoricalHMM(5) if kind == "categorical" else hmmlearn.hmm.GaussianHMM(5)
    x = x.astype(int) if kind == "categorical" else x
    other.n_features = 5 if kind == "categorical" else 2
    for name in ("startprob_", "transmat_", *(name + "_" for name in model.params_)):
        setattr(other, name, getattr(model, name))
    found = on("arrays", lambda: (model.predict_proba(x, LENGTHS), *model.decode(x, LENGTHS)))
    same(found[0], other.predict_proba(x, LENGTHS), "float32")
    log_prob, states = other.decode(x, LENGTHS)
    same(found[1], log_prob, "float32")
    assert found[2].tolist() == states.tolist()


def test_ties_go_to_the_lowest_state_as_on_the_backend(on):
    model, x, _ = model_and_data("categorical", 4)
    model.startprob_, model.transmat_ = np.full(4, 0.25), np.full((4, 4), 0.25)
    model.emissionprob_ = np.full((4, 5), 0.2)
    assert not on("arrays", lambda: model.predict(x, LENGTHS)).any()


def test_what_needs_logarithms_or_has_another_density_stays_on_the_backend(on):
    class Other(Categorical):
        def log_likelihood(self, params, x):
            return 2.0 * super().log_likelihood(params, x)

    model, x, _ = model_and_data("categorical", 3)
    model.transmat_ = np.eye(3)
    on("tensors", lambda: model.predict_proba(x, LENGTHS))
    with pytest.raises(AssertionError):
        on("arrays", lambda: model.predict_proba(x, LENGTHS))
    on("arrays", lambda: model.predict(x, LENGTHS))  # Viterbi knows no numerics
    custom = HMM(3, emission=Other(5))
    custom.startprob_, custom.transmat_ = np.full(3, 1 / 3), np.full((3, 3), 1 / 3)
    custom.emissionprob_ = model.emissionprob_
    with pytest.raises(AssertionError):
        on("arrays", lambda: custom.predict(x, LENGTHS))


def test_a_fit_goes_on_with_logarithms_where_a_transition_vanishes(on):
    """Zeros among the expected transitions, after the first iteration."""

    def fit():
        model = CategoricalHMM(2, init_params="", n_iter=4, tol=-np.inf)
        model.startprob_, model.transmat_ = [0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]]
        model.emissionprob_ = [[1.0, 0.0], [0.0, 1.0]]
        return model.fit(np.tile([0, 0, 1, 1], 10), [4] * 10)

    found, wanted = on("arrays", fit), on("tensors", fit)
    same(found.history, wanted.history, "float32")
    same(found.transmat_, [[0.5, 0.5], [0.0, 1.0]], "float32")


def test_a_log_likelihood_that_is_no_number_is_refused(on, monkeypatch):
    def broken(params, x):
        return groups.Table(x, np.full((1, 5, 3), np.nan))

    model, x, _ = model_and_data("categorical", 3)
    monkeypatch.setitem(array_passes._DENSITIES, Categorical, broken)
    with pytest.raises(InputError, match="returned NaN"):
        on("arrays", lambda: model.score(x, LENGTHS))


def one_group_at_a_time(kind="diag"):
    model, x, _ = model_and_data(kind, 3, missing=True)
    x = np.nan_to_num(x, nan=1.0)
    params = {name: np.asarray(value)[None] for name, value in model.params_.items()}
    emission = Gaussian() if kind == "diag" else Categorical()
    x = x if kind == "diag" else x[:, 0].astype("int32")
    chain = model.startprob_[None], model.transmat_[None]
    observed = np.arange(len(x)) % 7 > 0
    lengths = np.array(LENGTHS)
    density = array_passes._DENSITIES[type(emission)](params, x)
    starts = np.cumsum(lengths) - lengths
    made = groups.Models(*chain, density, starts, lengths, observed, threads=3)
    return [*made.filter("float64"), *made.smooth("float64", transitions=True), *made.decode()]


def equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        if other is None:
            assert one is None
        else:
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.one_backend
@pytest.mark.parametrize("kind", ["diag", "categorical"])
def test_loops_do_what_their_python_does_and_groups_and_threads_change_nothing(kind, monkeypatch):
    wanted = one_group_at_a_time(kind)
    with monkeypatch.context() as patch:
        patch.setattr(sharing, "OPERATIONS", 1)
        patch.setattr(groups, "MAX_ELEMENTS", 100)
        patch.setattr(groups, "WIDTH", 2)  # two or three sequences in a group
        equal(one_group_at_a_time(kind), wanted)
    for module in (group_emissions, group_smoothing, group_viterbi):
        for name, loop in vars(module).copy().items():
            if hasattr(loop, "py_func") and isinstance(loop.py_func, types.FunctionType):
                monkeypatch.setattr(module, name, loop.py_func)
    equal(one_group_at_a_time(kind), wanted)


@pytest.mark.one_backend
def test_threads_of_the_backend_are_at_least_one():
    assert native.loop_threads() >= 1


def test_the_choice_can_be_asked_and_needs_no_numba(monkeypatch, on):
    model, x, _ = model_and_data("categorical", 3)
    (answer,) = explain_kernels(model)
    assert answer.kernel == "numba groups"
    (answer,) = explain_kernels(GaussianHMM(2, covariance_type="full"))
    assert answer.kernel != "numba groups"
    wanted = on("arrays", lambda: model.predict_proba(x, LENGTHS))
    monkeypatch.setattr("rnnkit.backend.array_loops.missing", lambda: "numba is not installed")
    found = on("tensors", lambda: model.predict_proba(x, LENGTHS))
    same(found, wanted, "float32")
    (answer,) = explain_kernels(model)
    assert "not numba groups: numba is not installed" in str(answer)
    assert answer.kernel == ("numba" if EAGER else "portable")
