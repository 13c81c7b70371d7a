"""Nothing is kept of a call of `fit`, `evaluate`, `predict` or generation when it is over.

`python -m tests.soak` measures the memory of thousands of batches.
"""

import gc
import itertools
import weakref

import numpy as np
import pytest
import small_tasks
from deep import mostly_deep

from rnnkit import backend
from rnnkit.backend import native
from rnnkit.hmm.estimators.models import GaussianHMM
from rnnkit.tasks.training.datasets import KerasDataset

CALLS = 4


@pytest.fixture(autouse=True)
def only_what_is_new():
    """Leave what was there before a test out of the count, and out of the collector's work."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def programs():
    """Return the number of graph functions that TensorFlow holds; elsewhere 0."""
    if backend.name != "tensorflow":
        return 0
    from tensorflow.python.eager import context

    return len(context.context().list_function_names())


def grown(call):
    """Return how many objects and programs more there are after each of some calls, at least.

    The first calls compile and fill caches. A single call may leave something for the next one.
    """
    call()
    call()
    counts = []
    for _ in range(1 + CALLS):
        call()
        gc.collect()
        counts.append((len(gc.get_objects()), programs()))
    pairs = itertools.pairwise(counts)
    return min(max(b[0] - a[0], b[1] - a[1]) for a, b in pairs)


def verbs(name):
    """Return the calls of a small task that was trained, by name."""
    task, (x, *y) = small_tasks.make(name), small_tasks.examples(name)
    task.fit(x, *y, epochs=1, verbose=0)
    found = {
        "fit": lambda: task.fit(x, *y, epochs=1, verbose=0),
        "evaluate": lambda: task.evaluate(x, *y, verbose=0),
        "predict": lambda: task.predict(x[:2], verbose=0),
    }
    if hasattr(task, "generate"):
        found["generate"] = lambda: task.generate("a", n=2, length=4)
        found["complete"] = lambda: task.complete("a ", 2)
    return found


@pytest.mark.one_backend
@pytest.mark.parametrize("name", mostly_deep(small_tasks.SMALL, *small_tasks.FEW))
def test_calls_of_every_task_leave_nothing_behind(name):
    found = {verb: grown(call) for verb, call in verbs(name).items()}
    assert found == dict.fromkeys(found, 0)


def test_calls_of_a_classifier_leave_nothing_behind():
    found = {verb: grown(call) for verb, call in verbs("bag_of_words_sentiment").items()}
    assert found == {"fit": 0, "evaluate": 0, "predict": 0}


@pytest.mark.one_backend  # compiled anew for every test; the soak shows the other backends
def test_a_hidden_markov_model_leaves_nothing_behind():
    x = np.random.default_rng(0).normal(size=(20, 1))

    def call():
        GaussianHMM(2, n_iter=2, random_state=0).fit(x).decode(x)

    assert grown(call) == 0


def test_batches_are_dropped_with_their_data_set():
    class Batches(list):
        """A list that can be referred to weakly."""

    batches = Batches([(np.zeros((2, 3), "float32"),)] * 3)
    data, alive = native.feed(KerasDataset(batches)), weakref.ref(batches)
    del batches
    assert alive() is not None
    for _ in range(2):  # epochs
        if backend.name == "tensorflow":
            assert len(list(data)) == 3
    del data
    gc.collect()
    assert alive() is None


@pytest.mark.every_backend
def test_any_number_of_texts_needs_few_programs():
    task, (x, y) = (
        small_tasks.make("bag_of_words_sentiment"),
        small_tasks.examples("bag_of_words_sentiment"),
    )
    task.fit(x, y, epochs=1, verbose=0)
    traced, step = [], task.predict_step
    task.predict_step = lambda *args, **kwargs: traced.append(1) or step(*args, **kwargs)
    alone = task.predict(x[:1], verbose=0)[0]
    for number in range(1, 10):
        found = task.predict(x[:1] * number, batch_size=8, verbose=0)
        np.testing.assert_allclose(found, np.tile(alone, (number, 1)), rtol=1e-5)
    if backend.name != "torch":  # which compiles nothing
        assert len(traced) <= 4  # 1, 2, 4, 8
