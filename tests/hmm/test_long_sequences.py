"""Long sequences: sums that keep their digits, convergence above rounding, chunks on PyTorch."""

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit import backend
from rnnkit.hmm import inference
from rnnkit.hmm.emissions import Gaussian
from rnnkit.hmm.estimators.em import EM
from rnnkit.hmm.estimators.models import GaussianHMM
from rnnkit.hmm.inference import chunks

LONG = 200_000


def forward64(startprob, transmat, densities):
    """log P in float64, step by step."""
    message, found = np.array(startprob), np.empty(len(densities))
    for t, density in enumerate(densities):
        message = (message @ transmat if t else message) * density
        found[t] = message.sum()
        message = message / found[t]
    return np.log(found).sum()


@pytest.mark.every_backend
def test_log_likelihoods_of_many_steps_add_up():
    rng = np.random.default_rng(0)
    states = np.cumsum(rng.random(LONG) < 0.01) % 2
    x = rng.normal(np.array([0.0, 2.0])[states], 1.0)[:, None]
    model = GaussianHMM(2)
    model.startprob_, model.transmat_ = [0.5, 0.5], [[0.99, 0.01], [0.01, 0.99]]
    model.means_, model.covars_ = [[0.0], [2.0]], [[1.0], [1.0]]
    densities = np.exp(-0.5 * (x - [0.0, 2.0]) ** 2) / np.sqrt(2 * np.pi)
    exact = forward64(model.startprob_, np.array(model.transmat_), densities)
    np.testing.assert_allclose(model.score(x), exact, rtol=1e-6)


@pytest.mark.every_backend
def test_sums_over_time_keep_their_digits():
    terms = np.random.default_rng(0).normal(-1.4, 1, (1_000_000, 1)).astype("float32")
    exact = terms.astype("float64").sum()
    found = ops.convert_to_numpy(inference.sum_over_time(ops.convert_to_tensor(terms)))
    np.testing.assert_allclose(found[0], exact, rtol=1e-6)
    parts = ops.convert_to_numpy(inference.partial_sums(ops.convert_to_tensor(terms[:1000])))
    assert parts.shape == (1, 16)
    np.testing.assert_allclose(parts.sum(dtype="float64"), terms[:1000].sum(dtype="float64"), 1e-7)


@pytest.mark.one_backend
def test_convergence_is_judged_above_rounding():
    em = EM(Gaussian(), frozenset(), tol=1e-3)
    assert em._converged(9e-4, 100)
    assert not em._converged(2e-3, 100)
    assert em._converged(-0.05, 1e6)  # rounding of a million steps
    assert em._converged(0.05, 1e6)
    assert not em._converged(-300.0, 1e6)  # a loss is no convergence
    assert not em._converged(np.inf, np.inf)
    assert em._converged(np.nan, np.inf)  # impossible before and after
    assert not EM(Gaussian(), frozenset(), tol=1e-3, dtype="float64")._converged(0.05, 1e6)
    assert not EM(Gaussian(), frozenset(), tol=-np.inf)._converged(0.0, 1e6)


def cases():
    """Models and log-likelihoods with masks, impossible steps and transitions, several models."""
    rng = np.random.default_rng(1)
    for case in range(12):
        states, rows, steps = int(rng.integers(1, 5)), int(rng.integers(1, 4)), 60 + 5 * case
        lead = ((), (2,))[case % 2]
        transmat = rng.dirichlet(np.full(states, 0.5), (*lead, states))
        if case % 3 == 0 and states > 1:
            transmat[rng.random(transmat.shape) < 0.3] = 0
            transmat += 1e-300 * (transmat.sum(-1, keepdims=True) == 0)
            transmat /= transmat.sum(-1, keepdims=True)
        log_lik = rng.normal(size=(*lead, rows, steps, states)) * rng.choice([1, 5, 30])
        if case % 4 == 0:
            log_lik[rng.random(log_lik.shape) < 0.02] = -np.inf
        if case % 6 == 5:
            log_lik[..., steps // 2, :] = -np.inf  # no state explains it
        mask = rng.random((rows, steps)) < 0.7 if case % 4 < 2 else None
        if case % 4 == 1:
            mask[0, :30] = False
        with np.errstate(divide="ignore"):
            start = np.log(rng.dirichlet(np.ones(states), lead))
            yield (start, np.log(transmat), log_lik), mask, float(transmat.min())


@pytest.mark.one_backend
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="others compile the loop")
def test_chunks_give_the_answer_of_the_loop(monkeypatch):
    monkeypatch.setattr(backend.native, "hidden_markov_chains", lambda *inputs: None)
    taken = []
    boundaries = chunks.Chunks.boundaries
    monkeypatch.setattr(
        chunks.Chunks, "boundaries", lambda *a, **o: taken.append(1) or boundaries(*a, **o)
    )

    def answers(inputs, mask, smallest):
        tensors = [ops.convert_to_tensor(value.astype("float64")) for value in inputs]
        numerics = {inference.select_numerics(smallest, "float64"), "log"}
        found = [*inference.viterbi(*tensors, mask)]
        for each in sorted(numerics):
            found += inference.smooth(*tensors, mask, numerics=each)
        return [ops.convert_to_numpy(value) for value in found]

    for case in cases():
        monkeypatch.setattr(chunks, "MIN_STEPS", 10**9)
        expected = answers(*case)
        assert not taken
        monkeypatch.setattr(chunks, "MIN_STEPS", 10)
        for mine, theirs in zip(answers(*case), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-8)
        assert taken
        taken.clear()
