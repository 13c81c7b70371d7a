"""Bidirectional around the recurrent layers of Keras, against `keras.layers.Bidirectional`."""

import keras
import numpy as np
import pytest
from autodiff import gradients
from deep import few_elsewhere
from keras import ops

from rnnkit import layers
from rnnkit.errors import InputError

B, T, D, U = 3, 5, 2, 4
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [1, 0, 0, 0, 0]], bool)
INPUTS = np.random.default_rng(0).normal(size=(B, T, D)).astype("float32")
LAYERS = {
    "LSTM": lambda **options: keras.layers.LSTM(U, **options),
    "GRU": lambda **options: keras.layers.GRU(U, **options),
    "SimpleRNN": lambda **options: keras.layers.SimpleRNN(U, **options),
    "cell": lambda **options: keras.layers.RNN(keras.layers.LSTMCell(U), **options),
    "cells": lambda **options: keras.layers.RNN(
        [keras.layers.GRUCell(U), keras.layers.GRUCell(3)], **options
    ),
}


def twins(kind, merge_mode="concat", *, wrapper=None, **options):
    """Our wrapper and Keras's around layers of the same weights."""
    pair = [
        kit.Bidirectional(LAYERS[kind](**options), merge_mode, **(wrapper or {}))
        for kit in (layers, keras.layers)
    ]
    for layer in pair:
        layer.build((B, T, D))
    pair[0].set_weights(pair[1].get_weights())
    return pair


@pytest.mark.parametrize("kind", few_elsewhere(LAYERS, "LSTM"))
@pytest.mark.parametrize(
    ("merge_mode", "sequences", "state", "mask"),
    [
        ("concat", True, False, MASK),
        pytest.param("concat", False, False, None, marks=pytest.mark.one_backend),
        pytest.param("sum", False, False, MASK, marks=pytest.mark.one_backend),
        (None, True, True, MASK),
    ],
)
def test_values_and_gradients_equal_the_twin(kind, merge_mode, sequences, state, mask):
    pair = twins(kind, merge_mode, return_sequences=sequences, return_state=state)
    found = []
    for layer in pair:

        def loss(x, layer=layer):
            outputs = keras.tree.flatten(layer(x, mask=mask))
            return sum(ops.sum(ops.sin(part + 1.0)) for part in outputs)

        values = [ops.convert_to_numpy(v) for v in keras.tree.flatten(layer(INPUTS, mask=mask))]
        by_inputs, by_weights = gradients(loss, [INPUTS], layer.trainable_variables)
        found.append([*values, *by_inputs, *by_weights])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.parametrize("kind", ["LSTM", "SimpleRNN"])
def test_the_outputs_have_the_dtype_of_the_wrapper(kind):
    for wrapper, inner in (("float32", "bfloat16"), ("bfloat16", "float32")):
        # Orthogonal matrices cannot be drawn in half precision.
        options = {"recurrent_initializer": "zeros", "dtype": inner}
        ours, theirs = twins(kind, wrapper={"dtype": wrapper}, **options)
        found, wanted = ours(INPUTS), theirs(INPUTS)
        assert keras.backend.standardize_dtype(found.dtype) == ours.compute_dtype
        np.testing.assert_allclose(
            *(ops.convert_to_numpy(ops.cast(y, "float32")) for y in (found, wanted)), atol=1e-2
        )
        symbolic = ours(keras.Input((T, D)))
        assert symbolic.dtype == ours.compute_dtype


def test_a_model_around_a_keras_layer_passes_its_mask_on_and_is_loaded_again(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, D, mask_zero=True)(ids)
    x = layers.Bidirectional(keras.layers.LSTM(U, return_sequences=True))(x)
    model = keras.Model(ids, layers.Bidirectional(keras.layers.GRU(U))(x))
    rows = np.array([[1, 2, 3, 0], [4, 0, 0, 0]])
    found = model.predict_on_batch(rows)
    np.testing.assert_allclose(model.predict_on_batch(rows[1:, :1]), found[1:], atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict_on_batch(rows), found, atol=1e-6)


def test_resets_are_refused():
    layer = layers.Bidirectional(keras.layers.GRU(U))
    with pytest.raises(InputError, match=r"resets were given, and keras\..*GRU takes none"):
        layer(INPUTS, resets=MASK)
