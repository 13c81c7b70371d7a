"""One trained model asked from several threads: the same answers, and a model that stays whole."""

import threading

import keras
import numpy as np
import pytest

from rnnkit import tasks
from rnnkit.recipes import gru_sentiment
from rnnkit.tasks.task import Task
from rnnkit.tasks.turns import VERBS, take_turns

TEXTS = ["a good film", "a bad film", "good", "a film"]
TASKS = [one for one in vars(tasks).values() if isinstance(one, type) and issubclass(one, Task)]


@pytest.fixture(scope="module")
def model():
    built = gru_sentiment(units=2, embedding="random", embedding_size=2, min_count=1)
    built.fit(TEXTS, [1, 0, 1, 0], epochs=0, verbose=0)
    return built


def together(*calls):
    """Run functions in threads of their own; return their results, or the errors."""
    found = [None] * len(calls)

    def run(place):
        try:
            found[place] = calls[place]()
        except Exception as error:  # noqa: BLE001
            found[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_threads_get_the_answers_that_one_gets(model):
    expected = model.predict(TEXTS, verbose=0)

    def ask():
        return np.concatenate([model.predict([text], verbose=0) for text in TEXTS])

    def name():
        return model.predict_labels(TEXTS)

    first, second, labels, other = together(ask, ask, name, ask)
    for found in (first, second, other, model.predict(TEXTS, verbose=0)):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert labels == model.predict_labels(TEXTS)


def test_a_call_that_fails_leaves_the_model_whole(model):
    expected = model.predict(TEXTS, verbose=0)

    class Break(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        model.predict(TEXTS, verbose=0, callbacks=[Break()])
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_every_method_that_runs_the_network_waits_its_turn(task):
    for name in VERBS:
        method = getattr(task, name, None)
        assert not callable(method) or method.waits_its_turn, name


def test_methods_run_one_at_a_time_and_inside_of_each_other():
    @take_turns
    class Stub:
        inside, most = 0, 0

        def predict(self):
            self.inside += 1
            self.most = max(self.most, self.inside)
            threading.Event().wait(0.01)
            self.inside -= 1

        def evaluate(self):
            return self.predict()

    stub = Stub()
    together(stub.predict, stub.evaluate, stub.predict)
    assert stub.most == 1
    others = Stub(), Stub()
    together(*(other.predict for other in others))
