"""Inference against the enumeration of every path: any mask, both numerics, several models."""

import functools

import keras
import numpy as np
import oracles_markov as oracle
import pytest
from autodiff import gradients
from keras import ops

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import inference

K, T = 3, 5
LAG = 2
MASKS = {
    "full": [1, 1, 1, 1, 1],
    "right-padded": [1, 1, 1, 0, 0],
    "left-padded": [0, 0, 1, 1, 1],
    "gaps": [0, 1, 0, 1, 1],
    "one step": [0, 0, 0, 1, 0],
    "no step": [0, 0, 0, 0, 0],
    "impossible": [1, 1, 1, 1, 1],
    "impossible at the start": [1, 0, 1, 1, 1],
    "missing": [1, 1, 1, 1, 1],
    "known states": [1, 1, 1, 0, 1],
}


def log(x):
    with np.errstate(divide="ignore"):
        return np.log(x)


def models(zeros):
    """Two models: `(2, K)`, `(2, K, K)`; with zeros only some transitions can be."""
    rng = np.random.default_rng(1)
    pi, A = rng.dirichlet(np.ones(K), 2), rng.dirichlet(np.ones(K), (2, K))
    if zeros:
        pi[0], A[0] = [1, 0, 0], [[0.5, 0.5, 0], [0, 0.3, 0.7], [0, 0, 1]]
        A[1, 2] = [0, 0, 1]
    return log(pi), log(A)


def likelihoods():
    log_lik = np.random.default_rng(2).normal(0, 3, (len(MASKS), T, K)) - 40.0
    rows = list(MASKS)
    log_lik[rows.index("impossible"), 2] = -np.inf
    log_lik[rows.index("impossible at the start"), 0] = -np.inf
    log_lik[rows.index("missing"), [1, 3]] = 0.0
    log_lik[rows.index("known states"), 1, [0, 2]] = -np.inf
    return log_lik


MASK = np.array(list(MASKS.values()), bool)
CASES = [("scaled", False), ("log", False), ("log", True)]


def tensors(*arrays, dtype="float32"):
    return [ops.convert_to_tensor(array.astype(dtype)) for array in arrays]


def compiled(function, **options):
    """A pass as the estimators and layers run it: as one graph where the backend has graphs."""
    return native.compiled(functools.partial(function, **options))


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def expected(zeros):
    """The oracle's answer for each model and row, on the steps that are there."""
    log_pi, log_A = models(zeros)
    return [
        [
            oracle.infer(pi, A, row[there], LAG)
            for row, there in zip(likelihoods(), MASK, strict=True)
        ]
        for pi, A in zip(log_pi, log_A, strict=True)
    ]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}, zeros {case[1]}")
def found(request):
    """Both models at once: what rnnkit finds, and what the oracle does."""
    numerics, zeros = request.param
    log_pi, log_A = models(zeros)
    arguments = tensors(log_pi, log_A, likelihoods())
    mask = ops.convert_to_tensor(MASK)
    filtered = compiled(inference.filter, numerics=numerics)(*arguments, mask)
    smoothed = compiled(inference.smooth, numerics=numerics)(*arguments, mask)
    path = compiled(inference.viterbi)(*arguments, mask)
    return filtered, smoothed, path, expected(zeros), log_pi


def cells(answers):
    for model, row in np.ndindex(2, len(MASKS)):
        yield model, row, list(MASKS)[row], answers[model][row]


@pytest.mark.every_backend
def test_posteriors_are_those_of_the_enumeration(found):
    filtered, smoothed, _, answers, _ = found
    for model, row, name, answer in cells(answers):
        there = MASK[row]
        for got, key in (
            (filtered.filtered, "filtered"),
            (smoothed.filtered, "filtered"),
            (smoothed.smoothed, "smoothed"),
        ):
            steps = number(got)[model, row][there]
            np.testing.assert_allclose(steps, answer[key], atol=2e-5, err_msg=f"{name} {key}")
        counted = number(smoothed.transitions)[model, row]
        np.testing.assert_allclose(counted, answer["transitions"], atol=5e-5, err_msg=name)
        start = answer["smoothed"][0] if there.any() else np.zeros(K)
        np.testing.assert_allclose(number(smoothed.first)[model, row], start, atol=2e-5)


