"""Copies of tasks: what was made again is the same, learns the same, and shares nothing."""

import copy
import functools
import pickle

import keras
import numpy as np
import pytest
from deep import mostly_deep
from small_tasks import FEW, SMALL, examples, make

from rnnkit import recipes, tasks
from rnnkit.errors import InputError

COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}
TRAINED = mostly_deep(SMALL, *FEW)


def public(model):
    """What a task can be asked for of how it was made."""
    return {
        key: value
        for key, value in model.get_config().items()
        if key not in ("name", "network") and not isinstance(value, dict)
    }


@pytest.mark.one_backend
@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", [name for name in recipes.names() if name != "word_vectors"])
def test_a_task_that_is_not_trained_is_made_again_with_its_settings(name, how):
    model = recipes.find(name)(epochs=3, batch_size=5)
    twin = COPIES[how](model)
    assert type(twin) is type(model)
    assert twin.settings == model.settings
    assert public(twin) == public(model)
    assert twin.network is None
    assert twin._recipe is model._recipe
    twin.settings["epochs"] = 7
    assert model.settings["epochs"] == 3


@pytest.mark.parametrize("name", TRAINED)
def test_copies_and_files_of_a_trained_task_go_on_as_the_task_does(name, tmp_path):
    data = examples(name)
    model = make(name, epochs=2)
    model.fit(*data, verbose=0)
    twins = [copy_of(model) for copy_of in COPIES.values()]
    for twin in twins:
        assert twin._recipe is model._recipe
        assert twin.settings == model.settings
        assert twin.history.history == model.history.history
        assert twin.history.epoch == [0, 1]
        assert twin.history.model is twin
    model.save(tmp_path / "model.keras")
    twins.append(tasks.load(tmp_path / "model.keras"))
    weights = model.get_weights()
    learned = model.fit(*data, verbose=0).history
    for twin in twins:
        for one, other in zip(twin.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)
        assert twin.fit(*data, verbose=0).history == learned


def network(seed, series, outputs):
    inputs = [keras.Input((None, 1)), keras.Input((None,), dtype="bool")]
    x = keras.layers.GlobalAveragePooling1D()(inputs[0], mask=inputs[1])
    start = keras.initializers.GlorotUniform(seed)
    return keras.Model(inputs, keras.layers.Dense(outputs, "sigmoid", kernel_initializer=start)(x))


SERIES = [np.full((4, 1), float(value)) for value in (0, 1)] * 4
LABELS = [0, 1] * 4


@pytest.mark.one_backend
@pytest.mark.parametrize("how", COPIES)
def test_a_task_without_a_recipe_is_made_again_by_its_constructor(how):
    model = tasks.SequenceClassifier(functools.partial(network, 1), batch_size=4, epochs=1)
    model.batch_size = 8  # set since
    twin = COPIES[how](model)
    assert twin.batch_size == 8
    for one in (model, twin):
        one.fit(SERIES, LABELS, verbose=0)
    expected = model.predict(SERIES, verbose=0)
    np.testing.assert_array_equal(twin.predict(SERIES, verbose=0), expected)
    np.testing.assert_array_equal(COPIES[how](twin).predict(SERIES, verbose=0), expected)


@pytest.mark.one_backend
@pytest.mark.parametrize("how", COPIES)
def test_what_the_user_compiled_is_kept(how):
    model = recipes.sequence_classifier(units=3)
    model.compile(optimizer=keras.optimizers.SGD(0.25), loss="binary_crossentropy")
    twin = COPIES[how](model)
    assert twin.compiled
    assert type(twin.optimizer).__name__ == "SGD"
    assert float(twin.optimizer.learning_rate) == 0.25
    assert twin.optimizer is not model.optimizer
    twin.fit(SERIES, LABELS, epochs=1, verbose=0)
    assert len(twin.evaluate(SERIES, LABELS, verbose=0, return_dict=True)) == 1


def test_copies_share_no_weights():
    model = recipes.sequence_classifier(units=3, epochs=1)
    model.fit(SERIES, LABELS, verbose=0)
    twin = copy.deepcopy(model)
    before = model.predict(SERIES, verbose=0)
    twin.set_weights([np.zeros_like(weight) for weight in twin.get_weights()])
    np.testing.assert_array_equal(model.predict(SERIES, verbose=0), before)


@pytest.mark.one_backend
def test_a_loaded_task_is_copied_but_not_untrained(tmp_path):
    model = tasks.SequenceClassifier(functools.partial(network, 1), epochs=1)
    model.fit(SERIES, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = tasks.load(tmp_path / "model.keras")
    twin = copy.deepcopy(loaded)
    np.testing.assert_array_equal(twin.predict(SERIES, verbose=0), model.predict(SERIES, verbose=0))
    with pytest.raises(InputError, match="loaded from a file"):
        loaded.untrained()
