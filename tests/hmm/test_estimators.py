"""The estimators: exact numbers, missing steps and known states, forms, sampling, live data."""

import pickle

import keras
import numpy as np
import oracles_markov as oracle
import pytest
from sklearn.base import clone

from rnnkit.errors import InputError
from rnnkit.hmm.estimators.models import GMMHMM, CategoricalHMM, GaussianHMM, PoissonHMM

EARTHQUAKES = np.fromstring(
    """13 14 8 10 16 26 32 27 18 32 36 24 22 23 22 18 25 21 21 14 8 11 14 23 18 17 19 20 22 19 13 26
    13 14 22 24 21 22 26 21 23 24 27 41 31 27 35 26 28 36 39 21 17 22 17 19 15 34 10 15 22 18 15 20
    15 22 19 16 30 27 29 23 20 16 21 21 25 16 18 15 18 14 10 15 8 15 6 11 8 7 18 16 13 12 13 20 15
    16 12 18 15 16 13 15 16 11 11""",
    dtype=int,
    sep=" ",
)
K, V = 2, 3


def put(model, **values):
    for name, value in values.items():
        setattr(model, name + "_", np.array(value))
    return model


def categorical(startprob, transmat, emissionprob):
    return put(
        CategoricalHMM(len(startprob)),
        startprob=startprob,
        transmat=transmat,
        emissionprob=emissionprob,
    )


@pytest.fixture
def small():
    return categorical([0.6, 0.4], [[0.7, 0.3], [0.4, 0.6]], [[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]])


@pytest.mark.one_backend
def test_umbrella():
    """Russell and Norvig's umbrella world."""
    model = categorical([0.5, 0.5], [[0.7, 0.3], [0.3, 0.7]], [[0.9, 0.1], [0.2, 0.8]])
    days = np.array([0, 0, 1, 0, 0])
    np.testing.assert_allclose(model.score(days), -3.372502044332175, rtol=1e-6)
    smoothed = [0.8673388896, 0.8204190536, 0.3074835760, 0.8204190536, 0.8673388896]
    np.testing.assert_allclose(model.predict_proba(days)[:, 0], smoothed, atol=1e-6)
    log_prob, states = model.decode(days)
    assert states.tolist() == [0, 0, 1, 0, 0]
    np.testing.assert_allclose(np.exp(log_prob), 0.011573604, rtol=1e-5)


@pytest.mark.every_backend
def test_fever(small):
    days = [0, 1, 2]  # normal, cold, dizzy
    np.testing.assert_allclose(np.exp(small.score(days)), 0.03628, rtol=1e-5)
    log_prob, states = small.decode(days)
    assert states.tolist() == [0, 0, 1]
    np.testing.assert_allclose(np.exp(log_prob), 0.01512, rtol=1e-5)


@pytest.mark.every_backend
def test_ice_cream():
    """Eisner's ice cream."""
    model = categorical([0.2, 0.8], [[0.5, 0.5], [0.4, 0.6]], [[0.5, 0.4, 0.1], [0.2, 0.4, 0.4]])
    cones = np.array([3, 1, 3]) - 1
    np.testing.assert_allclose(np.exp(model.score(cones)), 0.028562, rtol=1e-5)
    log_prob, states = model.decode(cones)
    assert states.tolist() == [1, 0, 1]
    np.testing.assert_allclose(np.exp(log_prob), 0.0128, rtol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize(("states", "expected"), [(1, 391.9189), (2, 341.8787), (3, 328.5275)])
def test_earthquakes(states, expected):
    """Zucchini, MacDonald and Langrock 2016; 2 and 3 states with a free start, so not above."""
    model = PoissonHMM(states, random_state=0, n_init=3, tol=1e-6, n_iter=1000).fit(EARTHQUAKES)
    assert -model.score(EARTHQUAKES) <= expected + 1e-2
    np.testing.assert_allclose(-model.score(EARTHQUAKES), expected, atol=1e-2)


def logs(model):
    with np.errstate(divide="ignore"):
        return np.log(model.startprob_), np.log(model.transmat_), np.log(model.emissionprob_)


X = np.array([0, 2, np.nan, 1, 0, np.nan, np.nan, 2, 1, 1])
LENGTHS = [5, 1, 4]  # the second sequence is a single step, and that was not observed
KNOWN = np.array([-1, -1, 1, -1, 0, -1, -1, 1, -1, -1])


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "known",
    [pytest.param(None, marks=pytest.mark.deep("tensorflow", "jax")), KNOWN],
    ids=["free", "known states"],
)
def test_missing_steps_and_known_states_are_those_of_the_enumeration(small, known):
    log_pi, log_A, log_B = logs(small)
    log_lik = np.where(np.isnan(X)[:, None], 0.0, log_B[:, np.nan_to_num(X).astype(int)].T)
    if known is not None:
        ruled_out = (known >= 0)[:, None] & (known[:, None] != np.arange(K))
        log_lik = np.where(ruled_out, -np.inf, log_lik)
    parts = np.split(log_lik, np.cumsum(LENGTHS)[:-1])
    expected = [oracle.infer(log_pi, log_A, part, lag=2) for part in parts]
    given = {"lengths": LENGTHS, "states": known}
    total = sum(part["log_prob"] for part in expected)
    np.testing.assert_allclose(small.score(X, **given), total, rtol=1e-5)
    for name, found in (
        ("filtered", small.filter(X, **given)),
        ("smoothed", small.predict_proba(X, **given)),
        ("lagged", small.fixed_lag(X, 2, **given)),
    ):
        whole = np.concatenate([part[name] for part in expected])
        np.testing.assert_allclose(found, whole, atol=1e-5, err_msg=name)
    log_prob, states = small.decode(X, **given)
    np.testing.assert_allclose(log_prob, sum(part["best"] for part in expected), rtol=1e-5)
    for part, path in zip(expected, np.split(states, np.cumsum(LENGTHS)[:-1]), strict=True):
        assert path.tolist() in part["best_paths"].tolist()


