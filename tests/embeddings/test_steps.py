"""A step against the word2vec program's, word by word, in NumPy."""

import keras
import numpy as np
import pytest

from rnnkit.backend import native
from rnnkit.embeddings.training.huffman import huffman_tree
from rnnkit.embeddings.training.steps import Batch, StepScales, Tables, sgd_step, step_scale

V, D, RATE = 9, 4, 0.1
AROUND = np.array([[1, 2, -1, 5], [-1, -1, -1, -1], [0, 0, 8, 7], [-1, 3, 3, -1]], "int32")
WORDS = np.array([4, 1, 2, 7])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def batch_of(loss):
    if loss == "negative-sampling":
        noise = np.array([[3, 4, 0], [2, 2, 2], [2, 6, 5], [1, 1, 7]])  # 4, 2 and 7 are the word
        rows = np.concatenate([WORDS[:, None], noise], 1)
        labels = np.tile([1.0, 0, 0, 0], (4, 1))
        counts = np.concatenate([np.ones((4, 1)), noise != WORDS[:, None]], 1)
    else:
        tree = huffman_tree(np.array([40, 30, 20, 9, 7, 5, 3, 2, 1]))
        rows, labels = tree.nodes[WORDS], 1.0 - tree.codes[WORDS]
        counts = np.arange(rows.shape[1]) < tree.lengths[WORDS, None]
    floats = [part.astype("float32") for part in (labels, counts)]
    return Batch(AROUND, rows.astype("int32"), *floats)


def program(vectors, outputs, batch, scales, method):
    """Gradients at the tables as they came, all added at the end."""
    by_vectors, by_outputs, loss, number = np.zeros_like(vectors), np.zeros_like(outputs), 0.0, 0
    for n, around in enumerate(batch.contexts):
        context = [word for word in around if word >= 0]
        groups = (
            [[word] for word in context] if method == "skip-gram" else [context] * bool(context)
        )
        for group in groups:
            h = vectors[group].mean(0)
            number += 1
            for row, y, counts in zip(
                batch.targets[n], batch.labels[n], batch.weights[n], strict=True
            ):
                if counts:
                    p = sigmoid(h @ outputs[row])
                    loss -= np.log(p if y else 1 - p)
                    by_outputs[row] += (p - y) * h
                    for word in group:
                        by_vectors[word] += (p - y) * outputs[row]
    for by, share in zip((by_vectors, by_outputs), scales, strict=True):
        by *= RATE * share[:, None]
    return vectors - by_vectors, outputs - by_outputs, loss, number


@pytest.mark.parametrize("loss", ["negative-sampling", "hierarchical-softmax"])
@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
def test_a_step_is_the_programs(method, loss):
    rng = np.random.default_rng(0)
    batch = batch_of(loss)
    vectors, outputs = rng.normal(size=(V, D)), rng.normal(size=(V, D))
    scales = rng.uniform(0.1, 1, (2, V)).astype("float32")
    wanted = program(vectors, outputs, batch, scales, method)

    def run(vectors, outputs, around, rows, labels, counts, *scales):
        tables, loss, number = sgd_step(
            Tables(vectors, outputs),
            Batch(around, rows, labels, counts),
            StepScales(*scales),
            RATE,
            method,
        )
        return (*tables, loss, number)

    given = native.tensors((vectors.astype("float32"), outputs.astype("float32"), *batch, *scales))
    found = [keras.ops.convert_to_numpy(part) for part in native.compiled(run)(*given)]
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=1e-6)


def test_a_row_in_which_many_meet_goes_no_further_than_with_32():
    np.testing.assert_allclose(step_scale(np.array([0, 1, 32, 64, 3200.0])), [1, 1, 1, 0.5, 0.01])
