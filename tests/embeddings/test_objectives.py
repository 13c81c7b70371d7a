"""The gradients of one pair, one path and one window, against hand-derived NumPy."""

import keras
import numpy as np
import pytest

from rnnkit.backend import native
from rnnkit.embeddings.training.objectives import logistic_loss

N, C, J, D = 3, 4, 5, 6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def draw(scale=1.0):
    rng = np.random.default_rng(0)
    hidden, rows = rng.normal(0, scale, (N, C, D)), rng.normal(0, scale, (N, J, D))
    return hidden, rows, (rng.random((N, J)) > 0.5) * 1.0, (rng.random((N, C, J)) > 0.3) * 1.0


def run(*arrays):
    tensors = native.tensors(tuple(array.astype("float32") for array in arrays))
    loss, slopes = map(keras.ops.convert_to_numpy, native.compiled(logistic_loss)(*tensors))
    hidden, rows = (array.astype("float64") for array in arrays[:2])
    return loss, slopes @ rows, np.swapaxes(slopes, 1, 2) @ hidden


def test_it_is_the_sum_of_single_regressions():
    hidden, rows, labels, counts = draw()
    loss, by_hidden, by_rows = 0.0, np.zeros_like(hidden), np.zeros_like(rows)
    for n, c, j in np.argwhere(counts):
        h, u, y = hidden[n, c], rows[n, j], labels[n, j]
        loss -= np.log(sigmoid(h @ u) if y else 1 - sigmoid(h @ u))
        by_hidden[n, c] += (sigmoid(h @ u) - y) * u
        by_rows[n, j] += (sigmoid(h @ u) - y) * h
    found = run(hidden, rows, labels, counts)
    np.testing.assert_allclose(found[0], loss, rtol=1e-5)
    np.testing.assert_allclose(found[1], by_hidden, atol=1e-5)
    np.testing.assert_allclose(found[2], by_rows, atol=1e-5)


def test_the_gradients_are_the_slopes():
    hidden, rows, labels, counts = draw()
    along = np.random.default_rng(1).normal(size=hidden.shape)
    ahead, back = (run(hidden + s * along, rows, labels, counts)[0] for s in (0.01, -0.01))
    slope = (run(hidden, rows, labels, counts)[1] * along).sum()
    assert (ahead - back) / 0.02 == pytest.approx(slope, rel=1e-2)


def test_sure_answers_overflow_nothing():
    hidden, rows, labels, counts = draw(1e3)
    found = run(hidden, rows, labels, counts)
    assert all(np.isfinite(part).all() for part in found)
    scores = np.einsum("ncd,njd->ncj", hidden, rows)
    wrong = np.abs(scores) * counts * ((scores > 0) != labels[:, None].astype(bool))
    np.testing.assert_allclose(found[0], wrong.sum(), rtol=1e-4)


def test_rows_that_repeat_add_up():
    table = np.arange(8.0).reshape(4, 2)
    rows, values = np.array([2, 0, 2], "int32"), np.array([[1.0, 2], [3, 4], [5, 6]])
    wanted = table.copy()
    np.add.at(wanted, rows, values)
    given = native.tensors((table.astype("float32"), rows, values.astype("float32")))
    found = native.compiled(native.add_rows)(*given)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), wanted)


def test_small_sets_of_rows_are_mixed():
    rng = np.random.default_rng(0)
    weights, rows = rng.normal(size=(N, C, J)), rng.normal(size=(N, J, D))
    given = native.tensors((weights.astype("float32"), rows.astype("float32")))
    found = keras.ops.convert_to_numpy(native.compiled(native.mix_rows)(*given))
    np.testing.assert_allclose(found, np.einsum("nab,nbd->nad", weights, rows), atol=1e-5)