def test_posterior_decoding_takes_the_likeliest_state_of_each_step(small):
    log_prob, states = small.decode(X, LENGTHS, "posterior")
    posteriors = small.predict_proba(X, LENGTHS)
    np.testing.assert_array_equal(states, posteriors.argmax(-1))
    log_pi, log_A, log_B = logs(small)
    expected, place = 0.0, 0
    for length in LENGTHS:
        for t in range(place, place + length):
            here = states[t]
            expected += log_pi[here] if t == place else log_A[states[t - 1], here]
            expected += 0 if np.isnan(X[t]) else log_B[here, int(X[t])]
        place += length
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    small.algorithm = "map"
    np.testing.assert_array_equal(small.predict(X, LENGTHS), states)


def test_the_three_forms_get_the_same_answers(small):
    rows = small.predict_proba(X, LENGTHS)
    listed = small.predict_proba(np.split(X, np.cumsum(LENGTHS)[:-1]))
    assert [len(part) for part in listed] == LENGTHS
    np.testing.assert_allclose(np.concatenate(listed), rows, atol=1e-6)
    mask = np.array([[1, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0], [0, 1, 1, 1, 0, 1]], bool)
    x = np.full(mask.shape, 1.0)  # a valid symbol where the mask takes the step out
    x[mask] = X
    padded = small.predict_proba(x, mask=mask)
    np.testing.assert_allclose(padded[mask], rows, atol=1e-6)
    assert (padded[~mask] == 0).all()
    for small.algorithm in ("viterbi", "map"):
        states = small.predict(x, mask=mask)
        np.testing.assert_array_equal(states[mask], small.predict(X, LENGTHS))
        assert (states[~mask] == -1).all()
    np.testing.assert_allclose(small.score(x, mask=mask), small.score(X, LENGTHS), rtol=1e-6)


