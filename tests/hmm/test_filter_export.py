"""The exported online filter answers as the enumeration of all paths and as `stream`."""

import sys
import warnings

import numpy as np
import oracles_markov as oracle
import pytest

from rnnkit.errors import InputError
from rnnkit.hmm import GMMHMM, HMM, CategoricalHMM, GaussianHMM, PoissonHMM

pytestmark = pytest.mark.one_backend
K = 3
onnxruntime = pytest.importorskip("onnxruntime")


def chain(model, rng, zeros=False):
    model.startprob_ = rng.dirichlet(np.ones(K))
    model.transmat_ = rng.dirichlet(np.ones(K), K)
    if zeros:  # left to right
        model.startprob_ = np.eye(K)[0]
        model.transmat_ = np.triu(model.transmat_)
        model.transmat_ /= model.transmat_.sum(1, keepdims=True)
    return model


def matrices(rng, *shape, d=2):
    root = rng.normal(size=(*shape, d, d))
    return root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(d)


def gaussian(kind, rng, **more):
    model = chain(GaussianHMM(K, kind, dtype="float64", **more), rng)
    model.means_ = rng.normal(size=(K, 2), scale=3)
    model.covars_ = {
        "spherical": lambda: rng.uniform(0.5, 2, K),
        "diag": lambda: rng.uniform(0.5, 2, (K, 2)),
        "full": lambda: matrices(rng, K),
        "tied": lambda: matrices(rng),
    }[kind]()
    return model


def mixture(kind, rng):
    model = chain(GMMHMM(K, 2, covariance_type=kind, dtype="float64"), rng)
    model.weights_ = rng.dirichlet(np.ones(2), K)
    model.means_ = rng.normal(size=(K, 2, 2), scale=3)
    model.covars_ = {
        "spherical": lambda: rng.uniform(0.5, 2, (K, 2)),
        "diag": lambda: rng.uniform(0.5, 2, (K, 2, 2)),
        "full": lambda: matrices(rng, K, 2),
        "tied": lambda: matrices(rng, K),
    }[kind]()
    return model


def categorical(rng, zeros=False):
    model = chain(CategoricalHMM(K, n_features=4, dtype="float64"), rng, zeros)
    model.emissionprob_ = rng.dirichlet(np.ones(4), K)
    if zeros:
        model.emissionprob_[:, 3] = 0
        model.emissionprob_ /= model.emissionprob_.sum(1, keepdims=True)
    return model


def poisson(rng):
    model = chain(PoissonHMM(K, dtype="float64"), rng)
    model.lambdas_ = rng.uniform(0.1, 9, (K, 2)) * [[1, 100]]
    return model


KINDS = ("spherical", "diag", "full", "tied")
MODELS = {
    **{f"gaussian {kind}": lambda rng, kind=kind: gaussian(kind, rng) for kind in KINDS},
    **{f"mixture {kind}": lambda rng, kind=kind: mixture(kind, rng) for kind in KINDS},
    "categorical": categorical,
    "categorical with zeros": lambda rng: categorical(rng, zeros=True),
    "poisson": poisson,
}


def run(path, x):
    """Posteriors and log-probabilities of sequences `(B, T, ...)`, step by step."""
    session = onnxruntime.InferenceSession(str(path))
    state, posteriors, log_probs = np.zeros((len(x), K)), [], []
    for t in range(x.shape[1]):
        state, log_prob = session.run(["posterior", "log_prob"], {"x": x[:, t], "state": state})
        posteriors.append(state)
        log_probs.append(log_prob)
    return np.stack(posteriors, 1), np.stack(log_probs, 1)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", [0, 1])
def test_several_sequences_at_once_are_filtered(name, seed, tmp_path):
    rng = np.random.default_rng(seed)
    model = MODELS[name](rng)
    model.export_filter(tmp_path / "filter.onnx")
    x = np.stack([model.sample(30, random_state=seed + i)[0] for i in range(3)]).astype("float64")
    for row, step in ((0, 0), (1, 7), (2, 29)):
        x[row, step] = np.nan
    given = x
    if name.startswith("categorical"):
        given = np.nan_to_num(x[..., 0], nan=-1).astype("int64")
    if name == "categorical with zeros":
        given[1, 9], x[1, 9] = 3, 3  # no state emits it
    found, log_probs = run(tmp_path / "filter.onnx", given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the impossible step
        np.testing.assert_allclose(found, np.stack(model.filter(list(x))), atol=1e-9)
        np.testing.assert_allclose(log_probs.sum(1), model.score_each(list(x)), rtol=1e-9)


def test_it_is_the_sum_over_all_paths(tmp_path):
    rng = np.random.default_rng(2)
    model = categorical(rng)
    model.export_filter(tmp_path / "filter.onnx")
    symbols = np.array([[1, 0, 3, 2, 2]])
    found, log_probs = run(tmp_path / "filter.onnx", symbols)
    log_lik = np.log(model.emissionprob_.T[symbols[0]])
    answer = oracle.infer(np.log(model.startprob_), np.log(model.transmat_), log_lik)
    np.testing.assert_allclose(found[0], answer["filtered"], atol=1e-9)
    np.testing.assert_allclose(log_probs.sum(), answer["log_prob"], rtol=1e-9)


def test_data_far_from_zero_of_a_model_in_float32(tmp_path):
    rng = np.random.default_rng(3)
    model = gaussian("full", rng)
    model.dtype, model.means_ = "float32", model.means_ + 1e6
    model.export_filter(tmp_path / "filter.onnx")
    x = model.sample(50, random_state=0)[0]
    found, _ = run(tmp_path / "filter.onnx", x[None])
    model.dtype = "float64"
    np.testing.assert_allclose(found[0], model.filter(x), atol=1e-6)


def test_large_counts_of_a_model_in_float32(tmp_path):
    model = chain(PoissonHMM(K), np.random.default_rng(0))
    model.lambdas_ = 1e6 + 1e3 * np.arange(K)[:, None]
    model.export_filter(tmp_path / "filter.onnx")
    x = model.sample(50, random_state=0)[0].astype("float64")
    found, _ = run(tmp_path / "filter.onnx", x[None])
    model.dtype = "float64"
    np.testing.assert_allclose(found[0], model.filter(x), atol=1e-9)


def test_what_is_refused(tmp_path, monkeypatch):
    model = gaussian("diag", np.random.default_rng(0))
    with pytest.raises(InputError, match=r"expected a name that ends in '.onnx'"):
        model.export_filter(tmp_path / "filter.json")
    with pytest.raises(InputError, match="fit the model"):
        GaussianHMM(2).export_filter(tmp_path / "filter.onnx")

    class Own(type(model.emission_)):
        pass

    own = chain(HMM(K, Own()), np.random.default_rng(0))
    with pytest.raises(InputError, match=r"cannot hold the emission Own.*stream\(\)"):
        own.export_filter(tmp_path / "filter.onnx")
    monkeypatch.setattr(type(model.stream()), "step", lambda self, x: np.full(K, 1 / K))
    with pytest.raises(InputError, match=r"differs from stream\(\) by .* Nothing was written"):
        model.export_filter(tmp_path / "filter.onnx")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"rnnkit\[onnx\]"):
        model.export_filter(tmp_path / "filter.onnx")
    assert not list(tmp_path.iterdir())