@pytest.mark.every_backend
def test_the_log_probability_is_that_of_all_paths_together(found):
    filtered, smoothed, _, answers, _ = found
    for model, row, name, answer in cells(answers):
        for got in (filtered.log_prob, smoothed.log_prob):
            value = number(got)[model, row]
            np.testing.assert_allclose(value, answer["log_prob"], rtol=2e-6, err_msg=name)


@pytest.mark.every_backend
def test_masked_steps_repeat_what_was_known(found):
    filtered, smoothed, path, _, log_pi = found
    start = np.exp(log_pi)
    for posterior in (filtered.filtered, smoothed.smoothed):
        rows = number(posterior)
        assert np.isfinite(rows).all()
        np.testing.assert_allclose(rows.sum(-1), 1, rtol=1e-5)
        for name, until in (("left-padded", 2), ("gaps", 1), ("no step", T)):
            before = rows[:, list(MASKS).index(name), :until]
            np.testing.assert_allclose(before, start[:, None] + 0 * before, atol=1e-6)
        gaps, right = list(MASKS).index("gaps"), list(MASKS).index("right-padded")
        np.testing.assert_array_equal(rows[:, gaps, 2], rows[:, gaps, 1])
        np.testing.assert_array_equal(rows[:, right, 3:], rows[:, right, [2, 2]])
    states = number(path.states)
    np.testing.assert_array_equal(states[:, gaps, 2], states[:, gaps, 1])


@pytest.mark.every_backend
def test_viterbi_finds_a_best_path(found):
    _, _, path, answers, _ = found
    for model, row, name, answer in cells(answers):
        there = MASK[row]
        states = number(path.states)[model, row][there]
        assert states.tolist() in answer["best_paths"].tolist(), name
        best = -np.inf if answer["impossible"] else answer["best"]
        np.testing.assert_allclose(number(path.log_prob)[model, row], best, rtol=2e-6)


def test_fixed_lag_knows_so_many_steps_more():
    log_pi, log_A = models(True)
    answers = expected(True)
    for model in range(2):
        pi, A, log_lik = tensors(log_pi[model], log_A[model], likelihoods())
        got = number(inference.fixed_lag(pi, A, log_lik, ops.convert_to_tensor(MASK), lag=LAG))
        for row, there in enumerate(MASK):
            # What nothing explains is known to be so only when it comes: look at the others.
            if not answers[model][row]["impossible"]:
                np.testing.assert_allclose(
                    got[row][there], answers[model][row]["lagged"], atol=2e-5
                )
        assert np.isfinite(got).all()
        all_of_it = inference.fixed_lag(pi, A, log_lik, ops.convert_to_tensor(MASK), lag=T)
        smoothed = inference.smooth(pi, A, log_lik, ops.convert_to_tensor(MASK)).smoothed
        np.testing.assert_allclose(number(all_of_it), number(smoothed), atol=2e-5)


def test_without_a_mask_every_step_is_there():
    log_pi, log_A = models(False)
    arguments = tensors(log_pi, log_A, likelihoods())
    everywhere = ops.convert_to_tensor(np.ones_like(MASK))
    for numerics in ("scaled", "log"):
        one = compiled(inference.smooth, numerics=numerics)(*arguments)
        two = compiled(inference.smooth, numerics=numerics)(*arguments, everywhere)
        for got, same in zip(one, two, strict=True):
            np.testing.assert_array_equal(number(got), number(same))


def test_a_long_path_follows_every_hundredth_of_a_nat():
    """The whole path's score is -1,000,000: there float32 tells apart 0.06, not 0.01."""
    steps = 10_000
    better = np.arange(steps) // 3 % 2
    log_lik = np.full((1, steps, 2), -100.0)
    log_lik[0, np.arange(steps), better] += 0.01
    log_pi, log_A = np.log([0.5, 0.5]), np.log(np.full((2, 2), 0.5))
    path = compiled(inference.viterbi)(*tensors(log_pi, log_A, log_lik))
    np.testing.assert_array_equal(number(path.states)[0], better)


