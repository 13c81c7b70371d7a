"""Each distinct word of a batch is encoded once: the same numbers as word by word."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from deep import few_elsewhere

from rnnkit.backend.gradient import gradient
from rnnkit.data.word_batches import WordBatches, Words
from rnnkit.recipes.tagging import pos_tagger
from rnnkit.tasks import load
from rnnkit.tasks.tagging.distinct_words import by_distinct_words
from rnnkit.tasks.tagging.word_layers import CharEncoder

SMALL = {"units": 4, "embedding_size": 6, "character_units": 4, "word_length": 5}
X = [["the", "dog", "saw", "the", "dog"], ["the", "end"], ["saw", "the"], ["dog"]] * 3
Y = [["D", "N", "V", "D", "N"], ["D", "N"], ["V", "D"], ["N"]] * 3


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module", params=few_elsewhere(["cnn", "lstm"], "cnn"))
def model(request):
    model = pos_tagger(**SMALL, characters=request.param, batch_size=4)
    model.fit(X, Y, epochs=0, verbose=0)
    return model


def batches(model):
    return model.make_batches(model.encode(X), [np.zeros(len(row), int) for row in X])


@pytest.mark.every_backend
@pytest.mark.parametrize("training", few_elsewhere([False, True], True))
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


def test_a_file_and_a_network_of_ones_own(model, tmp_path):
    """A loaded network has the form, too; one that reads other letters has not."""
    model.save(tmp_path / "tagger.keras")
    loaded = load(tmp_path / "tagger.keras")
    words = batches(loaded)[2][0]
    assert isinstance(words, Words)
    scores = [numpy(one(words.ids)) for one in (model.network, loaded.network)]
    np.testing.assert_allclose(*scores, atol=1e-6)
    assert loaded.predict(X) == model.predict(X)
    assert loaded.predict(X) == [loaded.predict([row])[0] for row in X]

    ids = keras.Input((None, 6), dtype="int32")
    spelled = CharEncoder(9, 4, "cnn", name="spelling")(ids[:, :, 2:])
    own = keras.Model(ids, keras.layers.Dense(2, name="scores")(spelled))
    assert by_distinct_words(own, own) is None


def test_half_precision_sums_the_gradients_of_thousands_of_places():
    """In float16 2,048 and 1 are 2,048: a sum one by one would end there."""
    encoder = CharEncoder(9, 2, "cnn", dtype="mixed_float16")
    encoder.build((None, None, 3))
    characters = np.array([[[5, 6, 7]]], "int32")
    places = np.zeros((1, 4096), "int32")

    def total(kernel):
        variables = [v for v in encoder.variables if v is not encoder.reader.kernel]
        pairs = [(v, v.value) for v in variables] + [(encoder.reader.kernel, kernel)]
        with keras.StatelessScope(pairs), encoder.reading(characters, places):
            found = encoder(np.zeros((1, 4096, 3), "int32"))
        return keras.ops.sum(keras.ops.cast(found, "float32"))

    def once(kernel):
        pairs = [(v, v.value) for v in encoder.variables if v is not encoder.reader.kernel]
        with keras.StatelessScope([*pairs, (encoder.reader.kernel, kernel)]):
            return 4096 * keras.ops.sum(keras.ops.cast(encoder(characters), "float32"))

    kernel = encoder.reader.kernel.value
    many, one = (numpy(gradient(f)(kernel)[0]) for f in (total, once))
    np.testing.assert_allclose(many, one, rtol=1e-2)


@pytest.mark.one_backend
@pytest.mark.parametrize("few_shapes", [False, True])
def test_characters_at_their_places_are_those_of_the_words(few_shapes):
    random = np.random.default_rng(5)
    rows = [random.integers(1, 4, (n, 4)) for n in random.integers(0, 40, 90)]
    found = WordBatches(rows, batch_size=8, shuffle=True, few_shapes=few_shapes, program_cells=100)
    columns = {}
    for epoch in range(2):
        found.start_epoch(epoch)
        for i in range(len(found)):
            inputs, _, _ = found[i]
            filled = keras.tree.map_structure(
                lambda one: np.concatenate([one, np.zeros_like(one[:1])]), inputs
            )
            for ids, characters, places in (inputs, filled):
                flat = characters.reshape(-1, 3)
                np.testing.assert_array_equal(flat[places], ids[:, :, 1:])
            used = len(np.unique(inputs.ids[:, :, 1:].reshape(-1, 3), axis=0))
            assert inputs.characters.shape[1] <= inputs.ids.shape[1]
            if not few_shapes:
                assert inputs.characters.shape[1] == -(-used // len(inputs.ids))
            columns.setdefault(inputs.ids.shape[1], set()).add(inputs.characters.shape[1])
    if few_shapes:
        assert max(map(len, columns.values())) <= 2
