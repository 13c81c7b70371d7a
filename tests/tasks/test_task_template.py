"""The template that all tasks share: one fit, one evaluate, named parts, real signatures."""

import inspect
from typing import NamedTuple

import keras
import numpy as np
import pytest

from rnnkit import layers, tasks
from rnnkit.errors import InputError
from rnnkit.recipes import frame_labeller, lstm_sentiment, next_word, translator
from rnnkit.tasks.network import find_parts
from rnnkit.tasks.task import Examples, Task

pytestmark = pytest.mark.one_backend

TASKS = sorted(
    (
        one
        for one in vars(tasks).values()
        if isinstance(one, type) and issubclass(one, Task) and one is not Task
    ),
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_no_task_writes_its_own_fit(task):
    assert task.fit is Task.fit


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
@pytest.mark.parametrize("method", ["__init__", "fit", "evaluate", "predict"])
def test_signatures_show_real_arguments(task, method):
    shown = inspect.signature(task if method == "__init__" else getattr(task, method))
    hidden = [p.name for p in shown.parameters.values() if p.kind is p.VAR_KEYWORD]
    assert hidden in ([], ["kwargs"])  # Keras's own evaluate takes some, as its name says
    if method == "__init__":
        assert hidden == []
        assert {"optimizer", "batch_size", "seed", "epochs", "name"} <= set(shown.parameters)
        described = task.__doc__
        assert all(f" {name}" in described for name in ("batch_size:", "epochs:", "optimizer:"))


def test_a_method_that_adds_arguments_shows_those_of_the_base_class_too():
    shown = inspect.signature(tasks.LanguageModel.evaluate).parameters
    assert {"x", "y", "batch_size", "cache", "verbose", "return_dict"} <= set(shown)
    assert "cache:" in tasks.LanguageModel.evaluate.__doc__
    assert "return_dict:" in tasks.LanguageModel.evaluate.__doc__


@pytest.mark.parametrize(
    ("build", "name", "value"),
    [
        (next_word, "unlabelled", ["more"]),
        (translator, "class_weight", {0: 1.0}),
        (frame_labeller, "sample_weight", [1.0]),
    ],
)
def test_what_a_task_does_not_use_is_refused_by_its_name(build, name, value):
    with pytest.raises(InputError, match=f"{name} was given, and .* does not use it"):
        build().fit(["a"], ["b"], **{name: value})


def test_validation_data_without_targets_are_refused_where_targets_are_needed():
    with pytest.raises(InputError, match=r"validation_data is list; expected \(x, y\)"):
        lstm_sentiment().fit(["a", "b"], [0, 1], validation_data=["a"])
    with pytest.raises(InputError, match=r"validation_data is tuple of 1; expected \(x, y\)"):
        lstm_sentiment().fit(["a", "b"], [0, 1], validation_data=(["a"],))


class Named(NamedTuple):
    embedding: keras.layers.Layer
    crf: keras.layers.Layer | None = None


def test_parts_of_a_network_are_found_by_name():
    ids = keras.Input((None,), dtype="int32")
    table = keras.layers.Embedding(9, 2, name="embedding")
    assert find_parts(keras.Model(ids, table(ids)), Named) == (table, None)


def test_a_network_that_lacks_a_part_is_refused_by_the_name_of_the_part():
    def build(size, outputs):
        ids = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(size, 2, name="words")(ids)
        x = keras.layers.GlobalAveragePooling1D()(x)
        return keras.Model(ids, keras.layers.Dense(outputs, "sigmoid")(x), name="mine")

    model = tasks.TextClassifier(build)
    with pytest.raises(InputError, match="'mine' has no layer named 'embedding'"):
        model.fit(["good", "bad"] * 4, [1, 0] * 4, verbose=0)
    assert model.network is None


class Parity(Task):
    """The least that a task defines: lists of bits, and whether their sum is odd."""

    noun = ("row", "rows")

    def check(self, x, y, name):
        return Examples([np.asarray(row, "int32") + 1 for row in x], y)

    def encode_targets(self, examples, spec, name):
        return np.asarray(examples.y, "float32")[:, None]

    def learn(self, train, targets, spec, unlabelled):
        ids = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(3, 4)(ids)
        x = keras.layers.GlobalAveragePooling1D()(x)
        self._set_network(keras.Model(ids, keras.layers.Dense(1, "sigmoid")(x)))

    def encode(self, x):
        return self.check(x, None, "x").x

    def encode_checked(self, rows):
        return rows

    def compile_options(self):
        return {"loss": "binary_crossentropy", "metrics": ["accuracy"]}


def test_a_task_of_the_users_defines_five_steps():
    rows = [list(row) for row in np.random.default_rng(0).integers(0, 2, (32, 6))]
    odd = [sum(row) % 2 for row in rows]
    model = Parity(batch_size=8, epochs=2)
    history = model.fit(rows, odd, validation_data=(rows, odd), verbose=0).history
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(history)
    assert len(history["loss"]) == 2
    scores = model.evaluate(rows, odd, return_dict=True, verbose=0)
    outputs = model.predict(rows, verbose=0)
    assert scores["accuracy"] == pytest.approx(((outputs[:, 0] > 0.5) == np.array(odd)).mean())


@pytest.mark.parametrize(
    ("model", "old", "new"),
    [
        (lstm_sentiment(), "monitor", "monitored_metric"),
        (next_word(), "told", "conditioned"),
        (next_word(), "units", "tokenizer"),
        (frame_labeller(), "show", "write_examples"),
    ],
)
def test_old_attributes_warn_and_give_the_new_ones(model, old, new):
    with pytest.warns(DeprecationWarning, match=f"{old!r} of .* is now called {new!r}"):
        assert getattr(model, old) == getattr(model, new)


def test_old_arguments_of_constructors_warn():
    from rnnkit.data.tokenizer import Tokenizer

    with pytest.warns(DeprecationWarning, match="'units' of LanguageModel"):
        assert tasks.LanguageModel(units=Tokenizer("character")).tokenizer.unit == "character"
    with pytest.warns(DeprecationWarning, match="'vocabulary' of Seq2Seq"):
        assert not tasks.Seq2Seq(vocabulary="separate").shared_vocabulary
    with pytest.warns(DeprecationWarning, match="'score' of Seq2Seq"):
        assert tasks.Seq2Seq(score="rouge").metric == "rouge"
    with pytest.raises(InputError, match=r"metric is 'blue'; .* Did you mean 'bleu'"):
        tasks.Seq2Seq(metric="blue")


def test_the_signature_of_a_class_is_not_that_of_its_instances():
    """`tf.function(layer)` asks for the signature of the call."""
    layer = layers.LSTM(2)
    assert "units" in inspect.signature(type(layer)).parameters
    assert "units" not in inspect.signature(layer).parameters
    assert "optimizer" not in inspect.signature(lstm_sentiment()).parameters
