"""The learning rate that each step is given."""

import keras
import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.monitor import TensorBoard
from rnnkit.recipes import gru_sentiment


class Rates(keras.callbacks.Callback):
    """Write down the rate that a step was taken with."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_rate_of_every_step(reviews, schedule):
    model = gru_sentiment(
        units=2,
        embedding="random",
        embedding_size=2,
        learning_rate=0.1,
        learning_rate_schedule=schedule,
        batch_size=6,
        min_count=1,
    )
    rates = Rates()
    texts, labels = reviews
    model.fit(texts[:120], labels[:120], epochs=2, callbacks=[rates], verbose=0)
    progress = np.arange(1, 41) / 41
    rest = (progress - 0.05) / 0.95
    falling = {
        "constant": np.ones(40),
        "linear": 1 - rest,
        "cosine": 0.5 * (1 + np.cos(np.pi * rest)),
    }[schedule]
    expected = (
        falling if schedule == "constant" else np.where(progress < 0.05, progress / 0.05, falling)
    )
    np.testing.assert_allclose(rates.seen, 0.1 * expected, atol=1e-7)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)


def test_unknown_schedule_is_refused():
    with pytest.raises(InputError, match="'cosinus'"):
        gru_sentiment(learning_rate_schedule="cosinus")


class Touch(keras.callbacks.Callback):
    """Read the model after each step, by which Keras puts the state of the epoch back on JAX."""

    def on_train_batch_end(self, batch, logs=None):
        self.norm = self.model.gradient_norm


@pytest.mark.skipif(keras.config.backend() != "jax", reason="no state apart elsewhere")
def test_state_of_an_epoch_that_stays_apart_gives_the_same(reviews, tmp_path, monkeypatch):
    texts, labels = reviews
    taken = []
    original = keras.Model._get_jax_state

    def counted(self, **options):
        taken.append(options.get("purge_model_variables"))
        return original(self, **options)

    monkeypatch.setattr(keras.Model, "_get_jax_state", counted)
    found, counts = [], []
    for touched in (False, True):
        model = gru_sentiment(
            units=2,
            embedding="random",
            embedding_size=2,
            learning_rate=0.1,
            learning_rate_schedule="cosine",
            batch_size=6,
            min_count=1,
        )
        board = TensorBoard(tmp_path / str(touched), embedding=False)
        callbacks = [board, *([Touch()] if touched else [])]
        taken.clear()
        model.fit(texts[:60], labels[:60], epochs=2, callbacks=callbacks, verbose=0)
        counts.append(taken.count(True))
        found.append([*model.get_weights(), model.gradient_norm])
    for apart, put_back in zip(*found, strict=True):
        np.testing.assert_array_equal(apart, put_back)
    assert counts == [2, 20]  # once an epoch, and once a step
