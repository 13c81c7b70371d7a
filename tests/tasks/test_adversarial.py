"""Adversarial training: one step against NumPy; all tasks with a perturbation that vanishes."""

import keras
import numpy as np
import pytest
import small_tasks

from rnnkit.errors import InputError
from rnnkit.heads import MaskedPooling
from rnnkit.tasks import BagOfWords, SequenceClassifier, TextClassifier
from rnnkit.tasks.training.adversarial import Attack

EMBEDDING = ["gru_sentiment", "name_tagger", "next_word", "translator"]
NONE = 1e-6  # a norm so small that both losses are the same
MORE = {
    "gru_sentiment": {"dropout": 0.3},
    "name_tagger": {"dropout": 0.3},
    "translator": {"scheduled_sampling": 0.3},
}


def pooled(size, outputs, l2=0.0, dropout=0.0):
    """The mean of the real words' vectors, and a dense layer."""
    ids = keras.Input((None,), dtype="int32")
    start = keras.initializers.RandomUniform(seed=1)
    x = keras.layers.Embedding(size, 3, start, mask_zero=True, name="embedding")(ids)
    x = keras.layers.Dropout(dropout, seed=1)(x) if dropout else x
    x = MaskedPooling("mean")(x)
    penalty = keras.regularizers.L2(l2) if l2 else None
    x = keras.layers.Dense(outputs, "sigmoid", True, "ones", kernel_regularizer=penalty)(x)
    return keras.Model(ids, x)


def small(norm, build=pooled, rate=0.5, **options):
    return TextClassifier(
        build,
        optimizer=lambda: keras.optimizers.SGD(rate),
        adversarial=norm,
        embedding="random",
        min_count=1,
        **options,
    )


TEXTS = ["good good film", "bad", "a bad bad long film", "good"]
LABELS = np.array([1, 0, 0, 1])


def losses(weights, ids, targets, norm):
    """Gradients and losses of `pooled` in double precision, on the examples and on the attack."""
    table, kernel, bias = (np.asarray(one, "float64") for one in weights)
    real = (ids > 0)[:, :, None].astype(float)
    share = real / real.sum(1, keepdims=True)
    found, added = [], np.zeros((*ids.shape, 3))
    for _ in range(2):
        e = table[ids] + added
        h = (share * e).sum(1)
        p = 1 / (1 + np.exp(-(h @ kernel + bias)))
        loss = -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))
        d = (p - targets) / len(ids)
        g = share * (d @ kernel.T)[:, None]
        d_table = np.zeros_like(table)
        np.add.at(d_table, ids, g)
        found.append((loss, (d_table, h.T @ d, d.sum(0))))
        size = np.sqrt((real * e**2).sum() / (real.sum() * 3))
        added = norm * size * g / np.sqrt((g**2).sum((1, 2), keepdims=True))
    return found


@pytest.mark.every_backend
def test_a_step_is_that_of_numpy():
    model = small(2.0)
    model.fit(TEXTS, LABELS, epochs=0, verbose=0)
    before = model.get_weights()
    batch = model.make_batches(model.encode(TEXTS), LABELS[:, None].astype("float32"))[0]
    history = model.fit(TEXTS, LABELS, epochs=1, batch_size=4, verbose=0, validation_split=0)
    (loss, grads), (attacked, more) = losses(before, batch[0], batch[1], 2.0)
    assert attacked > loss + 0.01  # it is an attack
    assert history.history["loss"][0] == pytest.approx(loss, rel=1e-5)
    assert history.history["adversarial_loss"][0] == pytest.approx(attacked, rel=1e-5)
    for weight, old, one, other in zip(model.get_weights(), before, grads, more, strict=True):
        np.testing.assert_allclose(weight, old - 0.5 * (one + other), rtol=1e-4, atol=1e-6)


@pytest.mark.every_backend
def test_rows_that_fill_a_batch_do_not_count_and_dropout_draws_the_same():
    """Nor does validation count."""
    model = small(NONE, lambda size, outputs: pooled(size, outputs, dropout=0.5))
    fit = {"epochs": 2, "batch_size": 3, "verbose": 0, "validation_data": (TEXTS, LABELS)}
    history = model.fit(TEXTS, LABELS, **fit).history
    assert history["adversarial_loss"] == pytest.approx(history["loss"], rel=1e-4)
    assert "val_adversarial_loss" not in history
    assert "adversarial_loss" not in model.evaluate(TEXTS, LABELS, verbose=0, return_dict=True)


