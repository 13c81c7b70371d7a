"""Virtual adversarial training: one step against NumPy, labelled and unlabelled texts."""

import keras
import numpy as np
import pytest
import small_tasks
from keras import ops

from rnnkit.errors import InputError
from rnnkit.heads import MaskedPooling
from rnnkit.tasks import BagOfWords, SequenceTagger, TextClassifier
from rnnkit.tasks.training import virtual_adversarial

TEXTS = ["good good film", "bad", "a bad bad long film", "good", "a film"]
LABELS = [1, 0, 0, 1, 2]
MORE = ["film good film", "long long bad a a a"]  # without a label
RATE, NORM = 0.5, 3.0


def pooled(size, outputs, dropout=0.0):
    """The mean of the real words' vectors, and a dense layer."""
    ids = keras.Input((None,), dtype="int32")
    start = keras.initializers.RandomUniform(-1, 1, seed=1)
    x = keras.layers.Embedding(size, 3, start, mask_zero=True, name="embedding")(ids)
    x = keras.layers.Dropout(dropout, seed=1)(x) if dropout else x
    x = MaskedPooling("mean")(x)
    activation = "sigmoid" if outputs == 1 else "softmax"
    return keras.Model(ids, keras.layers.Dense(outputs, activation, True, start)(x))


def small(build=pooled, **options):
    return TextClassifier(
        build,
        **{"optimizer": lambda: keras.optimizers.SGD(RATE), "embedding": "random", **options},
    )


def fit(model, classes, **options):
    chosen = [i for i, label in enumerate(LABELS) if label < classes]
    texts, labels = [TEXTS[i] for i in chosen], np.array(LABELS)[chosen]
    options = {"epochs": 1, "batch_size": 20, "verbose": 0, "keep_best": False, **options}
    return model.fit(texts, labels, **options).history, texts, labels


def direction(vectors, where, sin, mask):
    """In the place of random numbers: of the words alone, whatever the order of the rows."""
    return where(mask[:, :, None], sin(40 * vectors + 1), 0)


@pytest.fixture
def known_directions(monkeypatch):
    def draw(seeds, embedded, mask):
        del seeds
        return direction(embedded, ops.where, ops.sin, mask)

    monkeypatch.setattr(virtual_adversarial, "draw", draw)


def numpy_step(weights, ids, labels, norm):
    """Losses and gradients of `pooled` in double precision; the label of some texts is -1."""
    table, kernel, bias = (np.asarray(one, "float64") for one in weights)
    real = (ids > 0)[:, :, None].astype(float)
    share, outputs = real / real.sum(1, keepdims=True), kernel.shape[1]

    def predict(e):
        h = (share * e).sum(1)
        z = h @ kernel + bias
        z = np.concatenate([np.zeros_like(z), z], 1) if outputs == 1 else z
        p = np.exp(z)
        return h, p / p.sum(1, keepdims=True)

    def gradients(h, by_logits):
        by_logits = by_logits[:, -outputs:]
        by_e = share * (by_logits @ kernel.T)[:, None]
        d_table = np.zeros_like(table)
        np.add.at(d_table, ids, by_e)
        return by_e, (d_table, h.T @ by_logits, by_logits.sum(0))

    def scaled(u, size):
        s = np.sqrt((real * e**2).sum() / (real.sum() * 3))
        return size * s * u / np.sqrt((u**2).sum((1, 2), keepdims=True))

    e = table[ids]
    h, p = predict(e)
    known = labels >= 0
    truth = np.eye(p.shape[1])[labels]
    loss = -np.log((truth * p).sum(1))[known].mean()
    grads = gradients(h, (p - truth) * known[:, None] / known.sum())[1]
    noise = direction(e, np.where, np.sin, ids > 0)
    h_near, near = predict(e + scaled(noise, 0.1))
    g = gradients(h_near, near - p)[0]
    h_far, far = predict(e + scaled(g, norm))
    divergence = (p * np.log(p / far)).sum(1).mean()
    more = gradients(h_far, (far - p) / len(ids))[1]
    accuracy = (p.argmax(1) == labels)[known].mean()
    found = {"loss": loss, "virtual_adversarial_loss": divergence, "accuracy": accuracy}
    return found, [one + other for one, other in zip(grads, more, strict=True)]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_step_is_that_of_numpy(known_directions, classes):
    """Labels count in the loss and in metrics, all texts in the divergence."""
    model = small(virtual_adversarial=NORM)
    fit(model, classes, unlabelled=MORE, epochs=0)
    before = model.get_weights()
    history, texts, labels = fit(model, classes, unlabelled=MORE)
    targets = np.concatenate([[-1] * len(MORE), labels])
    ids, targets = model.make_batches(model.encode([*MORE, *texts]), targets)[0][:2]
    expected, grads = numpy_step(before, ids, targets, NORM)
    assert expected["virtual_adversarial_loss"] > 0.02
    for name, value in expected.items():
        assert history[name][0] == pytest.approx(value, rel=1e-3)
    for weight, old, grad in zip(model.get_weights(), before, grads, strict=True):
        np.testing.assert_allclose(weight, old - RATE * grad, rtol=1e-3, atol=1e-5)
