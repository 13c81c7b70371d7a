"""The layer of posteriors: values by enumeration, causality, gradients, life inside Keras."""

import functools

import keras
import numpy as np
import oracles_markov as oracle
import pytest
from deep import few_elsewhere
from keras import ops
from scipy import stats

from rnnkit.backend import native
from rnnkit.backend.gradient import gradient
from rnnkit.errors import InputError
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.models import HMM, CategoricalHMM, GaussianHMM
from rnnkit.hmm.layers.features import HMMFeatures

K, T, D, LAG = 3, 5, 2, 2
MASKS = np.array(
    [
        [1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1],
        [1, 0, 0, 1, 1],
        [0, 1, 0, 1, 0],
        [0, 0, 0, 0, 0],
    ],
    bool,
)
B = len(MASKS)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numpy(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def total_of(layer, x, mask=None):
    """`layer.log_probability`, compiled."""
    parts = [x] if mask is None else [x, mask]
    return numpy(native.compiled(layer.log_probability)(*map(ops.convert_to_tensor, parts)))


def observations(emission):
    """One batch: NaN, or -1, at masked steps and at one that is not masked."""
    rng = np.random.default_rng(1)
    hidden = ~MASKS
    hidden[0, 3] = True
    if emission == "categorical":
        return np.where(hidden, -1, rng.integers(0, 4, (B, T)))
    x = rng.poisson(2.0, (B, T, D)) if emission == "poisson" else rng.normal(size=(B, T, D))
    return np.where(hidden[..., None], np.nan, x).astype("float32")


def log_density(layer, x):
    """`log p(x | z)` of one step by SciPy, `(K,)`; 0 for a missing observation."""
    p = {name: value.astype("float64") for name, value in layer.parameters().items()}
    if np.any(np.isnan(x)) or (np.any(x < 0) and x.ndim == 0):
        return np.zeros(K)
    if "emissionprob" in p:
        return np.log(p["emissionprob"][:, x])
    if "lambdas" in p:
        return stats.poisson.logpmf(x, p["lambdas"]).sum(-1)
    normal = stats.multivariate_normal.logpdf
    if "weights" in p:
        parts = zip(p["weights"], p["means"], p["covars"], strict=True)
        return np.array(
            [
                oracle.logsumexp(
                    [np.log(c) + normal(x, m, v) for c, m, v in zip(*part, strict=True)]
                )
                for part in parts
            ]
        )
    covars = np.broadcast_to(p["covars"], (K, *p["covars"].shape[-2:]))
    if p["covars"].shape == (K, D):
        covars = [np.diag(v) for v in p["covars"]]
    return np.array([normal(x, m, v) for m, v in zip(p["means"], covars, strict=True)])


def wanted(layer, x, mask):
    """The posteriors at the real steps of one row, and its log-probability."""
    with np.errstate(divide="ignore"):
        pi = np.log(layer.start_probabilities().astype("float64"))
        moves = np.log(layer.transition_matrix().astype("float64"))
    log_lik = np.array([log_density(layer, step) for step in x[mask]]).reshape(-1, K)
    last = {"filtered": 1, "fixed-lag": 1 + layer.lag, "smoothed": T}[layer.mode]
    each = [oracle.posterior(pi, moves, log_lik[: t + last], t) for t in range(len(log_lik))]
    return np.array(each).reshape(-1, K), oracle.logsumexp(oracle.joint(pi, moves, log_lik)[1])


EMISSIONS = {
    "gaussian": {},
    "tied": {"emission": "gaussian", "covariance_type": "tied"},
    "gmm": {"n_mix": 2, "covariance_type": "full"},
    "categorical": {"n_features": 4},
    "poisson": {},
}


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "mode"),
    few_elsewhere(
        [
            ("gaussian", "filtered"),
            ("gaussian", "fixed-lag"),
            ("gaussian", "smoothed"),
            *((name, "filtered") for name in EMISSIONS if name != "gaussian"),
        ],
        *(("gaussian", "fixed-lag"), ("categorical", "filtered")),
    ),
)
def test_enumeration_with_any_mask(name, mode):
    layer = HMMFeatures(
        K,
        **{"emission": name, **EMISSIONS[name]},
        mode=mode,
        lag=LAG if mode == "fixed-lag" else 0,
        seed=1,
    )
    x = observations(name)
    layer.build(x.shape)
    layer.set_weights([draw(i, *weight.shape) for i, weight in enumerate(layer.weights)])
    inputs, mask = keras.Input(x.shape[1:]), keras.Input((T,), dtype="bool")
    model = keras.Model([inputs, mask], layer(inputs, mask=mask))
    found = model.predict_on_batch([x, MASKS])
    log_prob = total_of(layer, x, MASKS)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(-1), 1.0, rtol=1e-5)
    for row in range(B):
        posteriors, total = wanted(layer, x[row], MASKS[row])
        np.testing.assert_allclose(found[row, MASKS[row]], posteriors, atol=2e-5)
        np.testing.assert_allclose(log_prob[row], total, rtol=1e-4, atol=1e-5)
    if mode != "fixed-lag":  # a masked step repeats the one before
        np.testing.assert_allclose(found[3, 1:3], found[3, [0, 0]], atol=1e-6)
        np.testing.assert_allclose(found[2, 0], layer.start_probabilities(), atol=1e-6)