@pytest.mark.parametrize("numerics", ["scaled", "log"])
def test_one_step_and_one_state_are_enough(numerics):
    log_pi, log_A = np.log([0.25, 0.75]), np.log([[0.5, 0.5], [0.1, 0.9]])
    log_lik = np.array([[[-1.0, -2.0]], [[-3.0, -0.5]]])
    for states in (2, 1):
        arguments = tensors(log_pi[:states], log_A[:states, :states], log_lik[..., :states])
        found = compiled(inference.smooth, numerics=numerics)(*arguments)
        path = compiled(inference.viterbi)(*arguments)
        for row in range(2):
            joint = log_pi[:states] + log_lik[row, 0, :states]
            total = oracle.logsumexp(joint)
            np.testing.assert_allclose(number(found.log_prob)[row], total, rtol=1e-5)
            np.testing.assert_allclose(
                number(found.smoothed)[row, 0], np.exp(joint - total), rtol=1e-5
            )
            assert number(path.states)[row].tolist() == [joint.argmax()]
        assert not number(found.transitions).any()


@pytest.mark.every_backend
def test_ties_go_to_the_lower_state():
    log_pi, log_A = np.log(np.full(K, 1 / K)), np.log(np.full((K, K), 1 / K))
    log_lik = np.zeros((1, T, K))
    log_lik[0, 2, 0] = -1.0  # one step where state 0 is not among the best
    path = compiled(inference.viterbi)(*tensors(log_pi, log_A, log_lik))
    assert number(path.states)[0].tolist() == [0, 0, 1, 0, 0]


@pytest.mark.every_backend
@pytest.mark.parametrize(("numerics", "zeros"), CASES)
def test_gradients_are_those_of_the_enumeration(numerics, zeros):
    """By finite differences of the enumerated log-probability, at entries that are not log 0."""
    log_pi, log_A = (one[0] for one in models(zeros))
    rows = [list(MASKS).index(name) for name in ("full", "gaps", "no step", "known states")]
    log_lik, mask = likelihoods()[rows] + 38.0, MASK[rows]

    def total(pi, A, lik):
        return sum(
            oracle.logsumexp(oracle.joint(pi, A, row[there])[1])
            for row, there in zip(lik, mask, strict=True)
        )

    def loss(pi, A, lik):
        return ops.sum(
            inference.log_probability(pi, A, lik, ops.convert_to_tensor(mask), numerics=numerics)
        )

    arrays = (log_pi, log_A, log_lik)
    for place, got in enumerate(gradients(loss, arrays)[0]):
        assert np.isfinite(got).all()
        for index in np.ndindex(*arrays[place].shape):
            if not np.isfinite(arrays[place][index]):
                assert got[index] == 0
                continue
            nudged = [[array.copy() for array in arrays] for _ in range(2)]
            nudged[0][place][index] += 1e-6
            nudged[1][place][index] -= 1e-6
            slope = (total(*nudged[0]) - total(*nudged[1])) / 2e-6
            np.testing.assert_allclose(got[index], slope, atol=3e-4)


def test_filtered_posteriors_have_finite_gradients_where_states_are_impossible():
    log_pi, log_A = (one[0] for one in models(True))
    (weights,) = tensors(np.random.default_rng(3).normal(size=(len(MASKS), T, K)))

    def loss(pi, A, lik):
        found = inference.smooth(pi, A, lik, ops.convert_to_tensor(MASK), transitions=False)
        return ops.sum((found.filtered + found.smoothed) * weights)

    arrays = (log_pi, log_A, likelihoods())
    assert all(np.isfinite(got).all() for got in gradients(loss, arrays)[0])


@pytest.mark.every_backend
def test_one_step_at_a_time_is_the_filter():
    log_pi, log_A = models(True)
    pi, A, log_lik = tensors(log_pi, log_A, likelihoods())
    whole = inference.filter(pi, A, log_lik)
    step = compiled(inference.filter_step)
    posterior, total = None, 0.0
    for t in range(T):
        last = () if posterior is None else (posterior,)
        posterior, log_prob = step(pi, A, log_lik[:, t], *last)
        np.testing.assert_allclose(number(posterior), number(whole.filtered)[:, :, t], atol=1e-5)
        total = total + number(log_prob)
    np.testing.assert_allclose(total, number(whole.log_prob), rtol=1e-5)


