"""Emissions against scipy (densities), hmmlearn (M-steps), and what they refuse."""

import functools

import keras
import numpy as np
import pytest
from autodiff import float64, gradients
from hmmlearn import hmm
from keras import ops
from scipy import stats

from rnnkit.backend import native
from rnnkit.errors import InputError
from rnnkit.hmm.emissions import Categorical, Gaussian, GaussianMixture, Poisson

R, N, K, D, M, V = 2, 40, 3, 2, 2, 5
TYPES = ("spherical", "diag", "full", "tied")
ALL = [
    Categorical(),
    *(Gaussian(kind) for kind in TYPES),
    *(GaussianMixture(M, kind) for kind in TYPES),
    Poisson(),
]


MIXTURES = [emission for emission in ALL if isinstance(emission, GaussianMixture)]
compiled = functools.cache(native.compiled)  # one compilation for all tests of an emission


def named(emission):
    return f"{type(emission).__name__}-{getattr(emission, 'covariance_type', '')}"


def random_params(emission, rng, restarts=R, features=D):
    def one(kind, shape):
        if kind == "real":
            return rng.normal(size=shape)
        if kind == "positive":
            return rng.uniform(0.5, 3.0, shape)
        if kind == "simplex":
            return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        root = rng.normal(size=shape)
        return root @ root.swapaxes(-1, -2) + 0.3 * np.eye(shape[-1])

    shapes = emission.shapes(K, V if isinstance(emission, Categorical) else features)
    return {n: one(emission.constraints[n], (restarts, *shape)) for n, shape in shapes.items()}


def observations(emission, rng, features=D):
    if isinstance(emission, Categorical):
        return rng.integers(0, V, N).astype("int32")
    if isinstance(emission, Poisson):
        counts = rng.poisson(3.0, (N, features))
        counts[:4] = np.array([0, 15, 16, 40])[:, None]  # both sides of where the series begins
        return counts.astype("float64")
    return rng.normal(size=(N, features)) * 2


def run(method, params, *arrays, dtype="float32"):
    """Call a compiled method on tensors of one dtype; whole numbers stay what they are."""

    def tensor(a):
        a = np.asarray(a)
        return ops.convert_to_tensor(a if a.dtype == np.int32 else a.astype(dtype))

    found = compiled(method)(
        {name: tensor(value) for name, value in params.items()}, *map(tensor, arrays)
    )
    if isinstance(found, dict):
        return {name: ops.convert_to_numpy(value) for name, value in found.items()}
    return ops.convert_to_numpy(found)


def matrix(covars, kind, features):
    return (
        covars * np.eye(features)
        if kind == "spherical"
        else (np.diag(covars) if kind == "diag" else covars)
    )


def scipys(emission, p, x):
    """One restart's log-likelihoods, by scipy in float64."""
    found = np.zeros((len(x), K))
    kind = getattr(emission, "covariance_type", None)
    for k in range(K):
        if isinstance(emission, Categorical):
            with np.errstate(divide="ignore"):
                found[:, k] = np.log(p["emissionprob"][k, x])
        elif isinstance(emission, Poisson):
            found[:, k] = stats.poisson.logpmf(x, p["lambdas"][k]).sum(-1)
        elif isinstance(emission, Gaussian):
            covar = p["covars"] if kind == "tied" else p["covars"][k]
            covar = matrix(covar, kind, x.shape[1])
            found[:, k] = stats.multivariate_normal.logpdf(x, p["means"][k], covar)
        else:
            density = 0
            for m in range(M):
                covar = p["covars"][k] if kind == "tied" else p["covars"][k, m]
                normal = stats.multivariate_normal(
                    p["means"][k, m], matrix(covar, kind, x.shape[1])
                )
                density = density + p["weights"][k, m] * normal.pdf(x)
            found[:, k] = np.log(density)
    return found