def test_missing_steps_and_known_states_in_fit(small):
    """One step of Baum-Welch from posteriors that were enumerated."""
    log_pi, log_A, log_B = logs(small)
    small.set_params(init_params="", n_iter=1)
    log_lik = np.where(np.isnan(X)[:, None], 0.0, log_B[:, np.nan_to_num(X).astype(int)].T)
    ruled_out = (KNOWN >= 0)[:, None] & (KNOWN[:, None] != np.arange(K))
    log_lik = np.where(ruled_out, -np.inf, log_lik)
    parts = np.split(log_lik, np.cumsum(LENGTHS)[:-1])
    expected = [oracle.infer(log_pi, log_A, part) for part in (parts[0], parts[2])]
    first = sum(part["smoothed"][0] for part in expected)
    moves = sum(part["transitions"] for part in expected)
    smoothed = np.concatenate([expected[0]["smoothed"], np.zeros((1, K)), expected[1]["smoothed"]])
    counts = np.stack([smoothed[symbol == X].sum(0) for symbol in range(V)], 1)
    small.fit(X, LENGTHS, states=KNOWN)
    np.testing.assert_allclose(small.startprob_, first / first.sum(), atol=1e-5)
    np.testing.assert_allclose(small.transmat_, moves / moves.sum(1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(
        small.emissionprob_, counts / counts.sum(1, keepdims=True), atol=1e-5
    )


def test_an_impossible_symbol_is_named_and_the_posteriors_go_on(small):
    small.emissionprob_[:] = [[0.5, 0.5, 0.0], [0.1, 0.9, 0.0]]
    x = np.array([0, 1, 0, 2, 1, 0, 1], float)
    missing = x.copy()
    missing[3] = np.nan
    expected = small.predict_proba(missing, [2, 5])
    with pytest.warns(UserWarning, match="Step 1 of sequence 1 is impossible"):
        log_prob, posteriors = small.score_samples(x, [2, 5])
    assert log_prob == -np.inf
    np.testing.assert_allclose(posteriors, expected, atol=1e-5)
    with pytest.warns(UserWarning, match="Step 1 of sequence 1 is impossible"):
        assert small.decode(x, [2, 5])[0] == -np.inf


@pytest.mark.one_backend
def test_live_data(small):
    live = small.stream()
    filtered = small.filter(X[:5])
    for t, x in enumerate(X[:5]):
        np.testing.assert_allclose(live.step(x), filtered[t], atol=1e-6)
    np.testing.assert_allclose(live.log_prob, small.score(X[:5]), rtol=1e-5)
    live.reset()
    np.testing.assert_allclose(live.step(X[0]), filtered[0], atol=1e-6)
    with pytest.raises(InputError, match="unseen"):
        live.step(7)


@pytest.mark.every_backend
def test_samples_follow_the_model(small):
    x, states = small.sample(4000, random_state=0)
    assert x.shape == (4000, 1)
    moves = np.zeros((K, K))
    np.add.at(moves, (states[:-1], states[1:]), 1)
    np.testing.assert_allclose(moves / moves.sum(1, keepdims=True), small.transmat_, atol=0.04)
    shares = [np.bincount(x[states == k, 0], minlength=V) / (states == k).sum() for k in range(K)]
    np.testing.assert_allclose(shares, small.emissionprob_, atol=0.04)
    for seed in (3, np.random.RandomState(3), np.random.default_rng(3), None):
        assert len(small.sample(3, random_state=seed)[1]) == 3
    assert small.sample(1, currstate=1)[1].tolist() == [1]
    np.testing.assert_array_equal(small.sample(9, 5)[1], small.sample(9, 5)[1])


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("kind", "shape"),
    [("spherical", (3,)), ("diag", (3, 2)), ("full", (3, 2, 2)), ("tied", (2, 2))],
)
def test_covariances_have_the_documented_shape(kind, shape):
    x = np.random.default_rng(0).normal(size=(40, 2))
    model = GaussianHMM(3, kind, n_iter=2, random_state=0).fit(x)
    assert model.covars_.shape == shape
    assert model.sample(5, 0)[0].shape == (5, 2)


@pytest.mark.one_backend
def test_scikit_learns_habits(small):
    model = GMMHMM(2, 3, covariance_type="full", random_state=1, tol=0.5)
    settings = model.get_params()
    assert (settings["n_components"], settings["n_mix"], settings["params"]) == (2, 3, "stmcw")
    assert clone(model).get_params() == settings
    assert not hasattr(clone(small), "startprob_")
    x = np.random.default_rng(0).normal(size=(50, 1))
    model = GaussianHMM(2, random_state=0, n_iter=3)
    assert model.fit(x) is model
    again = clone(model).fit(x)
    np.testing.assert_array_equal(again.means_, model.means_)
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.score(x) == model.score(x)
    assert repr(model) == "GaussianHMM(n_components=2, n_iter=3, random_state=0)"
    assert set(model.params_) == set(model.emission_params()) == {"means", "covars"}
    loaded.fit(x)  # what fit had found is begun anew without a word
    with pytest.warns(UserWarning, match="means_ was set, but fit initialises it"):
        put(GaussianHMM(2, n_iter=1), means=[[0.0], [1.0]]).fit(x)


def test_criteria_count_free_parameters_and_observed_steps(small):
    small.transmat_ = np.array([[1.0, 0.0], [0.4, 0.6]])
    free = 1 + 1 + K * (V - 1)  # the first row of transitions cannot move
    score = small.score(X, LENGTHS)
    np.testing.assert_allclose(small.aic(X, LENGTHS), 2 * free - 2 * score)
    np.testing.assert_allclose(small.bic(X, LENGTHS), free * np.log(7) - 2 * score)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"transmat": [[0.7, 0.2], [0.4, 0.6]]}, "Row 0 of transmat_ sums to 0.9"),
        ({"transmat": [[0.7, 0.3], [-0.4, 1.4]]}, "Row 1 of transmat_ has a negative"),
        ({"transmat": [[1.0]]}, r"transmat_ has the shape \(1, 1\); 2 states need \(2, 2\)"),
        ({"startprob": [0.5, 0.4]}, "startprob_ sums to 0.9"),
        ({"startprob": [np.nan, 1.0]}, "startprob_ must hold finite numbers"),
        ({"emissionprob": [[0.5, 0.5, 0.1], [0, 0, 1]]}, "Row 0 of emissionprob_ sums to 1.1"),
        ({"emissionprob": [[0.5, 0.5]]}, r"emissionprob_ has the shape \(1, 2\)"),
    ],
)
def test_parameters_that_cannot_be(small, change, said):
    put(small, **change)
    with pytest.raises(InputError, match=said):
        small.score([0, 1, 0])


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"transmat": [[0.7, 0.2], [0.4, 0.6]]}, "Row 0 of transmat_ sums to 0.9"),
        ({"startprob": [0.5, 0.4]}, "startprob_ sums to 0.9"),
        ({"means": [[0.0], [np.nan]]}, "means_ must hold finite numbers"),
        ({"means": [[0.0]]}, r"means_ has the shape \(1, 1\)"),
        ({"covars": [[1.0], [-1.0]]}, "covars_ has a negative entry"),
        ({"covars": [[1.0], [0.0]]}, "covars_ has an entry of 0"),
        ({"covars": [[1.0, 1.0]]}, r"covars_ has the shape \(1, 2\)"),
    ],
)
def test_sample_and_stream_refuse_what_score_refuses(change, said):
    first = {"startprob": [0.5, 0.5], "transmat": np.full((2, 2), 0.5)}
    model = put(GaussianHMM(2), **(first | {"means": [[0.0], [1.0]], "covars": [[1.0], [1.0]]}))
    assert len(model.sample(4, 0)[1]) == 4
    put(model, **change)
    for call in (lambda: model.score([0.0, 1.0]), lambda: model.sample(3), model.stream):
        with pytest.raises(InputError, match=said):
            call()


