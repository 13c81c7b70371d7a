"""Every layer stands where its `keras.layers` twin stood: arguments, weights, values, files."""

import inspect

import keras
import numpy as np
import pytest
from deep import mostly_deep
from keras import ops

from rnnkit import layers

B, T, D, U = 3, 5, 2, 4
NAMES = ("SimpleRNN", "LSTM", "GRU", "GRU before")
RIGHT = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
GAPS = np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1], [1, 1, 0, 0, 0]], bool)


def twins(name, *args, **options):
    """Our layer and Keras's, of the same options."""
    if name == "GRU before":
        name, options = "GRU", {**options, "reset_after": False}
    return getattr(layers, name)(*args, **options), getattr(keras.layers, name)(*args, **options)


def inputs(seed=0):
    return np.random.default_rng(seed).normal(size=(B, T, D)).astype("float32")


def numpy(value):
    return [
        ops.convert_to_numpy(part) for part in (value if type(value) in (list, tuple) else [value])
    ]


def assert_same(ours, theirs, atol=1e-5):
    for one, other in zip(numpy(ours), numpy(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_the_same_names_shapes_and_order_and_move_both_ways(name):
    ours, theirs = twins(name, U)
    ours.build((B, T, D))
    theirs.build((B, T, D))
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    x = inputs()
    ours.set_weights(theirs.get_weights())
    assert_same(ours(x), theirs(x))
    fresh, _ = twins(name, U)
    fresh.build((B, T, D))
    theirs.set_weights(fresh.get_weights())
    assert_same(fresh(x), theirs(x))


@pytest.mark.parametrize("name", NAMES)
def test_the_first_weights_are_of_the_same_kind(name):
    ours, theirs = twins(name, 16, bias_initializer="ones")
    ours.build((B, T, 8))
    theirs.build((B, T, 8))
    np.testing.assert_array_equal(ours.get_weights()[2], theirs.get_weights()[2])
    recurrent = ours.get_weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(16), atol=1e-5)
    limit = np.sqrt(6 / sum(ours.kernel.shape))
    assert 0.8 * limit < np.abs(ours.get_weights()[0]).max() <= limit


def test_the_forget_gate_starts_open():
    layer = layers.LSTM(2)
    layer.build((B, T, D))
    assert layer.get_weights()[2].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    layer = layers.LSTM(2, unit_forget_bias=False)
    layer.build((B, T, D))
    assert not layer.get_weights()[2].any()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "Bidirectional"])