@pytest.mark.every_backend
@pytest.mark.parametrize("emission", ALL, ids=named)
def test_log_likelihood_is_scipys(emission):
    rng = np.random.default_rng(1)
    params, x = random_params(emission, rng), observations(emission, rng)
    with float64():
        found = run(emission.log_likelihood, params, x, dtype="float64")
    assert found.shape == (R, N, K)
    assert found.dtype == np.float64
    for r in range(R):
        expected = scipys(emission, {name: v[r] for name, v in params.items()}, x)
        np.testing.assert_allclose(found[r], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["diag", "full", "tied"])
def test_many_features(kind):
    """Another way is taken then: no unrolled sums."""
    rng, emission = np.random.default_rng(2), Gaussian(kind)
    params = random_params(emission, rng, features=35)
    x = observations(emission, rng, features=35)
    with float64():
        found = run(emission.log_likelihood, params, x, dtype="float64")
    expected = scipys(emission, {name: v[1] for name, v in params.items()}, x)
    np.testing.assert_allclose(found[1], expected, rtol=1e-9)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", TYPES)
def test_far_from_zero_in_float32(kind):
    """At 1e4 a float32 has steps of 1e-3; expanded squares would be wrong by whole units."""
    rng, emission = np.random.default_rng(3), Gaussian(kind)
    params, x = random_params(emission, rng, restarts=1), observations(emission, rng) + 1e4
    params["means"] = params["means"] + 1e4
    x, params["means"] = x.astype("float32"), params["means"].astype("float32")
    weights = rng.dirichlet(np.ones(K), (1, N))
    found = run(emission.log_likelihood, params, x)[0]
    expected = scipys(emission, {name: v[0].astype("float64") for name, v in params.items()}, x)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    new = run(emission.m_step, params, x, weights)
    with float64():
        exact = run(emission.m_step, params, x, weights, dtype="float64")
    np.testing.assert_allclose(new["means"], exact["means"], rtol=2e-7)
    np.testing.assert_allclose(new["covars"], exact["covars"], rtol=1e-4, atol=1e-5)


@pytest.mark.every_backend
def test_large_counts_keep_their_digits():
    params, x = {"lambdas": np.full((1, K, 1), 1e4)}, 1e4 + np.arange(-300.0, 300, 30)[:, None]
    found = run(Poisson().log_likelihood, params, x)[0, :, 0]
    np.testing.assert_allclose(found, stats.poisson.logpmf(x[:, 0], 1e4), atol=1e-4)