@pytest.mark.one_backend
def test_samples_that_cannot_be(small):
    for given, said in (
        ({"n_samples": 0}, "n_samples is 0"),
        ({"n_samples": 2.5}, "n_samples is 2.5"),
        ({"currstate": K}, f"currstate is {K}; the states go from 0 to {K - 1}"),
        ({"currstate": -1}, "currstate is -1"),
    ):
        with pytest.raises(InputError, match=said):
            small.sample(**given)


def test_covariances_that_cannot_be():
    model = put(GaussianHMM(1, "full"), startprob=[1.0], transmat=[[1.0]], means=[[0.0, 0.0]])
    for covars, said in (
        ([[[1.0, 0.5], [0.0, 1.0]]], "not symmetric"),
        ([[[1.0, 2.0], [2.0, 1.0]]], "not positive definite"),
        ([[1.0, 1.0]], "covars_ has the shape"),
    ):
        model.covars_ = np.array(covars)
        with pytest.raises(InputError, match=said):
            model.score(np.zeros((3, 2)))
    model.covars_ = np.eye(2)[None]
    with pytest.raises(InputError, match="features"):
        model.score(np.zeros((3, 5)))


def test_bad_calls(small):
    with pytest.raises(InputError, match="Symbol 3 at observation 1 is unseen"):
        small.score([0, 3])
    with pytest.raises(InputError, match="algorithm is 'best'"):
        small.decode([0], algorithm="best")
    with pytest.raises(InputError, match="startprob_ is not set: fit the model, or set it"):
        CategoricalHMM(2).score([0, 1])
    with pytest.raises(InputError, match="lag is -1"):
        small.fixed_lag([0, 1], -1)


@pytest.mark.every_backend
def test_float64_on_jax_needs_to_be_allowed(small):
    small.dtype = "float64"
    if keras.backend.backend() == "jax":
        with pytest.raises(InputError, match="jax_enable_x64"):
            small.score([0, 1])
    else:
        expected = oracle.infer(*logs(small)[:2], logs(small)[2][:, [0, 1]].T)["log_prob"]
        np.testing.assert_allclose(small.score([0, 1]), expected, rtol=1e-12)


@pytest.mark.one_backend
def test_ten_thousand_steps(small):
    x, _ = small.sample(10_000, 0)
    expected = -np.inf
    forward = np.array(small.startprob_)
    expected = 0.0
    for t, symbol in enumerate(x[:, 0]):
        forward = (forward @ small.transmat_ if t else forward) * small.emissionprob_[:, symbol]
        expected += np.log(forward.sum())
        forward /= forward.sum()
    np.testing.assert_allclose(small.score(x), expected, rtol=1e-5)
    assert np.isfinite(small.predict_proba(x)).all()
