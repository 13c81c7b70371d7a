"""BagOfWords: the weights of the words against scikit-learn, and a classifier of texts."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from rnnkit.errors import InputError
from rnnkit.recipes.bag_of_words import bag_of_words_sentiment
from rnnkit.tasks import load
from rnnkit.tasks.texts.bag_networks import TokenWeights, bag_of_words_classifier
from rnnkit.tasks.texts.bag_of_words import NGrams

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

TEXTS = ["not a good film", "a good good good film", "dull", "a dull film, not a good one"]


def table_of(weighting, ngrams):
    """What a bag is in a vocabulary's columns, from the weights that the network reads."""
    model = bag_of_words_sentiment(weighting=weighting, ngrams=ngrams, min_count=1)
    model.fit(TEXTS, [0, 1, 0, 1], epochs=1, initial_epoch=1, verbose=0)  # no epoch is left
    layer = model.network.get_layer("weights")
    table = np.zeros((len(TEXTS), len(model.vocabulary)))
    for row, bag in zip(table, model.encode(TEXTS), strict=True):
        padded = np.pad(bag, ((0, 3), (0, 0)))[None]
        weights = keras.ops.convert_to_numpy(layer(padded[..., 0], padded[..., 1]))[0]
        assert (weights[len(bag) :] == 0).all()
        row[bag[:, 0]] = weights[: len(bag)]
    return table[:, 2:], model.vocabulary.tokens[2:]


def test_tf_idf_is_that_of_scikit_learn():
    table, tokens = table_of("tf-idf", 2)
    theirs = TfidfVectorizer(
        tokenizer=str.split, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True
    )
    expected = theirs.fit_transform([text.replace(",", "") for text in TEXTS]).toarray()
    columns = [theirs.vocabulary_[token] for token in tokens]
    assert len(tokens) == len(theirs.vocabulary_)
    np.testing.assert_allclose(table, expected[:, columns], atol=1e-6)


@pytest.mark.parametrize("weighting", ["binary", "count", "mean"])
def test_other_weights_are_counts(weighting):
    table, tokens = table_of(weighting, 1)
    counts = np.array(
        [[t.replace(",", "").split().count(token) for token in tokens] for t in TEXTS]
    )
    if weighting == "binary":
        counts = np.minimum(counts, 1)
    np.testing.assert_allclose(
        table, normalize(counts, "l1" if weighting == "mean" else "l2"), atol=1e-6
    )


def test_without_layers_it_is_logistic_regression():
    network = bag_of_words_classifier(5, 1, weighting="binary")
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=weight.shape) for weight in network.get_weights()])
    rows, bias = network.get_weights()
    bag = np.array([[[2, 1], [4, 3], [0, 0]]])
    expected = 1 / (1 + np.exp(-((rows[2] + rows[4]) / np.sqrt(2) + bias)))
    np.testing.assert_allclose(network.predict_on_batch(bag)[0], expected, rtol=1e-5)


@pytest.fixture(scope="module")
def model(reviews):
    model = bag_of_words_sentiment(ngrams=2, epochs=8, learning_rate=0.1, min_count=1)
    model.fit(*reviews, validation_data=reviews, verbose=0)
    return model


@pytest.mark.every_backend
def test_learns_and_saves(model, reviews, tmp_path):
    texts, labels = reviews
    assert model.evaluate(texts, labels, return_dict=True, verbose=0)["accuracy"] > 0.95
    together = model.predict(texts, verbose=0)
    np.testing.assert_allclose(model.predict(texts[3], verbose=0), together[3:4], atol=1e-6)
    assert model.predict("", verbose=0).shape == (1, 1)  # no word, no opinion, no error
    model.save(tmp_path / "bag.keras")
    again = load(tmp_path / "bag.keras")
    np.testing.assert_allclose(again.predict(texts, verbose=0), together, atol=1e-6)
    assert again.pipeline("good film") == ["good", "film", "good film"]
    assert again.settings["recipe"] == "bag_of_words_sentiment"
    again.fit(texts, labels, epochs=1, verbose=0)


def test_layers_and_vectors_of_words_learn_too(reviews):
    texts, labels = reviews
    for settings in ({"layers": 1, "units": 8}, {"weighting": "mean", "embedding_size": 8}):
        model = bag_of_words_sentiment(
            **settings, ngrams=1, epochs=12, learning_rate=0.05, word_dropout=0.1, dropout=0.1
        )
        model.fit(texts, labels, verbose=0)
        assert model.evaluate(texts, labels, return_dict=True, verbose=0)["accuracy"] > 0.9


def test_sequences_of_words():
    assert NGrams(3)("a b c") == ["a", "b", "c", "a b", "b c", "a b c"]
    assert NGrams(1, lowercase=False)("A b") == ["A", "b"]
    assert NGrams(2)("") == []


def test_settings_that_cannot_be_used():
    for settings, message in (
        ({"weighting": "tfidf"}, "weighting is 'tfidf'.*Did you mean 'tf-idf'"),
        ({"ngrams": 0}, "ngrams is 0"),
        ({"embedding": "skip-gram"}, "has no word vectors"),
    ):
        with pytest.raises(InputError, match=message):
            bag_of_words_sentiment(**settings)
    with pytest.raises(InputError, match="layers is -1"):
        bag_of_words_classifier(5, 1, layers=-1)
    with pytest.raises(InputError, match="weighting is None"):
        TokenWeights(5, None)
