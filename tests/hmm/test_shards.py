"""Baum-Welch over shards: the parameters of all data in one go, whoever runs the E-steps."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
import pytest
from deep import few_elsewhere

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm import GMMHMM, HMM, CategoricalHMM, Emission, GaussianHMM, PoissonHMM

K = 3
RANDOM = np.random.default_rng(0)
LENGTHS = [40, 7, 1, 30, 22, 50]
SYMBOLS = [RANDOM.integers(0, 5, n) for n in LENGTHS]
NUMBERS = [RANDOM.normal(RANDOM.normal(0, 3, 2), [0.1, 9.0], (n, 2)) + 1e4 for n in LENGTHS]
NUMBERS[3][4] = np.nan
COUNTS = [RANDOM.poisson(RANDOM.uniform(1, 9), (n, 2)) for n in LENGTHS]


class Plain(Emission):
    """A custom emission without `summarize`: a Laplace distribution with location 0."""

    constraints: ClassVar = {"scale": "positive"}

    def log_likelihood(self, params, x):
        from keras import ops

        scale = params["scale"][:, None]
        return -ops.abs(x) / scale - ops.log(2.0 * scale)

    def m_step(self, params, x, weights):
        from keras import ops

        total = ops.sum(weights, 1)
        return {"scale": ops.sum(weights * ops.abs(x), 1) / total}


def start(model, **params):
    """Set the first parameters: those that `fit` chooses depend on all data."""
    draw = np.random.default_rng(1)
    model.startprob_, model.transmat_ = draw.dirichlet(np.ones(K)), draw.dirichlet(np.ones(K), K)
    for name, value in params.items():
        setattr(model, f"{name}_", value)
    return model


def gaussian(kind):
    means = np.concatenate(NUMBERS)[[1, 45, 99]]
    each = np.array([0.5, 40.0])
    covars = {
        "spherical": np.full(K, 20.0),
        "diag": np.tile(each, (K, 1)),
        "full": np.tile(np.diag(each), (K, 1, 1)),
        "tied": np.diag(each),
    }[kind]
    # A bound in the units of the data: its default is a millionth of the first shard's variance.
    model = GaussianHMM(K, covariance_type=kind, min_covar=1e-9, covars_prior=0.01, means_weight=2)
    return start(model, means=means, covars=covars), NUMBERS


def mixture():
    means = np.concatenate(NUMBERS)[[1, 45, 99, 60, 110, 2]].reshape(K, 2, 2)
    model = GMMHMM(K, n_mix=2, min_covar=1e-9)
    covars = np.tile([0.5, 40.0], (K, 2, 1))
    return start(model, means=means, covars=covars, weights=np.full((K, 2), 0.5)), NUMBERS


def categorical():
    model = CategoricalHMM(K, n_features=5, emissionprob_prior=1.5)
    return start(model, emissionprob=np.random.default_rng(2).dirichlet(np.ones(5), K)), SYMBOLS


def own():
    return start(HMM(K, Plain()), scale=np.array([0.1, 1.0, 5.0])), [x[:, :1] for x in COUNTS]


MODELS = {
    **{f"gaussian {kind}": lambda kind=kind: gaussian(kind) for kind in ("spherical", "diag")},
    **{f"gaussian {kind}": lambda kind=kind: gaussian(kind) for kind in ("full", "tied")},
    "mixture": mixture,
    "categorical": categorical,
    "poisson": lambda: (start(PoissonHMM(K), lambdas=[[1.0, 2], [4, 4], [9, 3]]), COUNTS),
    "own": own,
}


def fitted(name, shards=None, dtype="float64", **options):
    model, x = MODELS[name]()
    model.set_params(init_params="", n_iter=5, tol=-1, dtype=dtype)
    if shards is None:
        return model.fit(x)
    return model.fit_shards([x[start:end] for start, end in shards], **options)


def parameters(model):
    return {"startprob": model.startprob_, "transmat": model.transmat_, **model.params_}


@pytest.mark.one_backend
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shards", [[(0, 6)], [(0, 2), (2, 3), (3, 6)]], ids=["one", "three"])
def test_the_parameters_are_those_of_one_fit(name, shards):
    whole, parts = fitted(name), fitted(name, shards)
    for key, wanted in parameters(whole).items():
        np.testing.assert_allclose(parameters(parts)[key], wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(parts.history, whole.history, rtol=1e-9)


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "name", few_elsewhere(["gaussian diag", "categorical", "poisson"], "gaussian diag")
)
def test_in_float32_on_every_backend(name):
    whole, parts = (fitted(name, shards, "float32") for shards in (None, [(0, 3), (3, 6)]))
    for key, wanted in parameters(whole).items():
        np.testing.assert_allclose(parameters(parts)[key], wanted, rtol=2e-4, atol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", ["gaussian full", "categorical", "poisson"])
def test_a_summary_has_the_m_step_of_its_observations_and_no_more_than_its_size(name):
    model, x = MODELS[name]()
    emission = model.emission_
    rows = np.concatenate(x)
    rows = rows[~np.isnan(rows).any(1)] if rows.dtype.kind == "f" else rows
    weights = np.random.default_rng(3).dirichlet(np.ones(K), (2, len(rows)))
    few, light = emission.summarize(rows, weights)
    assert len(few) <= 2 * K * 2 * 2
    params = {key: np.stack([value, value]) for key, value in model.emission_params().items()}
    params, rows = native.tensors((params, rows if name == "categorical" else rows * 1.0))
    wanted = emission.m_step(params, rows, native.tensors(weights))
    found = emission.m_step(params, *native.tensors((few, light)))
    for key, value in wanted.items():
        np.testing.assert_allclose(np.asarray(found[key]), np.asarray(value), rtol=1e-7)


@pytest.mark.one_backend
def test_files_functions_and_restarts(tmp_path):
    np.save(tmp_path / "a.npy", np.concatenate(SYMBOLS[:1]))
    np.savez(tmp_path / "b.npz", X=np.concatenate(SYMBOLS[1:4]), lengths=LENGTHS[1:4])
    shards = [tmp_path / "a.npy", str(tmp_path / "b.npz"), lambda: SYMBOLS[4:]]
    settings = {"n_features": 5, "n_init": 3, "random_state": 0, "n_iter": 4, "dtype": "float64"}
    with ThreadPoolExecutor(2) as pool:
        parts = CategoricalHMM(K, **settings).fit_shards(shards, map=pool.map)
    whole = CategoricalHMM(K, **settings).fit(SYMBOLS)
    np.testing.assert_allclose(parts.emissionprob_, whole.emissionprob_, atol=1e-6)
    assert parts.history == pytest.approx(whole.history)


@pytest.mark.one_backend
def test_a_shard_without_an_observation_changes_nothing():
    model, x = gaussian("diag")
    model.set_params(init_params="", n_iter=2, tol=-1, dtype="float64")
    again = gaussian("diag")[0].set_params(**model.get_params())
    model.fit_shards([x, [np.full((4, 2), np.nan)]])
    np.testing.assert_allclose(model.means_, again.fit(x).means_, rtol=1e-9)


@pytest.mark.deep
@pytest.mark.one_backend
def test_processes():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = fitted("gaussian full", [(0, 2), (2, 4), (4, 6)], map=pool.map)
    np.testing.assert_allclose(parts.means_, fitted("gaussian full").means_, rtol=1e-6)


@pytest.mark.deep
@pytest.mark.one_backend
def test_ray():
    ray = pytest.importorskip("ray")
    from ray.util.multiprocessing import Pool

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        with Pool(2) as pool:
            parts = fitted("categorical", [(0, 2), (2, 4), (4, 6)], map=pool.map)
    finally:
        ray.shutdown()
    np.testing.assert_allclose(parts.emissionprob_, fitted("categorical").emissionprob_, atol=1e-6)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("shards", "options", "message"),
    [
        ([], {}, r"shards is \[\]; expected a list"),
        ("data.npy", {}, "shards is 'data.npy'; expected a list"),
        (["gone.npy"], {}, r"Shard 0 \(gone.npy\) is missing"),
        ([SYMBOLS, [COUNTS[0]]], {}, "Shard 1 has 2 features, and shard 0 has 1"),
        ([SYMBOLS, {"x": SYMBOLS[0]}], {}, "Shard 1 holds 'x'; expected X"),
        ([SYMBOLS, [np.array([9])]], {}, "Symbol 9 at observation 0 is unseen"),
        ([SYMBOLS, []], {}, "Shard 1: X is empty"),
        (
            [[np.array([0, 1])], SYMBOLS],
            {},
            "Shard 0 has 2 observed steps, fewer than",
        ),
        ([SYMBOLS, SYMBOLS], {"map": lambda f, x: [f(x[0])]}, "map returned 1 results for 2"),
    ],
)
def test_what_is_refused(shards, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        CategoricalHMM(K, n_features=5).fit_shards(shards, **options)


@pytest.mark.one_backend
def test_a_file_that_is_no_array_is_refused(tmp_path):
    (tmp_path / "x.npy").write_text("1,2,3")
    with pytest.raises(InputError, match=r"Shard 0 \(.*x\.npy\) cannot be read"):
        CategoricalHMM(K).fit_shards([tmp_path / "x.npy"])