@pytest.mark.parametrize("numerics", ["scaled", "log"])
def test_ten_thousand_steps_stay_exact(numerics):
    """Against the scaled recursion in float64; the log-probability alone is about -30,000."""
    rng = np.random.default_rng(4)
    steps = 10_000
    pi, A = np.full(K, 1 / K), np.full((K, K), 0.01) + np.eye(K) * 0.97
    means, states = np.array([-3.0, 0.0, 3.0]), np.zeros(steps, int)
    for t in range(1, steps):
        states[t] = rng.choice(K, p=A[states[t - 1]])
    x = means[states] + rng.normal(size=steps)
    x[5000] = 1e3  # an outlier, 500,000 nats away from every state
    log_lik = -0.5 * (x[:, None] - means) ** 2 - 0.5 * np.log(2 * np.pi)
    alpha, total, filtered = pi, 0.0, np.zeros((steps, K))
    for t in range(steps):
        top = log_lik[t].max()
        alpha = (alpha @ A if t else pi) * np.exp(log_lik[t] - top)
        total, alpha = total + np.log(alpha.sum()) + top, alpha / alpha.sum()
        filtered[t] = alpha
    found = compiled(inference.smooth, numerics=numerics)(*tensors(log(pi), log(A), log_lik[None]))
    np.testing.assert_allclose(number(found.log_prob)[0], total, rtol=1e-6)
    np.testing.assert_allclose(number(found.filtered)[0], filtered, atol=3e-4)
    np.testing.assert_allclose(number(found.smoothed)[0].sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(number(found.transitions)[0].sum(), steps - 1, rtol=1e-4)
    path = number(compiled(inference.viterbi)(*tensors(log(pi), log(A), log_lik[None])).states)[0]
    assert np.mean(path == states) > 0.97


def test_what_became_too_small_for_a_float_can_still_be_the_truth():
    """State 0 can only be left; an observation 200 nats against it, then 500 for it."""
    log_pi, log_A = log(np.array([1.0, 0])), log(np.array([[0.5, 0.5], [0, 1]]))
    log_lik = np.zeros((1, 3, 2))
    log_lik[0, 1], log_lik[0, 2] = [-200, 0], [0, -500]
    exact = oracle.infer(log_pi, log_A, log_lik[0])
    assert exact["smoothed"][1, 0] == pytest.approx(1)
    assert inference.select_numerics(0.0) == "log"
    found = compiled(inference.smooth, numerics=inference.select_numerics(0.0))(
        *tensors(log_pi, log_A, log_lik)
    )
    np.testing.assert_allclose(number(found.smoothed)[0], exact["smoothed"], atol=1e-6)
    np.testing.assert_allclose(number(found.log_prob)[0], exact["log_prob"], rtol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_rule_holds_at_its_edge(dtype):
    """At the smallest transition that the rule lets through, both ways agree."""
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX computes in float32 unless JAX_ENABLE_X64 is set")
    small = inference.MIN_TRANSITION[dtype]
    assert inference.select_numerics(small, dtype) == "scaled"
    assert inference.select_numerics(small / 2, dtype) == "log"
    log_pi = np.log([0.5, 0.5])
    log_A = np.log([[1 - small, small], [small, 1 - small]])
    log_lik = np.random.default_rng(5).choice([-900.0, -450.0, 0.0, 300.0], (50, 12, 2))
    arguments = tensors(log_pi, log_A, log_lik, dtype=dtype)
    fast, slow = (
        compiled(inference.smooth, numerics=numerics)(*arguments) for numerics in ("scaled", "log")
    )
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    for one, other in zip(fast, slow, strict=True):
        assert keras.backend.standardize_dtype(one.dtype) == dtype
        np.testing.assert_allclose(number(one), number(other), rtol=1e-5, atol=tolerance)


def test_what_is_asked_wrongly_is_refused_by_name():
    arguments = tensors(*(one[0] for one in models(False)), likelihoods())
    with pytest.raises(InputError, match="numerics is 'fast'"):
        inference.filter(*arguments, numerics="fast")
    with pytest.raises(InputError, match="lag is -1"):
        inference.fixed_lag(*arguments, lag=-1)