@pytest.mark.every_backend
def test_what_cannot_be_has_minus_infinity():
    table = np.array([[[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]])
    found = run(Categorical().log_likelihood, {"emissionprob": table}, np.array([0, 1], "int32"))
    assert found[0, 0, 0] == -np.inf
    assert found[0, 1, 2] == -np.inf
    rates = {"lambdas": np.array([[[0.0], [1.0]]])}
    found = run(Poisson().log_likelihood, rates, np.array([[0.0], [2.0]]))
    assert found[0, 0, 0] == 0
    assert found[0, 1, 0] == -np.inf


GIVEN = {  # priors of both libraries by the same names; for mixtures alpha, beta and so on
    "categorical-priors": (Categorical, {"prior": 1.7}),
    "categorical-sparse-priors": (Categorical, {"prior": 0.2}),
    "poisson-priors": (Poisson, {"lambdas_prior": 2.0, "lambdas_weight": 5.0}),
    **{
        f"gaussian-{kind}-priors": (
            Gaussian,
            {
                "covariance_type": kind,
                "means_prior": 0.4,
                "means_weight": 1.5,
                "covars_prior": 0.05,
                "covars_weight": 4.0,
            },
        )
        for kind in TYPES
    },
    **{
        f"mixture-{kind}-priors": (
            GaussianMixture,
            {
                "covariance_type": kind,
                "weights_prior": 1.8,
                "means_prior": 0.4,
                "means_weight": 1.5,
                "covars_prior": 0.3,
                "covars_weight": 0.7,
            },
        )
        for kind in TYPES
    },
}


def hmmlearns(emission, settings, params, x, weights):
    """One restart's M-step from given posteriors, by hmmlearn."""
    settings, names = dict(settings), {"means": "mc", "weights": "w", "lambdas": "l"}
    letters = "".join(names.get(name, "") for name in params) or "e"
    if isinstance(emission, Categorical):
        settings["emissionprob_prior"] = settings.pop("prior")
        model = hmm.CategoricalHMM(K, n_features=V, params=letters, **settings)
        x = x[:, None]
    elif isinstance(emission, Poisson):
        model = hmm.PoissonHMM(K, params=letters, **settings)
    elif isinstance(emission, Gaussian):
        settings.setdefault("covars_prior", 0.0)
        model = hmm.GaussianHMM(K, params=letters, **settings)
    else:
        model = hmm.GMMHMM(K, M, params=letters, **settings)
    model.n_features = V if isinstance(emission, Categorical) else D
    model.startprob_, model.transmat_ = np.full(K, 1 / K), np.full((K, K), 1 / K)
    for name, value in params.items():
        setattr(model, f"{name}_", value)
    model._check()
    sums = model._initialize_sufficient_statistics()
    model._accumulate_sufficient_statistics(sums, x, None, weights, None, None)
    model._do_mstep(sums)
    found = {name: np.array(getattr(model, f"{name}_")) for name in params}
    if isinstance(emission, Gaussian):  # what it hands out are matrices
        found["covars"] = model._covars_
        if emission.covariance_type == "spherical":
            found["covars"] = model._covars_[:, 0]
    return found


def same_m_step(emission, settings, dtype, **close):
    rng = np.random.default_rng(4)
    params, x = random_params(emission, rng), observations(emission, rng)
    weights = rng.dirichlet(np.ones(K), (R, N))
    found = run(emission.m_step, params, x, weights, dtype=dtype)
    for r in range(R):
        of_r = {name: v[r] for name, v in params.items()}
        for name, value in hmmlearns(emission, settings, of_r, x, weights[r]).items():
            np.testing.assert_allclose(found[name][r], value, **close)


@pytest.mark.parametrize("name", GIVEN)
def test_m_step_with_priors_is_hmmlearns(name):
    which, settings = GIVEN[name]
    emission = which(M, **settings) if which is GaussianMixture else which(**settings)
    # Keras' segment_sum on torch adds up in float32
    coarse = which is Categorical and keras.config.backend() == "torch"
    with float64():
        same_m_step(emission, settings, "float64", rtol=1e-6 if coarse else 1e-8, atol=1e-10)


@pytest.mark.every_backend
@pytest.mark.parametrize("emission", ALL, ids=named)
def test_m_step_in_float32_is_hmmlearns(emission):
    """Without priors. M = D: otherwise hmmlearn's default for "spherical" is a prior."""
    settings = {} if isinstance(emission, Poisson) else {"prior": 1.0}
    if hasattr(emission, "covariance_type"):
        settings = {"covariance_type": emission.covariance_type}
    same_m_step(emission, settings, "float32", rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("emission", ALL, ids=named)
def test_a_state_without_weight_keeps_its_parameters(emission):
    rng = np.random.default_rng(5)
    params, x = random_params(emission, rng), observations(emission, rng)
    weights = rng.dirichlet(np.ones(K), (R, N))
    weights[0, :, 1] = 0
    weights[1] = 0  # nothing for a whole restart
    found = run(emission.m_step, params, x, weights)
    for name, value in found.items():
        assert np.isfinite(value).all()
        np.testing.assert_allclose(value[1], params[name][1], rtol=1e-6)
        if value.shape[1] == K and not np.array_equal(value.shape, (R, D, D)):
            np.testing.assert_allclose(value[0, 1], params[name][0, 1], rtol=1e-6)
            assert not np.allclose(value[0, 0], params[name][0, 0])


@pytest.mark.parametrize("emission", MIXTURES, ids=named)
def test_a_component_without_weight_keeps_its_parameters(emission):
    rng, kind = np.random.default_rng(6), emission.covariance_type
    params, x = random_params(emission, rng), observations(emission, rng)
    params["weights"][0, 1] = [1.0, 0.0]
    found = run(emission.m_step, params, x, rng.dirichlet(np.ones(K), (R, N)))
    np.testing.assert_allclose(found["weights"][0, 1], [1, 0], atol=1e-7)
    np.testing.assert_allclose(found["means"][0, 1, 1], params["means"][0, 1, 1], rtol=1e-6)
    if kind != "tied":
        np.testing.assert_allclose(found["covars"][0, 1, 1], params["covars"][0, 1, 1], rtol=1e-6)
    assert all(np.isfinite(value).all() for value in found.values())


@pytest.mark.parametrize("emission", [ALL[2], ALL[3], ALL[4], ALL[7]], ids=named)
def test_collinear_and_constant_features(emission):
    """Three features: the second is a thousand times the first, the third never changes."""
    rng = np.random.default_rng(7)
    first = rng.normal(size=(N, 1))
    x = np.concatenate([first, 1000 * first, np.full((N, 1), 7.0)], axis=1)
    start = emission.initial_params(x, K, rng)
    params = {name: np.stack([value] * R) for name, value in start.items()}
    for _ in range(2):
        found = run(emission.log_likelihood, params, x)
        assert np.isfinite(found).all()
        weights = np.exp(found - found.max(-1, keepdims=True))
        params = run(emission.m_step, params, x, weights / weights.sum(-1, keepdims=True))
        covars = params["covars"].astype("float64")
        matrices = emission.constraints["covars"] == "covariance"
        assert (np.linalg.eigvalsh(covars) if matrices else covars).min() > 0.9e-6


def test_the_floor_leaves_others_alone():
    """One state of three collapses to a point: its eigenvalues rise to the floor, no other's do."""
    rng, emission = np.random.default_rng(8), Gaussian("full", min_covar=0.01)
    x = rng.normal(size=(60, D)) * np.array([3.0, 0.5])
    x[:20] = x[0]
    weights = np.repeat(np.eye(K), 20, axis=0)[None]
    found = run(emission.m_step, random_params(emission, rng, restarts=1), x, weights)
    np.testing.assert_allclose(np.linalg.eigvalsh(found["covars"][0, 0]), 0.01, rtol=1e-4)
    expected = np.cov(x[20:40].T, bias=True)
    np.testing.assert_allclose(found["covars"][0, 1], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("emission", ALL, ids=named)
def test_gradients_are_finite(emission):
    """Also where a probability is 0, or a rate."""
    rng = np.random.default_rng(9)
    params, x = random_params(emission, rng), observations(emission, rng)
    x = ops.convert_to_tensor(x if x.dtype == np.int32 else x.astype("float32"))
    if isinstance(emission, GaussianMixture):
        params["weights"][0, 0] = [0.0, 1.0]
    if isinstance(emission, Categorical):
        params["emissionprob"][0, 0, 0] = 0.0
    if isinstance(emission, Poisson):
        params["lambdas"][0, 0, 0] = 0.0
    names, values = list(params), list(params.values())

    def loss(*values):
        found = compiled(emission.log_likelihood)(dict(zip(names, values, strict=True)), x)
        return ops.mean(ops.where(found > -1e6, found, 0.0))

    found, _ = gradients(loss, values)
    assert all(np.isfinite(gradient).all() for gradient in found)
    assert all(np.abs(gradient).max() > 0 for gradient in found)


def test_counts_of_many_symbols():
    """A million steps and 20,000 symbols: an array of both would need 80 GB."""
    rng, symbols, steps = np.random.default_rng(10), 20_000, 1_000_000
    x = rng.integers(0, symbols, steps).astype("int32")
    x[: steps // 2] = 7  # a sum of half a million numbers in float32
    weights = rng.dirichlet(np.ones(2), steps)[None]
    last = {"emissionprob": np.full((1, 2, symbols), 1 / symbols)}
    found = run(Categorical().m_step, last, x, weights)["emissionprob"][0]
    for k in range(2):
        counts = np.bincount(x, weights[0, :, k], symbols)
        np.testing.assert_allclose(found[k], counts / counts.sum(), rtol=2e-4)


@pytest.mark.parametrize(
    ("emission", "x", "said"),
    [
        (Categorical(3), np.array([0, 3]), "Symbol 3 at observation 1 .* n_features=4"),
        (Categorical(), np.array([0, -2]), "Observation 1 is -2"),
        (Categorical(), np.array([0.0, 1.5]), r"Observation 1 is 1\.5"),
        (Categorical(), np.array(["a"]), "Expected symbols, integers"),
        (Categorical(), np.zeros((3, 2), int), "one symbol per step"),
        (Poisson(), np.array([[1.0], [-1.0]]), r"Observation 1 is -1\.0"),
        (Poisson(), np.array([[1.0], [0.5]]), r"Observation 1 is 0\.5"),
        (Gaussian(), np.array([[1.0, np.inf]]), "Observation 0, feature 1 is inf"),
        (GaussianMixture(), np.array([[1.0, -1e200]]), "scale the feature"),
        (Gaussian(), np.array([["x"]]), "must be numbers"),
        (Gaussian(), np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
    ],
)
def test_observations_that_cannot_be(emission, x, said):
    with pytest.raises(InputError, match=said):
        emission.check(x)


def test_observations_of_another_model():
    rng = np.random.default_rng(11)
    for emission in ALL:
        params = {name: v[0] for name, v in random_params(emission, rng).items()}
        if isinstance(emission, Categorical):
            with pytest.raises(InputError, match="Symbol 9 at observation 2 is unseen"):
                emission.check(np.array([0, 1, 9]), params)
        else:
            with pytest.raises(InputError, match="has 2 features; got observations with 3"):
                emission.check(np.zeros((4, 3)), params)


def test_settings_that_cannot_be():
    with pytest.raises(InputError, match="Did you mean 'diag'"):
        Gaussian("daig")
    with pytest.raises(InputError, match="min_covar"):
        GaussianMixture(2, min_covar=-1)
    with pytest.raises(InputError, match="n_mix"):
        GaussianMixture(0)
    with pytest.raises(InputError, match="n_features"):
        Categorical(0)


@pytest.mark.parametrize("emission", ALL, ids=named)
def test_samples_have_the_moments_of_their_state(emission):
    rng = np.random.default_rng(12)
    params = {name: v[0] for name, v in random_params(emission, rng).items()}
    x = emission.sample(params, np.full(4000, 1), rng)
    assert len(emission.check(x, params)) == 4000
    if isinstance(emission, Categorical):
        shares = np.bincount(x, minlength=V) / 4000
        np.testing.assert_allclose(shares, params["emissionprob"][1], atol=0.03)
        return
    # the model's own entropy: a sample is as likely as it says
    own = scipys(emission, params, x)[:, 1].mean()
    again = scipys(emission, params, emission.sample(params, np.full(4000, 1), rng))[:, 1].mean()
    assert abs(own - again) < 0.12
    if isinstance(emission, Gaussian):
        np.testing.assert_allclose(x.mean(0), params["means"][1], atol=0.2)
        covar = params["covars"] if emission.covariance_type == "tied" else params["covars"][1]
        expected = matrix(covar, emission.covariance_type, D)
        np.testing.assert_allclose(np.cov(x.T), expected, atol=0.35)
    elif isinstance(emission, GaussianMixture):
        expected = params["weights"][1] @ params["means"][1]
        np.testing.assert_allclose(x.mean(0), expected, atol=0.2)
    else:
        np.testing.assert_allclose(x.mean(0), params["lambdas"][1], atol=0.15)


def test_free_parameters():
    assert Categorical(5).n_parameters(3, 1) == 12
    assert [Gaussian(kind).n_parameters(3, 2) for kind in TYPES] == [9, 12, 15, 9]
    assert [GaussianMixture(2, kind).n_parameters(3, 2) for kind in TYPES] == [21, 27, 33, 24]
    assert Poisson().n_parameters(3, 2) == 6
