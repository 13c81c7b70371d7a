"""Clones of tasks by Keras: the same settings, and weights of their own."""

import copy
import json

import keras
import numpy as np
import pytest
from deep import mostly_deep
from small_tasks import FEW, SMALL, examples, make

from rnnkit import recipes, tasks
from rnnkit.errors import InputError

TRAINED = mostly_deep(SMALL, *FEW)
SOLVED = {"line"}  # weights that are no start values of a layer, but solved for on the data


def layers_of(model):
    return [layer for layer in model.network.layers if layer.name not in SOLVED]


@pytest.mark.parametrize("name", TRAINED)
def test_a_clone_starts_as_a_new_task_does_with_what_was_learned_of_the_data(name):
    data = examples(name)
    model, new = make(name, epochs=1), make(name, epochs=1)
    first = keras.models.clone_model(model)
    assert type(first) is type(model)
    assert first.network is None
    assert first.settings == model.settings
    new.fit(*data, epochs=0, verbose=0)
    start = [weight for layer in layers_of(new) for weight in layer.get_weights()]
    learned = model.fit(*data, verbose=0).history
    trained = keras.models.clone_model(model)
    for one, other in zip(
        [weight for layer in layers_of(trained) for weight in layer.get_weights()],
        start,
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert trained.get_config()["settings"] == model.get_config()["settings"]
    assert getattr(trained, "classes", None) == getattr(model, "classes", None)
    assert trained.compiled
    assert trained._recipe is model._recipe
    trained.set_weights(model.get_weights())
    expected = model.evaluate(*data, verbose=0)
    assert trained.evaluate(*data, verbose=0) == expected
    assert first.fit(*data, verbose=0).history == learned
    if name != "forecaster":  # its new one solves for weights once more
        assert keras.models.clone_model(model).fit(*data, verbose=0).history == learned
    assert model.evaluate(*data, verbose=0) == expected


@pytest.mark.one_backend
def test_from_config_of_get_config_is_a_clone_with_the_changes_to_the_configuration():
    model = recipes.gru_sentiment(units=3)
    config = copy.deepcopy({**model.get_config(), "batch_size": 7})
    twin = tasks.TextClassifier.from_config(config)
    assert (twin.batch_size, model.batch_size) == (7, 32)
    assert twin.settings == model.settings
    twin.settings["units"] = 4
    assert model.settings["units"] == 3


@pytest.mark.one_backend
def test_a_clone_is_compiled_as_its_original():
    model = recipes.sequence_classifier(units=3)
    assert not keras.models.clone_model(model).compiled
    model.compile(optimizer=keras.optimizers.SGD(0.25), loss="binary_crossentropy")
    twin = keras.models.clone_model(model)
    assert float(twin.optimizer.learning_rate) == 0.25
    assert twin.optimizer is not model.optimizer


@pytest.mark.one_backend
def test_a_configuration_that_became_text_makes_no_task_that_was_never_trained():
    config = json.loads(json.dumps(recipes.gru_sentiment().get_config()))
    assert type(config["name"]) is str
    with pytest.raises(InputError, match=r"or keras\.models\.clone_model"):
        tasks.TextClassifier.from_config(config)


@pytest.mark.one_backend
def test_a_loaded_task_is_cloned_too(tmp_path):
    data = examples("bag_of_words_sentiment")
    model = make("bag_of_words_sentiment", epochs=1)
    model.fit(*data, verbose=0)
    model.save(tmp_path / "model.keras")
    twin = keras.models.clone_model(tasks.load(tmp_path / "model.keras"))
    assert twin.evaluate(*data, verbose=0) != model.evaluate(*data, verbose=0)
    twin.set_weights(model.get_weights())
    assert twin.evaluate(*data, verbose=0) == model.evaluate(*data, verbose=0)
    assert type(twin.name) is str
