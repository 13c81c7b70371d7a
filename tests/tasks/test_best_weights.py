"""The best model so far, read from the checkpoints of a training that did not end."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small_tasks

from rnnkit.embeddings import SkipGram
from rnnkit.errors import InputError
from rnnkit.tasks.training.best_weights import load_best

ALL = [
    name if name == "gru_sentiment" else pytest.param(name, marks=pytest.mark.one_backend)
    for name in small_tasks.SMALL
]


FILMS = (["a good film", "a bad film"] * 4, ["pos", "neg"] * 4)  # one shape: little is compiled


class StopIn(keras.callbacks.Callback):
    """End the process's training as a crash would, and keep the weights of each epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.weights, self.values = epoch, [], []

    def on_train_batch_end(self, batch, logs=None):
        if len(self.weights) == self.epoch:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())
        self.values.append(logs[self.model.monitored_metric])


def interrupted(task, name, folder, epoch):
    """Train until the first step after an epoch; return what `StopIn` kept."""
    limit = None if name == "forecaster" else 8
    given, keeps = small_tasks.examples(name, limit=limit), StopIn(epoch)
    if name == "gru_sentiment":
        given = FILMS
    valid = given if len(given) > 1 else given[0]
    options = {"validation_data": valid, "callbacks": [keeps], "checkpoints": folder}
    with pytest.raises(KeyboardInterrupt):
        task.fit(*given, epochs=9, verbose=0, batch_size=4, **options)
    return keeps


@pytest.mark.parametrize("name", ALL)
def test_the_weights_of_the_best_epoch_are_loaded(name, tmp_path):
    task = small_tasks.make(name, learning_rate=0.5)  # the last epoch is rarely the best
    keeps = interrupted(task, name, tmp_path, 2)
    choose = {"min": np.argmin, "max": np.argmax}[task.monitor_mode]
    best = int(choose(keeps.values))
    found = load_best(tmp_path)
    assert (found.epoch, found.step) == (best + 1, 0)
    assert (found.monitor, found.value) == (task.monitored_metric, keeps.values[best])
    assert type(found.model) is type(task)
    for there, here in zip(found.model.get_weights(), keeps.weights[best], strict=True):
        np.testing.assert_array_equal(there, here)


@pytest.mark.one_backend
def test_without_validation_data_the_weights_are_those_of_the_checkpoint(tmp_path):
    task = small_tasks.make("gru_sentiment")
    x, y = FILMS
    task.fit(x, y, epochs=1, verbose=0, checkpoints=tmp_path)
    found = load_best(tmp_path)
    assert (found.epoch, found.step, found.value) == (1, 0, None)
    for there, here in zip(found.model.get_weights(), task.get_weights(), strict=True):
        np.testing.assert_array_equal(there, here)
    np.testing.assert_allclose(
        found.model.predict(x, verbose=0), task.predict(x, verbose=0), rtol=1e-6
    )
    newest = max(tmp_path.glob("checkpoint-*.npz"))
    newest.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(InputError, match="no checkpoint after the first step"),
    ):
        load_best(tmp_path)


@pytest.mark.one_backend
def test_word_vectors_of_a_checkpoint(tmp_path):
    texts = [["a", "b"], ["c", "d"]] * 50
    model = SkipGram(vector_size=4, window=1, min_count=1, sample=0, epochs=2, trainer="keras")
    model.fit(texts, verbose=0, checkpoints=tmp_path)
    found = load_best(tmp_path)
    assert (found.epoch, found.model.epochs_done) == (2, 2)
    np.testing.assert_array_equal(found.model.vectors_table(), model.vectors_table())
    assert found.model.keyed_vectors().index_to_key == model.keyed_vectors().index_to_key


def test_a_folder_without_checkpoints_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no checkpoint that can be read"):
        load_best(tmp_path)
