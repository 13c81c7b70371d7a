"""Tasks that start from a language model compute what it computes, before they are trained."""

import copy
import functools
import re

import keras
import numpy as np
import pytest
import small_tasks

from rnnkit import layers as kit
from rnnkit import recipes
from rnnkit.errors import InputError

TEXTS = ["to be or not to be", "to sleep perchance to dream", "the rest is silence"] * 4
LABELS = [0, 1, 1] * 4
SIZES = {"units": 6, "embedding_size": 6}


@functools.cache
def language_model(cell="lstm", **more):
    model = recipes.next_word(**{**SIZES, "cell": cell, **more}, seed=7)
    model.fit([*TEXTS, "words unseen elsewhere"], epochs=0, verbose=0)
    return model


def start(name="lstm_sentiment", texts=TEXTS, labels=LABELS, **settings):
    """A task that has its first weights, and is not trained."""
    settings = {**SIZES, "min_count": 1, **settings}
    if name.endswith("_sentiment"):
        settings = {"embedding": "random", **settings}
    model = recipes.find(name)(**settings)
    model.fit(texts, labels, epochs=0, verbose=settings.get("verbose", 0))
    return model


def recurrent(model):
    kinds = (kit.LSTM, kit.GRU, kit.SimpleRNN, kit.Bidirectional)
    return [layer for layer in model.network.layers if isinstance(layer, kinds)]


def numbers(weights):
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def states(model, text):
    """The outputs of the first recurrent layer for a text, `(T, U)`."""
    if hasattr(model, "generate"):
        inputs = [one for one in model.network.inputs if one.name.startswith("state")]
        ids = [model.encode([text])[0][None], *[np.zeros((1, one.shape[1])) for one in inputs]]
        return keras.ops.convert_to_numpy(model.network(ids)[0])[0]
    layer = recurrent(model)[0]
    inner = keras.Model(model.network.inputs[0], layer.output)
    return keras.ops.convert_to_numpy(inner(model.encode([text])[0][None]))[0]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lstm_sentiment", {}),
        ("lstm_sentiment", {"tie_weights": False}),
        ("lstm_sentiment", {"softmax": "adaptive", "cutoffs": (4, 8)}),
        ("gru_sentiment", {"cell": "gru"}),
        ("rnn_sentiment", {"cell": "rnn"}),
    ],
)
@pytest.mark.one_backend
def test_states_are_those_of_the_language_model(name, settings):
    check_states(name, settings)


def test_states_of_the_forward_direction_are_those_of_the_language_model():
    check_states("bilstm_sentiment", {})


def check_states(name, settings):
    known = language_model(**settings)
    model = start(name, pretrained=known)
    for text in (TEXTS[0], "words unseen elsewhere"):
        expected = states(known, text)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(states(model, text)[:, :6], expected, rtol=1e-4, atol=1e-6)
    assert model.unknown_words(["words unseen today"]) == [["today"]]
    assert model.share_of_vectors == 1


