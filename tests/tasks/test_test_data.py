"""Test data that `evaluate` would refuse are refused by `fit`, before its first step."""

import os

import keras
import numpy as np
import pytest
from small_tasks import SMALL, examples, make

from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend


class Begun(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        raise AssertionError("the training began")


def rows(x):
    return [getattr(row, "values", row) for row in x]


# What may be wrong with a test set: (x, y) -> (x, y).
WRONG = {
    "nothing": lambda x, y: ([], None if y is None else []),
    "a number": lambda x, y: (3, y),
    "None among them": lambda x, y: ([None, *x[1:]], y),
    "a number among them": lambda x, y: ([7, *x[1:]], y),
    "an empty one": lambda x, y: ([type(x[0])(), *x[1:]] if isinstance(x[0], str) else [[]], y),
    "no targets": lambda x, y: (x, None),
    "targets too few": lambda x, y: (x, None if y is None else y[:-1]),
    "targets where none are": lambda x, y: (x, [0] * len(x) if y is None else y),
    "an unknown label": lambda x, y: (x, None if y is None else [unknown(y[0]), *y[1:]]),
    "a target of None": lambda x, y: (x, None if y is None else [None, *y[1:]]),
    "another number of columns": lambda x, y: ([np.ones((60, 7)) for _ in x], y),
    "infinity": lambda x, y: ([np.full(np.shape(row), np.inf) for row in rows(x)], y),
    "too short": lambda x, y: ([row[:1] for row in rows(x)], y),
    "as it should be": lambda x, y: (x, y),
}


def unknown(target):
    if isinstance(target, str):
        return "no such label"
    return "no such label" if np.ndim(target) == 0 else ["no such label"] * len(target)


@pytest.fixture(scope="module", params=SMALL)
def trained(request):
    train = examples(request.param)
    model = make(request.param)
    model.fit(*train, epochs=0, verbose=0)
    return request.param, model, train


@pytest.mark.parametrize("wrong", WRONG)
def test_what_evaluate_refuses_is_refused_before_the_first_step(wrong, trained):
    name, model, train = trained
    x, y = (*examples(name, split="test"), None)[:2]
    try:
        test = WRONG[wrong](list(x)[:4], None if y is None else list(y)[:4])
    except (TypeError, ValueError, IndexError):
        pytest.skip("examples of this kind cannot be wrong in this way")
    message = None
    try:
        model.evaluate(*test, return_dict=True, verbose=0)
    except InputError as error:
        message = str(error)
    fresh = make(name)
    if message is None:
        if wrong == "as it should be" or os.environ.get("RNNKIT_DEEP"):
            fresh.fit(*train, test_data=test, epochs=0, verbose=0)
        return
    with pytest.raises(InputError) as refused:
        fresh.fit(*train, test_data=test, epochs=1, callbacks=[Begun()], verbose=0)
    assert str(refused.value) == message
    assert wrong != "as it should be"


@pytest.mark.parametrize("name", ["gru_sentiment", "forecaster"])
def test_test_data_change_nothing(name):
    train, test = examples(name), examples(name, split="test")
    plain, checked = make(name), make(name)
    plain.fit(*train, epochs=1, verbose=0)
    checked.fit(*train, test_data=(*test, None)[:2], epochs=1, verbose=0)
    for one, other in zip(plain.get_weights(), checked.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
