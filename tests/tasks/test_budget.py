"""Budgets of time and steps in the place of epochs: where training ends, and at which rates."""

import os
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import small_tasks

from rnnkit.errors import InputError
from rnnkit.tasks.training.schedule import factor
from rnnkit.training import budget_clock
from rnnkit.training.budget import Budget, BudgetTooSmall, parse_budget
from rnnkit.training.budget_clock import BudgetClock

DEEP = bool(os.environ.get("RNNKIT_DEEP"))
TASKS = [*small_tasks.SMALL] if DEEP else ["bag_of_words_sentiment", "sequence_classifier"]


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", Budget(seconds=90.0)),
        ("10m", Budget(seconds=600.0)),
        ("1.5 hours", Budget(seconds=5400.0)),
        ("5000steps", Budget(steps=5000)),
        ("5,000 steps", Budget(steps=5000)),
        ("1 step", Budget(steps=1)),
        ("200kparameters", Budget(parameters=200_000)),
        ("1.5M params", Budget(parameters=1_500_000)),
        (["10m", "200k parameters"], Budget(seconds=600.0, parameters=200_000)),
        ({"steps": 3}, Budget(steps=3)),
    ],
)
def test_a_budget_is_read_from_text(text, expected):
    found = parse_budget(text)
    assert found == expected == parse_budget(str(found)) == parse_budget(found.as_record())


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("10", "budget is '10'; expected a time, such as 90s"),
        ("1,5h", "expected a time"),  # not 15 hours
        ("5kh", "expected a time"),
        (600, "budget is 600; expected a time"),
        ("0m", "a time above 0"),
        ("0steps", "the least is 1 step"),
        ("2.5steps", "a whole number of steps"),
        (["1m", "2m"], "limits seconds twice"),
        (["1m", "5steps"], "Give the time or the steps"),
        ([], "expected a time"),
        ({"steps": 0}, "expected a time"),
        ({"seconds": 1, "more": 2}, "expected a time"),
    ],
)
def test_what_is_no_budget_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        parse_budget(given)


class Rates(keras.callbacks.Callback):
    """Keeps the learning rate of each step; may interrupt after one."""

    def __init__(self, stop=None):
        super().__init__()
        self.rates, self.stop = [], stop

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
        if len(self.rates) == self.stop:
            raise KeyboardInterrupt

    def checkpoint_state(self):
        return {"rates": self.rates}

    def restore_checkpoint(self, state):
        self.rates = list(state["rates"])


@pytest.mark.parametrize("name", TASKS)
def test_steps_end_within_an_epoch_with_a_validation_at_the_end_of_the_schedule(name):
    task = small_tasks.make(name, batch_size=4, learning_rate_schedule="linear")
    train = small_tasks.examples(name)
    seen = Rates()
    valid = train if len(train) > 1 else train[0]
    history = task.fit(*train, validation_data=valid, budget="5steps", callbacks=seen, verbose=0)
    assert task.reached.steps == len(seen.rates) == 5
    steps = task.reached.steps / task.reached.epochs
    assert len(history.history["val_loss"]) == -(-5 // round(steps))
    expected = [factor("linear", (i + 1) / 6) for i in range(5)]
    np.testing.assert_allclose(
        np.array(seen.rates) / seen.rates[0], np.divide(expected, expected[0]), 1e-5
    )


def test_an_interrupted_training_goes_on_with_what_is_left(tmp_path):
    name = "sequence_classifier"
    train, weights, rates = small_tasks.examples(name), [], []
    for stop in (None, 6):
        seen = Rates(stop)
        options = {"budget": "7steps", "verbose": 0, "checkpoints": tmp_path / str(stop)}
        task = small_tasks.make(name, batch_size=4, learning_rate_schedule="cosine")
        if stop is not None:
            with pytest.raises(KeyboardInterrupt):
                task.fit(*train, callbacks=seen, **options)
            task = small_tasks.make(name, batch_size=4, learning_rate_schedule="cosine")
            seen = Rates()
        task.fit(*train, callbacks=seen, **options)
        assert task.reached.steps == 7
        weights.append(task.get_weights())
        rates.append(seen.rates)
    assert rates[0] == rates[1]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(InputError, match=r"another budget \(7 steps, and now 9 steps\)"):
        task.fit(*train, callbacks=Rates(), **{**options, "budget": "9steps"})


def test_contradictions_are_refused_before_anything_is_learned():
    task = small_tasks.make("sequence_classifier")
    train = small_tasks.examples("sequence_classifier")
    with pytest.raises(InputError, match="epochs is 2, and budget is 5 steps"):
        task.fit(*train, epochs=2, budget="5steps")
    with pytest.raises(InputError, match="budget is 100 parameters, and a network that fit trains"):
        task.fit(*train, budget="100parameters")
    assert task.network is None


class Time:
    """A clock that is set by hand, and the seconds of compiling until now."""

    def __init__(self):
        self.now = self.compiling = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def hands(monkeypatch):
    from rnnkit.backend.compilation import Compilations

    found = Time()
    monkeypatch.setattr(budget_clock, "time", found)
    monkeypatch.setattr(budget_clock, "compilations", lambda: Compilations(seconds=found.compiling))
    return found


def drive(clock, hands, seconds, model, per_epoch=4, compiling=0.0):
    """Let steps pass, each of some seconds and some of compiling, and validation between epochs."""
    shares = []
    for number, took in enumerate(seconds):
        if number % per_epoch == 0:
            hands.now += 1000.0  # of validation
            clock.on_epoch_begin(number // per_epoch)
        shares.append(clock.progress)
        hands.now += took + compiling
        hands.compiling += compiling
        clock.on_train_batch_end(number % per_epoch)
        if model.stop_training:
            break
    return shares


def made(budget, steps=4):
    clock, model = BudgetClock(parse_budget(budget), steps), SimpleNamespace(stop_training=False)
    clock.set_model(model)
    return clock, model


@pytest.mark.one_backend
def test_time_is_that_of_steps_and_the_first_one_counts_as_the_second(hands):
    clock, model = made("10s")
    shares = drive(clock, hands, [60.0] + [1.0] * 50, model, compiling=5.0)
    assert model.stop_training
    assert clock.reached == (10, 10.0, 2.5)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.05
    assert shares[2:] == pytest.approx([(i + 1) / 11 for i in range(2, 10)])


@pytest.mark.one_backend
def test_time_that_was_used_before_an_interruption_counts(hands):
    clock, model = made("10s")
    drive(clock, hands, [1.0] * 6, model)
    assert not model.stop_training
    again, model = made("10s")
    again.restore_checkpoint(clock.checkpoint_state())
    drive(again, hands, [30.0] + [1.0] * 50, model)  # tracing anew is not the network's time
    assert again.reached == (10, 10.0, 2.5)


@pytest.mark.one_backend
def test_a_budget_below_one_step_is_refused_with_what_is_enough(hands):
    clock, model = made("2s")
    with pytest.raises(BudgetTooSmall, match="budget is 2 seconds, and one step takes 3 seconds"):
        drive(clock, hands, [9.0, 3.0], model)


@pytest.mark.one_backend
def test_a_number_of_epochs_that_nobody_knows_is_shown_as_such():
    assert f"Epoch 1/{made('1m')[0].epochs}" == "Epoch 1/?"
    assert made("9steps")[0].epochs == 3
