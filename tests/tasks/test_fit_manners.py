"""Keyword arguments of Keras's `fit` on raw data: weights, splits, epochs, learning rates."""

import pickle

import keras
import numpy as np
import pytest

from rnnkit import tasks
from rnnkit.errors import InputError
from rnnkit.recipes import bag_of_words_sentiment, forecaster, gru_sentiment, name_tagger

TEXTS = ["good fine", "good", "bad", "bad dull"] * 3
SMALL = {"units": 3, "embedding": "random", "embedding_size": 4, "learning_rate": 0.01}
STILL = {**SMALL, "dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}


def weighted_loss(labels, weights):
    """The first loss of `fit`, from what an untrained twin predicts."""
    twin = gru_sentiment(**STILL)
    twin.fit(TEXTS, labels, epochs=0, verbose=0)
    p = twin.predict(TEXTS, verbose=0).astype("float64")
    y = np.searchsorted(sorted(set(labels)), labels)
    if p.shape[1] == 1:
        p = np.hstack([1 - p, p])
    return float(np.mean(-np.log(p[np.arange(len(y)), y]) * weights))


def first_loss(labels, **options):
    model = gru_sentiment(**STILL)
    history = model.fit(TEXTS, labels, epochs=1, verbose=0, **options)
    return history.history["loss"][0]


NAMES = ["pos", "pos", "neg", "neg"] * 3
NUMBERS = [5, 5, 1, 1] * 3
THREE = ["a", "b", "c", "c"] * 3


@pytest.mark.parametrize(
    ("labels", "class_weight", "weights"),
    [
        (NAMES, {0: 2.0, 1: 9.0}, [9, 9, 2, 2] * 3),  # classes by index, as in Keras
        (NUMBERS, {5: 9.0}, [9, 9, 1, 1] * 3),
        (THREE, {"b": 4.0, "c": 0.5}, [1, 4, 0.5, 0.5] * 3),
        (THREE, "balanced", [4 / 3, 4 / 3, 2 / 3, 2 / 3] * 3),
    ],
)
@pytest.mark.one_backend
def test_class_weight_weighs_the_labels_of_the_user(labels, class_weight, weights):
    expected = weighted_loss(labels, np.array(weights))
    assert first_loss(labels, class_weight=class_weight) == pytest.approx(expected, rel=1e-4)


@pytest.mark.every_backend
def test_the_loss_of_every_backend_is_weighed():
    expected = weighted_loss(NAMES, np.array([9, 9, 2, 2] * 3))
    weights = {"pos": 9.0, "neg": 2.0}
    assert first_loss(NAMES, class_weight=weights) == pytest.approx(expected, rel=1e-4)


@pytest.mark.one_backend
def test_weights_of_examples_and_of_classes_are_multiplied():
    weights = np.arange(12)
    expected = weighted_loss(NAMES, weights * np.array([3, 3, 1, 1] * 3))
    loss = first_loss(NAMES, sample_weight=weights, class_weight={"pos": 3})
    assert loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("class_weight", [1.0, 9.0], r"class_weight is \[1.0, 9.0\]; expected a weight for each"),
        ("class_weight", {"good": 1.0}, "class_weight labels hold 'good'; expected one of"),
        ("class_weight", {"pos": -1}, "class_weight of 'pos' is -1"),
        ("class_weight", {"pos": float("nan")}, "class_weight of 'pos' is nan"),
        ("class_weight", "even", "class_weight is 'even'"),
        ("sample_weight", [1.0], r"sample_weight has the shape \(1,\)"),
        ("sample_weight", [-1.0] + [1.0] * 11, "sample_weight of example 0 is -1.0"),
        ("sample_weight", ["a"] * 12, "sample_weight holds"),
        ("validation_split", 1.5, "validation_split is 1.5"),
        ("validation_split", 0.99, "leaves nothing to train on"),
        ("validation_data", (TEXTS, NAMES, [1.0]), "The validation set: sample_weight has"),
        ("validation_data", (TEXTS,), "validation_data is tuple of 1"),
        ("epochs", -1, "epochs is -1"),
        ("epochs", 2.5, "epochs is 2.5"),
        ("batch_size", 0, "batch_size is 0"),
        ("patience", -1, "patience is -1"),
        ("patience", 2, "patience is 2, and there are no examples to measure on"),
        ("validation_batch_size", 0, "validation_batch_size is 0"),
        ("class_weight", {"pos": 1.0, 1: 2.0}, "two weights for the class 'pos': .*'pos' and of 1"),
        ("class_weight", {"pos": 0.0, "neg": 0}, "class_weight leaves no training example"),
        ("sample_weight", [0.0] * 12, "sample_weight is 0 for each of the 12 examples"),
        ("initial_epoch", "2", "initial_epoch is '2'"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused_before_anything_is_learned(
    option, value, message
):
    model = gru_sentiment(**SMALL)
    with pytest.raises(InputError, match=message):
        model.fit(TEXTS, NAMES, verbose=0, **{option: value})
    assert model.network is None
    assert model.classes == ()


@pytest.mark.one_backend
def test_weights_of_the_test_and_validation_set_weigh_their_losses():
    model = gru_sentiment(**STILL)
    weights = np.arange(12.0)
    valid = (TEXTS, NAMES, weights)
    history = model.fit(TEXTS, NAMES, epochs=1, validation_data=valid, verbose=0).history
    p = model.predict(TEXTS, verbose=0)[:, 0].astype("float64")
    losses = -np.log(np.where(np.array(NAMES) == "pos", p, 1 - p))
    expected = float(np.mean(losses * weights))
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    measured = model.evaluate(TEXTS, NAMES, sample_weight=weights, return_dict=True, verbose=0)
    assert measured["loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.one_backend
def test_validation_split_measures_the_last_examples():
    split, given = gru_sentiment(**SMALL), gru_sentiment(**SMALL)
    first = split.fit(TEXTS, NAMES, validation_split=0.25, epochs=2, verbose=0).history
    data = (TEXTS[9:], NAMES[9:])
    second = given.fit(TEXTS[:9], NAMES[:9], validation_data=data, epochs=2, verbose=0).history
    assert first == second
    with pytest.raises(InputError, match="validation_split and validation_data were given"):
        split.fit(TEXTS, NAMES, validation_split=0.25, validation_data=data)


@pytest.mark.one_backend
def test_validation_split_of_lists_of_tags_and_not_of_series():
    sentences = [["a", "b"], ["b"], ["a"], ["b", "a"]] * 2
    tags = [["B-X" if word == "a" else "O" for word in words] for words in sentences]
    model = name_tagger(units=2, embedding="random", embedding_size=2, characters=None)
    history = model.fit(sentences, tags, validation_split=0.5, epochs=1, verbose=0).history
    assert "val_loss" in history
    with pytest.raises(InputError, match="Forecaster does not split series"):
        forecaster(units=2).fit(np.arange(99.0), validation_split=0.5)


def test_no_epoch_builds_the_network_and_trains_nothing():
    model = gru_sentiment(**SMALL)
    history = model.fit(TEXTS, NAMES, epochs=0, validation_split=0.5, patience=1, verbose=0)
    assert history.history == {}
    before = model.get_weights()
    model.fit(TEXTS, NAMES, epochs=0, callbacks=None, verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.predict(TEXTS, verbose=0).shape == (12, 1)


@pytest.mark.every_backend
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_one_batch_and_one_epoch_learn(schedule):
    model = bag_of_words_sentiment(learning_rate=0.1, learning_rate_schedule=schedule)
    model.fit(TEXTS, NAMES, epochs=0, verbose=0)
    before = model.network.get_weights()
    model.fit(TEXTS, NAMES, epochs=1, batch_size=12, verbose=0)
    changes = [
        np.abs(a - b).max() for a, b in zip(before, model.network.get_weights(), strict=True)
    ]
    assert max(changes) > 0.01


class Rates(keras.callbacks.Callback):
    """Keep the rate of every step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


class HalfRate(keras.callbacks.Callback):
    """A callback of the user's own that sets the rate, once."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.optimizer.learning_rate = 0.005


@pytest.mark.one_backend
def test_a_learning_rate_scheduler_wins_over_the_schedule_and_a_warning_says_so():
    model, rates = gru_sentiment(**SMALL), Rates()
    own = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-3 / (epoch + 1))
    told = "LearningRateScheduler sets the learning rate: learning_rate_schedule='cosine'"
    with pytest.warns(UserWarning, match=told):
        model.fit(TEXTS, NAMES, epochs=2, batch_size=6, callbacks=[own, rates], verbose=0)
    assert rates.seen == pytest.approx([1e-3, 1e-3, 5e-4, 5e-4])
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-4)


def test_any_callback_that_sets_the_rate_wins():
    model, rates = gru_sentiment(**SMALL), Rates()
    options = {"epochs": 3, "batch_size": 6, "callbacks": [HalfRate(), rates], "verbose": 0}
    with pytest.warns(UserWarning, match="the learning rate was set by a callback") as told:
        model.fit(TEXTS, NAMES, **options)
    assert sum("set by a callback" in str(one.message) for one in told) == 1
    assert rates.seen[2:] == pytest.approx([0.005] * 4)


@pytest.mark.one_backend
@pytest.mark.parametrize("when", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin"])
def test_a_callback_that_sets_the_very_peak_before_the_first_step_wins(when):
    def set_peak(*given, **logs):
        own.model.optimizer.learning_rate = 0.01

    model, rates, own = gru_sentiment(**SMALL), Rates(), keras.callbacks.Callback()
    setattr(own, when, set_peak)
    with pytest.warns(UserWarning, match="the learning rate was set by a callback"):
        model.fit(TEXTS, NAMES, epochs=2, batch_size=6, callbacks=[own, rates], verbose=0)
    late = when == "on_train_batch_begin"  # after the schedule has set the rate of the first step
    assert rates.seen[late:] == pytest.approx([0.01] * (4 - late))


@pytest.mark.one_backend
def test_an_optimizer_with_a_schedule_keeps_it():
    model, rates = gru_sentiment(**SMALL), Rates()
    model.fit(TEXTS, NAMES, epochs=0, verbose=0)
    decay = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 1.0)
    model.compile(keras.optimizers.SGD(decay), **model.compile_options())
    with pytest.warns(UserWarning, match="the optimizer has a schedule of its own"):
        model.fit(TEXTS, NAMES, epochs=2, batch_size=12, callbacks=rates, verbose=0)
    assert rates.seen == pytest.approx([0.1 / 2, 0.1 / 3])


class Save(keras.callbacks.Callback):
    """Write the model in the middle of an epoch."""

    def __init__(self, path, way):
        super().__init__()
        self.path, self.way = path, way

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            if self.way == "pickle":
                self.path.write_bytes(pickle.dumps(self.model))
            else:
                getattr(self.model, self.way)(self.path)


@pytest.mark.one_backend
@pytest.mark.parametrize("way", ["save", "save_weights"])
def test_what_is_written_during_fit_has_the_rate_of_the_recipe(tmp_path, way):
    rates, plain = Rates(), Rates()
    path = tmp_path / ("model.keras" if way == "save" else "model.weights.h5")
    model, twin = gru_sentiment(**SMALL), gru_sentiment(**SMALL)
    model.fit(TEXTS, NAMES, epochs=3, batch_size=4, callbacks=[rates, Save(path, way)], verbose=0)
    twin.fit(TEXTS, NAMES, epochs=3, batch_size=4, callbacks=[plain], verbose=0)
    assert rates.seen == plain.seen  # writing does not disturb the schedule
    if way == "save":
        again = tasks.load(path)
    else:
        again = gru_sentiment(**SMALL)
        again.fit(TEXTS, NAMES, epochs=1, verbose=0)
        again.load_weights(path)
    assert float(again.optimizer.learning_rate) == pytest.approx(0.01)
    before = again.network.get_weights()
    again.fit(TEXTS, NAMES, epochs=1, verbose=0)
    changes = [
        np.abs(a - b).max() for a, b in zip(before, again.network.get_weights(), strict=True)
    ]
    assert max(changes) > 1e-3


class Broken(keras.callbacks.Callback):
    """Break off the training within an epoch; the model is not touched, which would sync JAX's."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_weights_are_the_latest_when_training_breaks_off_and_the_rate_is_put_back(schedule):
    model = gru_sentiment(**SMALL, learning_rate_schedule=schedule)
    model.fit(TEXTS, NAMES, epochs=0, verbose=0)
    before = model.get_weights()
    with pytest.raises(KeyboardInterrupt):
        model.fit(TEXTS, NAMES, epochs=2, batch_size=6, callbacks=[Broken()], verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert int(model.optimizer.iterations) == 2
    assert any(map(np.any, map(np.not_equal, model.get_weights(), before)))


@pytest.mark.one_backend
def test_the_batches_of_the_validation_set_have_their_own_size():
    model, counts = gru_sentiment(**SMALL), []
    count = keras.callbacks.LambdaCallback()
    count.on_test_batch_end = lambda batch, logs=None: counts.append(batch)
    options = {"validation_data": (TEXTS, NAMES), "epochs": 1, "callbacks": [count], "verbose": 0}
    model.fit(TEXTS, NAMES, batch_size=12, validation_batch_size=3, **options)
    assert counts == [0, 1, 2, 3]


@pytest.mark.one_backend
def test_an_argument_of_keras_that_is_not_supported_is_refused_by_its_name():
    with pytest.raises(TypeError, match="'validation_freq'"):
        gru_sentiment(**SMALL).fit(TEXTS, NAMES, validation_split=0.5, validation_freq=2)