def test_every_argument_of_keras_is_taken_in_the_same_place(name):
    theirs = inspect.signature(getattr(keras.layers, name)).parameters
    ours = inspect.signature(getattr(layers, name)).parameters
    assert not [n for n in theirs if n not in ours and n != "kwargs"]
    defaults = {n: p.default for n, p in ours.items() if n in theirs}
    assert defaults == {n: p.default for n, p in theirs.items() if n in defaults}
    by_place = [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert by_place == list(theirs)[: len(by_place)]


@pytest.mark.parametrize("name", layers.__all__)
def test_signatures_show_every_argument(name):
    layer = getattr(layers, name)
    parameters = inspect.signature(layer).parameters
    kinds = {p.kind for p in parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    assert {"name", "trainable"} <= set(parameters)
    assert "    **" not in layer.__doc__


# Keras is right where a mask is missing, or where it has one state and starts from zeros; where it
# is known to be wrong (an LSTM on JAX, say), test_recurrent_values.py has the NumPy loops.
@pytest.mark.parametrize(
    ("mask", "backwards"),
    [(None, True), (RIGHT, True), (GAPS, False)],
    ids=["no mask, backwards", "right, backwards", "gaps"],
)
@pytest.mark.parametrize("name", NAMES)
def test_same_values(name, mask, backwards):
    x = inputs()
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    ours, theirs = twins(name, U, **options)
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    assert_same(ours(x, mask=mask), theirs(x, mask=mask))


@pytest.mark.parametrize("name", NAMES)
def test_same_values_from_given_states(name):
    x, rng = inputs(), np.random.default_rng(1)
    ours, theirs = twins(name, U, return_state=True)
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    states = [rng.normal(size=(B, U)).astype("float32") for _ in ours.state_size]
    assert_same(ours(x, initial_state=states), theirs(x, initial_state=states))
    if len(states) == 1:
        assert_same(ours(x, initial_state=states[0]), ours(x, initial_state=states))


def options_of(name):
    """Every option away from its default."""
    options = {
        "activation": "relu",
        "use_bias": False,
        "kernel_initializer": "he_normal",
        "recurrent_initializer": keras.initializers.RandomNormal(stddev=0.2, seed=1),
        "bias_initializer": "ones",
        "kernel_regularizer": keras.regularizers.L2(0.1),
        "recurrent_regularizer": "l1",
        "bias_regularizer": "l2",
        "activity_regularizer": "l2",
        "kernel_constraint": keras.constraints.MaxNorm(0.7),
        "recurrent_constraint": "non_neg",
        "bias_constraint": "unit_norm",
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "seed": 3,
        "return_sequences": True,
        "return_state": True,
        "go_backwards": True,
        "stateful": True,
        "unroll": True,
        "zero_output_for_mask": True,
        "name": "mine",
        "dtype": "mixed_float16",
        "trainable": False,
    }
    if name != "SimpleRNN":
        options["recurrent_activation"] = "hard_sigmoid"
    if name == "LSTM":
        options["unit_forget_bias"] = False
    if name == "GRU":
        options["reset_after"] = False
    return options


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_configuration_there_and_back(name):
    kind = getattr(layers, name)
    layer = kind(U, **options_of(name))
    config = layer.get_config()
    again = kind.from_config(config)
    assert again.get_config() == config
    plain = kind(U).get_config()
    lost = [key for key in options_of(name) if config.get(key, plain.get(key)) == plain.get(key)]
    assert not lost, "options that do not reach the configuration"
    through_keras = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert type(through_keras) is kind
    assert through_keras.get_config() == config


@pytest.mark.parametrize("name", mostly_deep(NAMES, "LSTM"))
def test_a_model_saved_and_loaded(name, tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, D, mask_zero=True)(ids)
    x = twins(name, U, return_sequences=True, dropout=0.5)[0](x)
    x, *state = twins(name, U, return_state=True, go_backwards=True)[0](x)
    model = keras.Model(ids, [x, *state])
    rows = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(again.predict_on_batch(rows), model.predict_on_batch(rows), atol=1e-6)


def carried(tensor):
    return getattr(tensor, "_keras_mask", None)


@pytest.mark.parametrize("name", NAMES)
def test_the_mask_is_passed_on_with_the_sequences(name):
    rows = np.array([[1, 2, 0, 3], [4, 0, 0, 0]])
    x = keras.layers.Embedding(9, D, mask_zero=True)(rows)
    passed = carried(twins(name, U, return_sequences=True)[0](x))
    np.testing.assert_array_equal(ops.convert_to_numpy(passed), rows != 0)
    passed = carried(twins(name, U, return_sequences=True, go_backwards=True)[0](x))
    np.testing.assert_array_equal(ops.convert_to_numpy(passed), (rows != 0)[:, ::-1])
    assert carried(twins(name, U)[0](x)) is None
    output, *states = twins(name, U, return_sequences=True, return_state=True)[0](x)
    assert carried(output) is not None
    assert [carried(state) for state in states] == [None] * len(states)


@pytest.mark.parametrize("name", NAMES)
def test_the_mask_that_the_sequences_carry_is_obeyed_beside_a_given_state(name):
    """Keras hands it over under another name then; its own layers lose it."""
    rows = np.array([[1, 2, 0, 3], [4, 0, 0, 0]])
    x = keras.layers.Embedding(9, D, mask_zero=True)(rows)
    layer, _ = twins(name, U, return_sequences=True)
    states = [ops.ones((2, U)) for _ in layer.state_size]
    found = layer(x, initial_state=states)
    assert_same(found, layer(ops.convert_to_numpy(x), initial_state=states, mask=rows != 0))
    assert carried(found) is not None


@pytest.mark.parametrize("name", NAMES)
def test_symbolic_shapes(name):
    layer, twin = twins(name, U, return_sequences=True, return_state=True)
    x = keras.Input((None, D))
    ours, theirs = layer(x), twin(x)
    assert [part.shape for part in ours] == [part.shape for part in theirs]
    states = [keras.Input((U,)) for _ in layer.state_size]
    model = keras.Model([x, *states], layer(x, initial_state=states))
    values = [np.ones((2, U), "float32")] * len(states)
    assert_same(model([inputs()[:2], *values]), layer(inputs()[:2], initial_state=values))


def test_time_distributed_around_it():
    x = np.random.default_rng(2).normal(size=(2, 3, T, D)).astype("float32")
    inner = layers.GRU(U)
    outer = keras.layers.TimeDistributed(inner)
    found = numpy(outer(x))[0]
    assert found.shape == (2, 3, U)
    for step in range(3):
        np.testing.assert_allclose(found[:, step], numpy(inner(x[:, step]))[0], atol=1e-6)


def test_time_distributed_on_top_keeps_the_mask():
    x = keras.layers.Embedding(9, D, mask_zero=True)(np.array([[1, 2, 0]]))
    layer = layers.LSTM(U, return_sequences=True)
    found = keras.layers.TimeDistributed(keras.layers.Dense(2))(layer(x))
    assert found.shape == (1, 3, 2)
