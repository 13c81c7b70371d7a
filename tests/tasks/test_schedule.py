"""The learning rate that each step is given."""

import keras
import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.monitor.callbacks import current_learning_rate
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


class Watched(keras.callbacks.Callback):
    """Write down rate and gradient norm of each step as TensorBoard does: without a sync."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        model = self._model
        self.seen.append((current_learning_rate(model), model.gradient_norm))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_rates_and_norms_are_the_same_where_nothing_else_syncs_the_state(reviews, schedule):
    """On JAX Keras keeps the state of an epoch apart from the variables."""
    found, weights, syncs = [], [], []
    texts, labels = reviews
    for others in ([], [Rates()]):  # the second reads the model at each step: synced
        model = gru_sentiment(
            units=2, embedding="random", embedding_size=2, learning_rate=0.1, batch_size=30,
            min_count=1, learning_rate_schedule=schedule, dropout=0.0, embedding_dropout=0.0,
        )  # fmt: skip
        watched = Watched()
        sync = getattr(model, "jax_state_sync", lambda: None)
        count = []

        def counted(sync=sync, count=count, model=model):
            count.append(not getattr(model, "_jax_state_synced", True))
            sync()

        model.__dict__["jax_state_sync"] = counted
        model.fit(texts[:120], labels[:120], epochs=2, callbacks=[*others, watched], verbose=0)
        found.append(watched.seen)
        weights.append(model.network.get_weights())
        syncs.append(sum(count))
    np.testing.assert_allclose(*found, rtol=1e-5)
    assert len({rate for rate, _ in found[0]}) == (8 if schedule == "cosine" else 1)
    assert len({norm for _, norm in found[0]}) == 8
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    if keras.config.backend() == "jax" and schedule == "constant":
        assert syncs[0] <= 4 < syncs[1]
