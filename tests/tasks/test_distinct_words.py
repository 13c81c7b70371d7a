"""Each distinct word of a batch is encoded once: the same numbers as word by word."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rnnkit.backend.gradient import gradient
from rnnkit.data.word_batches import Words
from rnnkit.recipes.tagging import pos_tagger

SMALL = {"units": 4, "embedding_size": 6, "character_units": 4, "word_length": 5}
X = [["the", "dog", "saw", "the", "dog"], ["the", "end"], ["saw", "the"], ["dog"]] * 3
Y = [["D", "N", "V", "D", "N"], ["D", "N"], ["V", "D"], ["N"]] * 3


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module", params=["cnn", "lstm"])
def model(request):
    model = pos_tagger(**SMALL, characters=request.param, batch_size=4)
    model.fit(X, Y, epochs=0, verbose=0)
    return model


def batches(model):
    return model.make_batches(model.encode(X), [np.zeros(len(row), int) for row in X])


@pytest.mark.parametrize("training", [False, True])
def test_scores_and_gradients_are_those_of_the_network(model, training):
    """In training, too: what dropout draws is drawn for places, not for distinct words."""
    words, _, weights = batches(model)[2]
    assert isinstance(words, Words)
    assert words.characters.shape[1] < words.ids.shape[1]
    random = np.random.default_rng(0)
    scale = np.float32(random.normal(size=(*weights.shape, 3)) * weights[..., None])
    variables = [v.value for v in model.trainable_variables]
    fixed = [v.value for v in model.non_trainable_variables]
    found = []
    for inputs in (words.ids, words):
        given = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)

        def loss(*values, given=given):
            scores = model.stateless_call(values, fixed, given, training=training)[0]
            return keras.ops.sum(keras.ops.multiply(scores, scale))

        scores = model.stateless_call(variables, fixed, given, training=training)[0]
        found.append([numpy(scores), *map(numpy, gradient(loss)(*variables))])
    assert all(np.abs(array).max() > 0 for array in found[0])
    for plain, once in zip(*found, strict=True):
        np.testing.assert_allclose(plain, once, rtol=1e-5, atol=1e-5)
