"""The softmax over a vocabulary: in clusters and sampled, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from rnnkit.tasks.language.softmax_layers import AdaptiveSoftmax, EmbeddingSoftmax

V, D, N = 11, 4, 30


def numpy(value):
    return ops.convert_to_numpy(value).astype("float64")


def log_softmax(scores):
    top = scores.max(-1, keepdims=True)
    return scores - top - np.log(np.exp(scores - top).sum(-1, keepdims=True))


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(N, D)).astype("float32")
    targets = np.arange(N)[::-1] % V  # every word, those at the borders of clusters too
    return hidden, targets.astype("int32"), rng.random(N).astype("float32")


def loss_of(table, *parts, training=True):
    """The layer's loss, given tensors, as a number."""
    parts = [ops.convert_to_tensor(part) for part in parts]
    return float(numpy(table.loss(*parts[:3], parts[3:], training=training)))


def grow(table):
    """First weights are small: larger ones, so that every word has a probability of its own."""
    table.build(None)
    rng = np.random.default_rng(1)
    table.set_weights([rng.normal(size=w.shape) for w in table.get_weights()])
    return table


@pytest.mark.parametrize("tie", [True, False])
def test_adaptive_softmax_equals_numpy(drawn, tie):
    hidden, targets, weights = drawn
    as_tensors = ops.convert_to_tensor(hidden), ops.convert_to_tensor(targets)
    table = grow(AdaptiveSoftmax(V, D, (3, 7), div_value=2, tie=tie))
    by_name = {w.name: numpy(w) for w in table.weights}
    head = np.concatenate([by_name["output_0"], by_name["clusters"]])
    first = log_softmax(hidden @ head.T + by_name["bias"])
    wanted = np.zeros((N, V))
    wanted[:, :3] = first[:, :3]
    for i, (begin, end) in enumerate(((3, 7), (7, 11)), start=1):
        low = hidden @ by_name[f"output_projection_{i}"]
        inside = log_softmax(low @ by_name[f"output_{i}"].T)
        wanted[:, begin:end] = first[:, 2 + i : 3 + i] + inside
    found = numpy(table.log_probabilities(as_tensors[0]))
    np.testing.assert_allclose(np.exp(found).sum(-1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    nll = -wanted[np.arange(N), targets]
    np.testing.assert_allclose(
        numpy(table.nll(*as_tensors)),
        nll,
        atol=1e-4,
    )
    # Computed at the places of rare words alone it is the same; the padding of places is not seen.
    weights[:5] = 0
    places = table.helper(targets.reshape(2, -1), weights.reshape(2, -1), None)
    assert min(map(min, places)) == -1
    assert sum((row >= 0).sum() for row in places) == ((targets >= 3) & (weights > 0)).sum()
    loss = loss_of(table, hidden, targets, weights, *places)
    assert loss == pytest.approx((weights * nll).sum(), rel=1e-4)
    # Words come in with the vectors they go out with, or with some of their own.
    name = "output" if tie else "input"
    vectors = numpy(table(ops.convert_to_tensor([[2, 5, 10]])))[0]
    np.testing.assert_allclose(vectors[0], by_name[f"{name}_0"][2], atol=1e-5)
    for row, i, place in ((1, 1, 2), (2, 2, 3)):
        wide = by_name[f"{name}_{i}"][place] @ by_name[f"{name}_projection_{i}"].T
        np.testing.assert_allclose(vectors[row], wide, atol=1e-4)
    assert by_name["output_1"].shape == (4, 2)
    assert by_name["output_2"].shape == (4, 1)


@pytest.mark.parametrize("tie", [True, False])
def test_sampled_softmax_of_all_words_is_the_full_one(drawn, tie):
    hidden, targets, weights = drawn
    as_tensors = ops.convert_to_tensor(hidden), ops.convert_to_tensor(targets)
    table = grow(EmbeddingSoftmax(V, D, tie=tie, frequent=3, num_sampled=V - 3))
    by_name = {w.name: numpy(w) for w in table.weights}
    scores = hidden @ by_name["embeddings" if tie else "outputs"].T + by_name["bias"]
    wanted = -log_softmax(scores)
    np.testing.assert_allclose(numpy(table.log_probabilities(as_tensors[0])), -wanted, atol=1e-4)
    nll = wanted[np.arange(N), targets]
    np.testing.assert_allclose(
        numpy(table.nll(*as_tensors)),
        nll,
        atol=1e-4,
    )
    samples = table.helper(None, None, np.random.default_rng(0))
    for training in (True, False):
        loss = loss_of(table, hidden, targets, weights, *samples, training=training)
        assert loss == pytest.approx((weights * nll).sum(), rel=1e-4)


def test_sampled_softmax_estimates_the_sum_over_all_words(drawn):
    """`exp(loss + h·o_w + b_w)` is the estimated sum; its mean over all samples is the sum."""
    hidden, _, _ = drawn
    table = grow(EmbeddingSoftmax(V, D, frequent=3, num_sampled=2))
    target = np.full(N, 1, "int32")  # a frequent one: nothing is added
    table_, bias = (numpy(w) for w in table.weights)
    scores = hidden @ table_.T + bias
    sums = []
    for a in range(3, V):
        for b in range(a + 1, V):
            two = np.array([a, b], "int32")
            one = target[:1], np.ones(1, "float32"), two
            losses = [loss_of(table, hidden[i : i + 1], *one) for i in (0, 1)]
            sums.append(np.exp(np.array(losses) + scores[:2, 1]))
    np.testing.assert_allclose(np.mean(sums, axis=0), np.exp(scores[:2]).sum(-1), rtol=1e-4)


def test_div_value_sets_the_size_of_rare_vectors():
    from rnnkit.tasks.language.language_networks import language_network

    network = language_network(
        20, units=3, embedding_size=8, softmax="adaptive", cutoffs=(5, 9), div_value=2
    )
    shapes = {w.name: tuple(w.shape) for w in network.get_layer("words").weights}
    assert (shapes["output_0"], shapes["output_1"], shapes["output_2"]) == ((5, 8), (4, 4), (11, 2))
