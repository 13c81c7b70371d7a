"""Layers of bags of features: against NumPy, with padding anywhere, saved and loaded."""

import autodiff
import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.errors import InputError
from rnnkit.layers import EmbeddingBag, LogOpinionPool, NaiveBayesLogits

NUMBERS = np.array([[3, 5, 0, 2], [0, 0, 0, 0], [0, 7, 0, 0], [1, 2, 3, 4]], "int32")
WEIGHTS = np.random.default_rng(1).uniform(0.1, 2, NUMBERS.shape).astype("float32")


def filled(layer, *shapes):
    """The layer with random weights."""
    random = np.random.default_rng(0)
    layer.build(*shapes)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


@pytest.mark.parametrize("units", [1, 3])
def test_logits_are_sums_of_scaled_weights(units):
    layer = filled(NaiveBayesLogits(8, units), (None, 4))
    ratio, kernel, bias = map(ops.convert_to_numpy, (layer.ratio, layer.kernel, layer.bias))
    expected = [(ratio * kernel)[row[row > 0]].sum(0) + bias for row in NUMBERS]
    found = ops.convert_to_numpy(layer(NUMBERS))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32
    assert [weight.name for weight in layer.trainable_weights] == ["kernel", "bias"]
    assert not NaiveBayesLogits(8, units, trainable=False).trainable_weights


@pytest.mark.parametrize("combiner", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_bags_of_vectors_are_means_and_sums(combiner, weighted):
    layer = filled(EmbeddingBag(8, 5, combiner), (None, 4))
    table = ops.convert_to_numpy(layer.embeddings)
    share = (NUMBERS > 0) * (WEIGHTS if weighted else 1.0)
    expected = np.einsum("bm,bmd->bd", share, table[NUMBERS])
    if combiner == "mean":
        expected /= np.maximum(share.sum(1, keepdims=True), 1e-9)
    given = (NUMBERS, WEIGHTS) if weighted else (NUMBERS,)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(*given)), expected, rtol=1e-4, atol=1e-6)


def test_gradients_stay_off_padding():
    layer = filled(EmbeddingBag(8, 2), (None, 4))

    def total(weights):
        return ops.sum(layer(NUMBERS, weights))

    (gradient,), _ = autodiff.gradients(total, [WEIGHTS])
    assert np.isfinite(gradient).all()
    assert not gradient[NUMBERS == 0].any()


def test_a_pool_is_the_weighted_geometric_mean_of_probabilities():
    one, two = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    pool = LogOpinionPool((0.25, 2.0))
    found = ops.convert_to_numpy(ops.softmax(pool([one, two])))
    p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (one, two))
    expected = p**0.25 * q**2
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), rtol=1e-4)
    np.testing.assert_array_equal(ops.convert_to_numpy(pool([one, two], training=True)), one)
    assert not pool.trainable_weights


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_capped_pool_adds_at_most_the_cap_to_the_first_classifier(outputs):
    one, two, three = 5 * np.random.default_rng(0).normal(size=(3, 40, outputs)).astype("float32")
    pool = LogOpinionPool((0.5, 2.0, 3.0), logit_cap=1.5)
    found = ops.convert_to_numpy(pool([one, two, three]))
    others = 2.0 * two + 3.0 * three
    if outputs > 1:
        others -= others.mean(1, keepdims=True)
    expected = 0.5 * (one + 1.5 * np.tanh(others / 0.5 / 1.5))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    sure = np.abs(one) > (1.5 if outputs == 1 else np.inf)
    assert (np.sign(found) == np.sign(one))[sure].all()
    np.testing.assert_array_equal(ops.convert_to_numpy(pool([one, two, three], training=True)), one)
    wide = LogOpinionPool((0.5, 2.0, 3.0), logit_cap=1e6)([one, two, three])
    plain = LogOpinionPool((0.5, 2.0, 3.0))([one, two, three])
    shift = 0 if outputs == 1 else (2.0 * two + 3.0 * three).mean(1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(wide) + shift, plain, rtol=1e-4, atol=1e-3)


def test_a_cap_that_is_not_above_0_is_refused():
    with pytest.raises(InputError, match="logit_cap is 0"):
        LogOpinionPool((0.5, 0.5), logit_cap=0)


@pytest.fixture(scope="module")
def network():
    ngrams = keras.Input((None,), dtype="int32")
    document = filled(EmbeddingBag(8, 4, "sum"), (None, 4))(ngrams)
    deep = keras.layers.Dense(2)(document)
    wide = filled(NaiveBayesLogits(8, 2, trainable=False), (None, 4))(ngrams)
    return keras.Model(ngrams, LogOpinionPool((0.3, 0.9))([deep, wide]))


def test_layers_are_saved_and_loaded(network, tmp_path):
    expected = ops.convert_to_numpy(network(NUMBERS))
    assert network.output_shape == (None, 2)
    network.save(tmp_path / "bags.keras")
    again = keras.models.load_model(tmp_path / "bags.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(again(NUMBERS)), expected, rtol=1e-6)


def test_in_half_precision_logits_are_float32():
    layer = filled(NaiveBayesLogits(8, 1, dtype="mixed_float16"), (None, 4))
    layer.ratio.assign(np.full((8, 1), 3e4))
    layer.kernel.assign(np.full((8, 1), 4.0))  # each product is beyond float16
    assert ops.convert_to_numpy(layer(NUMBERS))[3, 0] == pytest.approx(480_000, rel=1e-3)
    pool = LogOpinionPool((0.5, 0.5), dtype="mixed_float16")
    logits = np.full((2, 1), 1e5, "float32")
    assert ops.convert_to_numpy(pool([logits, logits]))[0, 0] == pytest.approx(1e5)
    bag = filled(EmbeddingBag(8, 2, dtype="mixed_float16"), (None, 4))
    assert keras.backend.standardize_dtype(bag(NUMBERS).dtype) == "float16"


def test_settings_that_cannot_be_used():
    for make, message in (
        (lambda: NaiveBayesLogits(0), "input_dim is 0"),
        (lambda: NaiveBayesLogits(3, 0), "units is 0"),
        (lambda: EmbeddingBag(3, 0), "output_dim is 0"),
        (lambda: EmbeddingBag(3, 1, "max"), "combiner is 'max'"),
        (lambda: LogOpinionPool(()), "initial_weights is empty"),
    ):
        with pytest.raises(InputError, match=message):
            make()
