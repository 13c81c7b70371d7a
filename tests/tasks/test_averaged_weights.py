"""Averaged weights: against NumPy, step by step; in validation, files and resumed trainings."""

import keras
import numpy as np
import pytest
import small_tasks
from deep import mostly_deep

from rnnkit import load
from rnnkit.errors import InputError
from rnnkit.tasks.training.best_weights import load_best
from rnnkit.tasks.training.model_state import read_variables
from rnnkit.training.checkpoints import Checkpoints

CHEAP = "bag_of_words_sentiment"
FIT = {"epochs": 2, "batch_size": 4, "verbose": 0}


class Weights(keras.callbacks.Callback):
    """The weights after each step, and at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.steps, self.epochs = [], []

    def on_train_begin(self, logs=None):
        self.first = self.model.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights())


def build(name=CHEAP, **more):
    keras.utils.clear_session()
    return small_tasks.make(name, seed=3, **more)


def fit(model, name=CHEAP, validate=True, **more):
    if validate:
        valid = small_tasks.examples(name, split="valid")
        more["validation_data"] = valid if len(valid) > 1 else valid[0]
    return model.fit(*small_tasks.examples(name), **{**FIT, **more}).history


def average(first, steps, momentum):
    """The averages after each step, in double precision."""
    found, means = [], [np.asarray(one, "float64") for one in first]
    for n, weights in enumerate(steps):
        kept = min(momentum, (1 + n) / (10 + n))
        means = [kept * mean + (1 - kept) * w for mean, w in zip(means, weights, strict=True)]
        found.append(means)
    return found


def close(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.every_backend
def test_the_average_is_that_of_numpy_and_training_goes_on_with_the_weights():
    plain, seen = Weights(), Weights()
    fit(build(), keep_best=False, callbacks=[plain])
    model = build(averaged_weights=0.4)  # the momentum grows to it within the first epoch
    history = fit(model, keep_best=False, callbacks=[seen])
    for one, other in zip(plain.steps, seen.steps, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    expected = average(seen.first, seen.steps, 0.4)
    close(seen.epochs[0], expected[3])
    close(seen.epochs[1], expected[7])
    close(model.get_weights(), expected[7])
    scores = model.evaluate(
        *small_tasks.examples(CHEAP, split="valid"), return_dict=True, verbose=0
    )
    assert scores["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", mostly_deep(small_tasks.SMALL, *small_tasks.FEW))
def test_every_task_trains_as_without_and_keeps_the_best_average(name):
    seen, model = Weights(), build(name, averaged_weights=0.9)
    history = fit(model, name, callbacks=[seen])
    assert history["loss"] == fit(build(name), name)["loss"]
    monitor = history[model.monitored_metric]
    best = int(np.argmax(monitor) if model.monitor_mode == "max" else np.argmin(monitor))
    pairs = zip(model.get_weights(), seen.epochs[best], strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert any(
        not np.array_equal(a, b) for a, b in zip(model.get_weights(), seen.steps[-1], strict=True)
    )


class Stopped(Exception):
    pass


class Stop(keras.callbacks.Callback):
    """End like a killed process after a step, counted over all epochs."""

    def __init__(self, step=0):
        super().__init__()
        self.seen, self._when = 0, step

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self._when:
            raise Stopped


@pytest.mark.deep
@pytest.mark.parametrize("step", [pytest.param(2, marks=pytest.mark.one_backend), 6])
def test_a_resumed_training_ends_at_the_same_bits(step, tmp_path):
    """From within an epoch, where the weights are in the model, and from between two of them."""
    whole = build(averaged_weights=0.9)
    history = fit(whole, callbacks=[Stop()])
    stopped = build(averaged_weights=0.9)
    # Checkpoints of every step but that under way; or of the end of an epoch only.
    folder = Checkpoints(tmp_path, minutes=1e-9 if step == 2 else 1e9)
    with pytest.raises(Stopped):
        fit(stopped, callbacks=[Stop(step)], checkpoints=folder)
    for _ in range(2):  # the second time it is complete
        resumed = build(averaged_weights=0.9)
        assert fit(resumed, callbacks=[Stop()], checkpoints=folder) == history
        one, other = read_variables(whole), read_variables(resumed)
        places = [name for name in one if name.startswith("variable")]
        assert [name for name in places if one[name].tobytes() != other[name].tobytes()] == []
    with pytest.raises(InputError, match=r"another averaged_weights \(0.9, and now 0.8\)"):
        fit(build(averaged_weights=0.8), callbacks=[Stop()], checkpoints=folder)


class Save(keras.callbacks.Callback):
    """Write a file within the first epoch."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1 and not self.path.exists():
            self.model.save(self.path)


def test_files_and_interrupted_trainings_hold_the_average(tmp_path):
    seen, model = Weights(), build(averaged_weights=0.9)
    checkpoints = Checkpoints(tmp_path / "checkpoints", minutes=1e-9)
    callbacks = [seen, Save(tmp_path / "within.keras"), Stop(4)]
    with pytest.raises(Stopped):
        fit(model, validate=False, callbacks=callbacks, checkpoints=checkpoints)
    expected = average(seen.first, seen.steps, 0.9)
    close(load(tmp_path / "within.keras").get_weights(), expected[1])
    best = load_best(checkpoints.folder)  # the checkpoint before the step that never ended
    assert best.step == 3
    close(best.model.get_weights(), expected[2])
    close(model.get_weights(), expected[3])
    model.save(tmp_path / "after.keras")
    loaded = load(tmp_path / "after.keras")
    assert loaded.averaged_weights == 0.9
    close(loaded.get_weights(), model.get_weights())
    again = Weights()
    fit(loaded, validate=False, callbacks=[again], epochs=1)  # begins at the average
    close(again.first, model.get_weights())
    close(again.epochs[0], average(again.first, again.steps, 0.9)[-1])


def test_steps_that_only_accumulate_gradients_do_not_count():
    model, seen = build(averaged_weights=0.9), Weights()
    fit(model, epochs=0)
    optimizer = keras.optimizers.SGD(0.5, gradient_accumulation_steps=2)
    model.compile(optimizer, **model.compile_options())
    fit(model, validate=False, callbacks=[seen])
    close(model.get_weights(), average(seen.first, seen.steps[1::2], 0.9)[-1])


@pytest.mark.one_backend
def test_frozen_weights_stay_as_they_are():
    name = "gru_sentiment"
    model = build(name, averaged_weights=0.9, embedding_trainable=False, epochs=1)
    seen = Weights()
    fit(model, name, callbacks=[seen])
    assert np.array_equal(model.get_weights()[0], seen.first[0])
    assert len(model.trainable_weights) == len(model.weights) - 1


@pytest.mark.one_backend
def test_a_short_training_forgets_its_initial_weights():
    steps = [[np.ones(1)]] * 20
    assert average([np.zeros(1)], steps, 0.999)[-1][0] == pytest.approx(1, abs=1e-6)


@pytest.mark.one_backend
def test_what_cannot_be_averaged_is_refused():
    with pytest.raises(InputError, match=r"averaged_weights is 1; expected a number .* below 1"):
        build(averaged_weights=1)
    model = build(averaged_weights=0.9)
    fit(model, epochs=0)
    model.compile(keras.optimizers.SGD(0.5, use_ema=True), **model.compile_options())
    with pytest.raises(InputError, match="the optimizer has use_ema=True"):
        fit(model)