@pytest.mark.one_backend
class TestWhatIsTakenOver:
    def test_the_backward_direction_and_the_rest_are_as_without(self):
        model, without = (start("bilstm_sentiment", pretrained=p) for p in (language_model(), None))
        (layer,), (other,) = recurrent(model), recurrent(without)
        pairs = zip(layer.backward_layer.weights, other.backward_layer.weights, strict=True)
        assert all(np.array_equal(*numbers(pair)) for pair in pairs)
        last, expected = (numbers(one.network.layers[-1].weights) for one in (model, without))
        assert all(np.array_equal(*pair) for pair in zip(last, expected, strict=True))
        assert len(model.weights) == len(without.weights)  # none of the language model's own

    def test_a_tagger_reads_the_spelling_with_weights_of_its_own(self):
        x, y = small_tasks.examples("name_tagger")
        known = recipes.next_word(**SIZES, seed=7)
        known.fit([" ".join(row) for row in x], epochs=0, verbose=0)
        settings = {"texts": x, "labels": y, "character_units": 3, "lowercase": False}
        model, without = (start("name_tagger", pretrained=p, **settings) for p in (known, None))
        own, other, before = (
            numbers(layer.weights)
            for layer in (
                recurrent(model)[0].forward_layer,
                recurrent(known)[0],
                recurrent(without)[0].forward_layer,
            )
        )
        assert np.array_equal(own[0][:6], other[0])
        assert own[0].shape == before[0].shape > other[0].shape
        assert np.abs(own[0][6:]).min() > 0
        assert all(np.array_equal(*pair) for pair in zip(own[1:], other[1:], strict=True))
        word = x[0][0]
        ids = [task.vocabulary.encode([word])[0] for task in (model, known)]
        tables = [model.parts().vectors.weights[0], known.parts().words.embeddings]
        mine, theirs = (table[i] for table, i in zip(numbers(tables), ids, strict=True))
        np.testing.assert_allclose(mine, theirs * np.sqrt(6), rtol=1e-5)

    @pytest.mark.parametrize(
        ("name", "own", "layers", "told"),
        [
            ("lstm_sentiment", 1, 1, "weights of the first recurrent layer"),
            ("lstm_sentiment", 2, 2, "weights of 2 recurrent layers"),
            ("lstm_sentiment", 1, 2, "left out: 1 of the language model"),
            ("lstm_sentiment", 2, 1, "left out: 1 of this network"),
            ("bilstm_sentiment", 2, 2, "2 recurrent layers in the forward"),
        ],
    )
    def test_deeper_layers_follow_where_they_fit(self, name, own, layers, told, capsys):
        known = language_model(layers=layers)
        model = recipes.find(name)(
            **SIZES, embedding="random", layers=own, pretrained=known, min_count=1
        )
        model.fit(TEXTS, LABELS, epochs=0, verbose=2)
        assert re.search(told, capsys.readouterr().err)
        if name == "lstm_sentiment":
            for one, other in list(zip(recurrent(model), recurrent(known), strict=False)):
                pairs = zip(numbers(one.weights), numbers(other.weights), strict=True)
                assert all(np.array_equal(*pair) for pair in pairs)

    def test_files_copies_and_objects_start_the_same(self, tmp_path):
        known = language_model()
        known.save(tmp_path / "model.keras")
        expected = start(pretrained=known)
        for path in (tmp_path, str(tmp_path / "model.keras")):
            model = start(pretrained=path)
            pairs = zip(model.get_weights(), expected.get_weights(), strict=True)
            assert all(np.array_equal(*pair) for pair in pairs)
        untrained = recipes.lstm_sentiment(
            **SIZES, pretrained=known, min_count=1, embedding="random"
        )
        again = copy.deepcopy(untrained)
        again.fit(TEXTS, LABELS, epochs=0, verbose=0)
        pairs = zip(again.get_weights(), expected.get_weights(), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)
        (tmp_path / "model.keras").unlink()
        model.save(tmp_path / "classifier.keras")  # needs the language model no more
        loaded = keras.models.load_model(tmp_path / "classifier.keras")
        np.testing.assert_array_equal(loaded.predict(TEXTS), model.predict(TEXTS))


@pytest.mark.one_backend
class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "settings", "message"),
        [
            ("lstm_sentiment", {"units": 5}, "LSTM of 6 units that reads 6 numbers, and .* of 5"),
            ("lstm_sentiment", {"embedding_size": 5}, "6 numbers, and embedding_size is 5"),
            ("gru_sentiment", {}, "LSTM of 6 units .* GRU of 6 units"),
        ],
    )
    def test_sizes_that_do_not_fit(self, name, settings, message):
        with pytest.raises(InputError, match=message):
            start(name, pretrained=language_model(), **settings)

    def test_what_is_no_language_model_of_words(self, tmp_path):
        characters = recipes.text_generator(units=4, embedding_size=4)
        characters.fit(TEXTS, epochs=0, verbose=0)
        for pretrained, message in (
            (recipes.next_word(), "not trained yet"),
            (characters, "of characters"),
        ):
            with pytest.raises(InputError, match=message):
                start(pretrained=pretrained)
        for wrong, message in (
            (tmp_path, "has no model.keras"),
            (tmp_path / "none", "no such run or file"),
            (3, "expected"),
        ):
            with pytest.raises(InputError, match=message):
                recipes.lstm_sentiment(pretrained=wrong)
        start().save(tmp_path / "model.keras")
        with pytest.raises(InputError, match="a TextClassifier; expected a language model"):
            start(pretrained=tmp_path)