@pytest.mark.one_backend
def test_the_second_pass_begins_as_the_first_and_changes_no_state():
    """Dropout, states that go on from window to window, and sums of metrics."""
    model = small_tasks.make("next_word", adversarial=NONE, window=8)
    history = model.fit(*small_tasks.examples("next_word"), epochs=2, verbose=0).history
    means = [float(one.result()) for one in (model._loss_tracker, model.adversarial_tracker)]
    assert means[0] == pytest.approx(means[1], rel=1e-5)  # by windows; `loss` is by tokens
    assert history["perplexity"] == pytest.approx(np.exp(history["loss"]), rel=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", EMBEDDING)
def test_every_task_without_a_perturbation_takes_the_step_twice(name):
    """The same dropout, states, metrics: a step of twice the rate, but for rounding."""
    data = small_tasks.examples(name)
    found = []
    for norm, rate in ((NONE, 0.1), (0.0, 0.2)):
        keras.utils.clear_session()
        options = {"optimizer": "sgd", "clip_norm": None, "seed": 3, **MORE.get(name, {})}
        model = small_tasks.make(name, adversarial=norm, learning_rate=rate, **options)
        fit = {"batch_size": 6, "epochs": 1, "verbose": 0, "keep_best": False}
        found.append((model.fit(*data, **fit).history, model))
    (history, model), (plain, other) = found
    attacked = history.pop("adversarial_loss")
    assert attacked == pytest.approx(history["loss"], rel=1e-3)
    assert history.keys() == plain.keys()
    assert history["loss"] == pytest.approx(plain["loss"], rel=1e-4)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


@pytest.fixture
def half():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def test_in_half_precision_the_losses_are_nearly_the_same(half):
    """Keras multiplies the loss by 32768 there, and the average is of the inner optimizer."""
    model = small(2.0, averaged_weights=0.9)
    model.fit(TEXTS, LABELS, epochs=0, verbose=0)
    before = model.get_weights()
    batch = model.make_batches(model.encode(TEXTS), LABELS[:, None].astype("float32"))[0]
    history = model.fit(TEXTS, LABELS, epochs=1, batch_size=4, verbose=0).history
    (loss, grads), (attacked, more) = losses(before, batch[0], batch[1], 2.0)
    assert history["loss"][0] == pytest.approx(loss, rel=1e-2)
    assert history["adversarial_loss"][0] == pytest.approx(attacked, rel=1e-2)
    for weight, old, one, other in zip(model.get_weights(), before, grads, more, strict=True):
        first_average = old - 0.9 * 0.5 * (one + other)
        np.testing.assert_allclose(weight, first_average, rtol=0.02, atol=1e-3)


@pytest.mark.one_backend
def test_a_penalty_counts_once():
    model = small(NONE, lambda size, outputs: pooled(size, outputs, l2=1.0))
    model.fit(TEXTS, LABELS, epochs=0, verbose=0)
    penalty = np.square(model.get_weights()[1]).sum()
    history = model.fit(TEXTS, LABELS, epochs=1, verbose=0).history
    difference = history["loss"][0] - history["adversarial_loss"][0]
    assert difference == pytest.approx(penalty, rel=1e-3)


@pytest.mark.one_backend
def test_a_frozen_embedding_is_perturbed_too():
    model = small_tasks.make("gru_sentiment", adversarial=5.0, embedding_trainable=False)
    history = model.fit(*small_tasks.examples("gru_sentiment"), epochs=1, verbose=0).history
    assert history["adversarial_loss"][0] > history["loss"][0]


@pytest.mark.one_backend
def test_what_embeds_nothing_is_refused():
    for task in (BagOfWords, SequenceClassifier):
        with pytest.raises(InputError, match=r"adversarial is 5.*does not embed its"):
            task(adversarial=5.0)
    with pytest.raises(InputError, match=r"adversarial is -1.0; expected a number of at least 0"):
        TextClassifier(adversarial=-1.0)

    def counted(size, outputs):
        ids = keras.Input((None,), dtype="int32")
        x = keras.layers.CategoryEncoding(size, output_mode="count")(ids)
        return keras.Model(ids, keras.layers.Dense(outputs, "sigmoid")(x), name="mine")

    model = small(1.0)
    model.network = counted(9, 1)
    with pytest.raises(InputError, match="the network 'mine' has no layer that embeds"):
        Attack(model)