def test_no_step_sees_more_of_the_future_than_its_mode_says():
    x = draw(0, 1, 8, D)
    other = np.where(np.arange(8)[:, None] == 5, x + 1.0, x)  # another observation at step 5
    for mode, first in (("filtered", 5), ("fixed-lag", 5 - LAG), ("smoothed", 0)):
        layer = HMMFeatures(K, mode=mode, lag=LAG * (mode == "fixed-lag"), seed=0)
        layer.build(x.shape)
        run = native.compiled(layer)
        found = [numpy(run(ops.convert_to_tensor(part))) for part in (x, other)]
        moved = np.abs(found[0] - found[1]).max(axis=(0, 2))
        assert np.flatnonzero(moved > 0).tolist() == list(range(first, 8)), mode
        if mode == "filtered":  # nor does it matter how much future there is
            head = numpy(run(ops.convert_to_tensor(x[:, :5])))
            np.testing.assert_allclose(found[0][:, :5], head, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.deep("jax")
def test_gradients_are_the_slopes():
    """Along one random direction of all weights, in every mode, with masks and missing steps."""
    x, weight = observations("gaussian"), draw(5, B, T, K)
    for mode in ("filtered", "smoothed", "fixed-lag"):
        layer = HMMFeatures(K, mode=mode, lag=LAG * (mode == "fixed-lag"), seed=1)
        layer.build(x.shape)

        def loss(*weights, layer=layer):
            mapping = list(zip(layer.trainable_variables, weights, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                found = layer(x, mask=MASKS) * ops.convert_to_tensor(weight)
                return ops.sum(found) + 0.1 * ops.sum(layer.log_probability(x, MASKS))

        at = layer.get_weights()
        found = [numpy(g) for g in gradient(loss)(*map(ops.convert_to_tensor, at))]
        assert all(np.isfinite(g).all() for g in found)
        along, step = [draw(i, *w.shape) for i, w in enumerate(at)], 3e-2
        value = native.compiled(loss)
        ends = [
            float(
                numpy(
                    value(
                        *(ops.convert_to_tensor(w + s * a) for w, a in zip(at, along, strict=True))
                    )
                )
            )
            for s in (step, -step)
        ]
        slope = sum((g * a).sum() for g, a in zip(found, along, strict=True))
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=2e-2)


def left_to_right():
    """States that only go on, symbols that only one state puts out."""
    hmm = CategoricalHMM(K)
    hmm.startprob_ = [1.0, 0.0, 0.0]
    hmm.transmat_ = [[0.5, 0.5, 0.0], [0.0, 0.3, 0.7], [0.0, 0.0, 1.0]]
    hmm.emissionprob_ = [[0.5, 0.4, 0.1, 0.0], [0.1, 0.0, 0.5, 0.4], [0.3, 0.3, 0.2, 0.2]]
    return hmm


def test_from_a_model_with_zeros_that_stay_zero():
    hmm, x = left_to_right(), np.array([[0, 1, 2, 3, 2], [0, 0, 1, 1, 0]])
    frozen = HMMFeatures.from_hmm(hmm)
    assert frozen.numerics == "log"
    assert not frozen.trainable_variables
    np.testing.assert_allclose(numpy(frozen(x)), hmm.filter(x[..., None]), atol=1e-5)
    layer = HMMFeatures.from_hmm(hmm, trainable=True, mode="smoothed", likelihood_weight=1.0)
    model = keras.Sequential([keras.Input((T,), dtype="int32"), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    for _ in range(3):
        assert np.isfinite(model.train_on_batch(x, np.ones((2, T, 1))))
    before = {"start": hmm.startprob_, "moves": hmm.transmat_, "emit": hmm.emissionprob_}
    after = {
        "start": layer.start_probabilities(),
        "moves": layer.transition_matrix(),
        "emit": layer.parameters()["emissionprob"],
    }
    for name, value in before.items():
        zero = np.asarray(value) == 0
        assert (after[name][zero] < 1e-30).all()
        assert name == "start" or np.abs(after[name] - value)[~zero].max() > 0.01


def two_regimes(count=24, steps=12):
    """Sequences that change between two means now and then, and which one it was."""
    rng = np.random.default_rng(0)
    states = np.cumsum(rng.random((count, steps)) < 0.15, axis=1) % 2
    x = (4.0 * states[..., None] - 2.0 + rng.normal(size=(count, steps, D))).astype("float32")
    return x, states


@pytest.mark.every_backend
@pytest.mark.deep("jax")
def test_adapt_is_baum_welch():
    x, states = two_regimes()
    layer = HMMFeatures(2, seed=0)
    hmm = layer.adapt(x, n_iter=20)
    assert hmm.history[-1] > hmm.history[0]
    np.testing.assert_allclose(layer.means(), hmm.means_, rtol=1e-5)
    np.testing.assert_allclose(numpy(layer(x)), hmm.filter(x), atol=1e-5)
    found = numpy(layer(x)).argmax(-1)
    found = found if layer.means()[1, 0] > layer.means()[0, 0] else 1 - found
    assert (found == states).mean() > 0.95


def test_joint_training_saving_and_the_mask(tmp_path):
    """The states learn by gradient alone, on masked sequences, and serve the next layer."""
    x, states = two_regimes()
    x[::2, 9:] = 0.0
    keras.utils.set_random_seed(0)
    layer = HMMFeatures(2, likelihood_weight=1.0)
    model = keras.Sequential(
        [keras.Input((None, D)), keras.layers.Masking(), layer, keras.layers.Dense(1, "sigmoid")]
    )
    model.compile(
        keras.optimizers.Adam(0.1),
        "binary_crossentropy",
        jit_compile=keras.config.backend() == "jax",
    )
    real = np.any(x != 0, axis=-1)
    before = total_of(layer, x, real).sum() / real.sum()
    model.fit(x, states[..., None], epochs=60, batch_size=24, verbose=0)
    after = total_of(layer, x, real).sum() / real.sum()
    assert after > before + 0.5
    means = np.sort(layer.means().mean(-1))
    np.testing.assert_allclose(means, [-2.0, 2.0], atol=0.5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(again.predict(x, verbose=0), found, atol=1e-6)
    cut = model.predict(x[::2, :9], verbose=0)
    np.testing.assert_allclose(found[::2, :9], cut, atol=1e-5)


def test_the_likelihood_is_a_loss_in_training_only():
    x = observations("gaussian")
    for mode in ("filtered", "fixed-lag"):
        lag = LAG * (mode == "fixed-lag")
        layer = HMMFeatures(K, mode=mode, lag=lag, likelihood_weight=0.5, seed=1)
        layer.build(x.shape)

        def losses(x, mask, training, layer=layer):
            layer(x, mask=mask, training=training)
            return layer.losses[0] if layer.losses else ops.zeros(())

        given = [ops.convert_to_tensor(part) for part in (x, MASKS)]
        found = [
            native.compiled(functools.partial(losses, training=training))(*given)
            for training in (True, False)
        ]
        mean = total_of(layer, x, MASKS).sum() / MASKS.sum()
        np.testing.assert_allclose(numpy(found[0]), -0.5 * mean, rtol=1e-5)
        assert not numpy(found[1])


@keras.saving.register_keras_serializable(package="tests")
class Exponential(Emission):
    """Waiting times: a custom emission without shapes."""

    constraints = {"rates": "positive"}  # noqa: RUF012

    def log_likelihood(self, params, x):
        rates = params["rates"][:, None]
        return ops.log(rates) - rates * x

    def m_step(self, params, x, weights):
        rates = ops.sum(weights, 1) / ops.sum(weights * x, 1)
        return {"rates": rates}

    def get_config(self):
        return {}


def test_a_custom_emission(tmp_path):
    hmm = HMM(2, Exponential())
    hmm.startprob_, hmm.transmat_ = [0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]]
    hmm.rates_ = [0.5, 4.0]
    x = np.random.default_rng(0).exponential(size=(3, T, 1)).astype("float32")
    layer = HMMFeatures.from_hmm(hmm, mode="smoothed")
    np.testing.assert_allclose(numpy(layer(x)), hmm.smooth(x), atol=1e-5)
    assert layer.means() is None
    model = keras.Sequential([keras.Input((T, 1)), layer])
    model.save(tmp_path / "own.keras")
    again = keras.saving.load_model(tmp_path / "own.keras")
    np.testing.assert_allclose(again.predict_on_batch(x), model.predict_on_batch(x), atol=1e-6)


@pytest.mark.every_backend
def test_first_weights_are_the_same_everywhere():
    layer = HMMFeatures(K, seed=7)
    layer.build((None, None, D))
    means = np.random.default_rng(7).normal(size=(K, D))
    np.testing.assert_allclose(layer.means(), means, rtol=1e-6)
    np.testing.assert_allclose(np.diag(layer.transition_matrix()), 0.9, rtol=1e-6)
    keras.utils.set_random_seed(3)
    one, two = HMMFeatures(K), HMMFeatures(K)
    one.build((None, None, D))
    keras.utils.set_random_seed(3)
    two.build((None, None, D))
    np.testing.assert_array_equal(one.means(), two.means())


def test_half_precision_outside_full_precision_inside():
    x = draw(0, 2, 50, D) * 3
    full, half = HMMFeatures(K, seed=0), HMMFeatures(K, seed=0, dtype="mixed_float16")
    assert keras.backend.standardize_dtype(half(x).dtype) == "float16"
    full.build(x.shape)
    np.testing.assert_allclose(total_of(half, x), total_of(full, x), rtol=1e-6)


@pytest.mark.every_backend
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a SavedModel of TensorFlow")
def test_export_for_any_number_of_steps(tmp_path):
    import tensorflow as tf

    for mode in ("filtered", "fixed-lag", "smoothed"):
        layer = HMMFeatures(K, mode=mode, lag=LAG * (mode == "fixed-lag"), seed=0)
        inputs = keras.Input((None, D))
        model = keras.Model(inputs, layer(keras.layers.Masking()(inputs)))
        model.export(str(tmp_path / mode), verbose=False)
        exported = tf.saved_model.load(str(tmp_path / mode))
        for x in (draw(0, 2, 6, D), draw(1, 3, 4, D)):
            x[0, 2:4] = 0.0
            np.testing.assert_allclose(exported.serve(x).numpy(), numpy(model(x)), atol=1e-5)


def test_config():
    layer = HMMFeatures.from_hmm(left_to_right(), mode="fixed-lag", lag=2, likelihood_weight=0.1)
    again = HMMFeatures.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert not again.trainable
    assert again.compute_output_shape((2, None)) == (2, None, K)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: HMMFeatures(K, "gausian"), "Did you mean 'gaussian'"),
        (lambda: HMMFeatures(K, 3), "Emission"),
        (lambda: HMMFeatures(K, n_mix=2), "n_mix"),
        (lambda: HMMFeatures(K, mode="causal"), "filtered"),
        (lambda: HMMFeatures(K, lag=2), "lag"),
        (lambda: HMMFeatures(K, mode="fixed-lag"), "lag"),
        (lambda: HMMFeatures(0), "units"),
        (lambda: HMMFeatures(K, "categorical").build((None, None)), "n_features"),
        (lambda: HMMFeatures(K, "categorical").build((None, None, 1)), r"\(batch, time\)"),
        (lambda: HMMFeatures(K).build((None, None)), r"\(batch, time, features\)"),
        (lambda: HMMFeatures(K).build((None, None, None)), "features is unknown"),
        (lambda: HMMFeatures(K)(np.zeros((2, 3, 1)), mask=np.ones((2, 4))), "mask"),
    ],
)
def test_what_cannot_be_is_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_parameters_of_another_shape_are_refused():
    hmm = GaussianHMM(2, random_state=0).fit(two_regimes(4)[0])
    layer = HMMFeatures(2)
    layer.build((None, None, 1))
    with pytest.raises(InputError, match="means"):
        layer.set_parameters(hmm.startprob_, hmm.transmat_, hmm.emission_params())


@pytest.mark.one_backend
def test_probabilities_that_do_not_sum_to_one_are_refused():
    hmm = GaussianHMM(2, random_state=0).fit(two_regimes(4)[0])
    layer = HMMFeatures.from_hmm(hmm)
    wrong = np.array([[0.5, 0.4], [0.5, 0.5]])
    with pytest.raises(InputError, match=r"Row 0 of transitions sums to 0\.9"):
        layer.set_parameters(hmm.startprob_, wrong, hmm.emission_params())


@pytest.mark.one_backend
@pytest.mark.parametrize("kind", ["diag", "full"])
@pytest.mark.parametrize("factor", [[1e-9, 1e-9], [1e9, 1e9], [1e-4, 1.0]], ids=str)
def test_the_layer_has_the_posteriors_of_the_model_in_any_units(kind, factor):
    rng = np.random.default_rng(0)
    states = np.repeat(np.arange(4) % 2, 10)
    x = (rng.normal(size=(40, 2)) + 3 * states[:, None]) * factor
    hmm = GaussianHMM(2, kind, random_state=0, n_iter=3).fit(x)
    found = numpy(HMMFeatures.from_hmm(hmm, mode="smoothed")(x[None]))[0]
    np.testing.assert_allclose(found, hmm.predict_proba(x), atol=2e-3)
