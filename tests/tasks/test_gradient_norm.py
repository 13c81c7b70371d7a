"""The gradient norm that a task reports, against one that the optimizer's own step gives away."""

import keras
import numpy as np
import pytest

from rnnkit.recipes import gru_sentiment

SMALL = {
    "units": 4,
    "embedding": "random",
    "embedding_size": 4,
    "embedding_dropout": 0.0,
    "dropout": 0.0,
    "learning_rate_schedule": "constant",
    "batch_size": 128,
    "min_count": 1,
}


@pytest.mark.every_backend
@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_norm_is_that_of_the_unclipped_gradient(reviews, clip_norm):
    """Plain SGD moves each weight by `rate * gradient`: the step's length gives the norm."""
    texts, labels = reviews
    model = gru_sentiment(**SMALL, optimizer="sgd", learning_rate=0.5, clip_norm=clip_norm)
    model.fit(texts, labels, epochs=1, verbose=0)
    before = [weight.copy() for weight in model.get_weights()]
    model.fit(texts, labels, epochs=1, verbose=0)
    moved = [(a - b) / 0.5 for a, b in zip(model.get_weights(), before, strict=True)]
    length = np.sqrt(sum(np.sum(np.square(move, dtype="float64")) for move in moved))
    if clip_norm is None:
        assert model.gradient_norm == pytest.approx(length, rel=1e-3)
    else:
        # The same words in one text give rows of their own on TensorFlow: clipped as one gradient.
        assert length == pytest.approx(clip_norm, rel=1e-2)
        assert model.gradient_norm > clip_norm


def test_no_norm_before_training():
    assert gru_sentiment().gradient_norm is None


@pytest.fixture
def half():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def norm_of_a_step(reviews):
    texts, labels = reviews
    model = gru_sentiment(**SMALL)
    model.fit(texts, labels, epochs=1, verbose=0)
    return model.gradient_norm


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_in_half_precision_the_norm_is_that_of_the_loss_itself(reviews, request):
    """Keras multiplies the loss by 32768 there."""
    wanted = norm_of_a_step(reviews)
    request.getfixturevalue("half")
    assert norm_of_a_step(reviews) == pytest.approx(wanted, rel=0.05)
