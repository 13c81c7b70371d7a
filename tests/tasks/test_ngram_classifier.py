"""NGramTextClassifier: recurrent network and n-grams of the same texts, in one model and file."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import rnnkit.backend
from rnnkit.errors import InputError
from rnnkit.recipes import gru_sentiment, lstm_sentiment
from rnnkit.tasks import NGramTextClassifier, TextClassifier, load
from rnnkit.tasks.inference import predict_batches

SMALL = {"units": 3, "embedding": "random", "embedding_size": 4, "min_count": 1}
SMALL |= {"ngram_order": 2, "ngram_min_count": 1, "epochs": 1}


def fit(data, valid=None, **settings):
    """A small model, trained; what it has at the end of `fit`."""
    model = gru_sentiment(**{**SMALL, **settings})
    model.fit(*data, validation_data=valid, verbose=0)
    return model


@pytest.fixture(scope="module")
def model(reviews):
    texts, labels = reviews
    return fit((texts[:64], labels[:64]), (texts[64:], labels[64:]), ngram_embedding_size=3)


def members(model, texts):
    """The logits of both classifiers, of one text at a time, by NumPy for the n-grams."""
    parts = model.parts()
    deep = keras.Model(model.network.inputs, parts.recurrent_logits.output)
    wide = parts.ngram_logits
    ratio, kernel, bias = map(ops.convert_to_numpy, (wide.ratio, wide.kernel, wide.bias))
    names = model.ngram_vocabulary.ngrams()
    logits = []
    for text in texts:
        words = text.split()
        known = {*words, *map(" ".join, itertools.pairwise(words))}
        numbers = [names.index(one) + 1 for one in known if one in names]
        one = predict_batches(deep, model.make_batches(model.encode([text])), verbose=0)
        logits.append([one[0], (ratio * kernel)[numbers].sum(0) + bias])
    return np.array(logits)


def test_probabilities_are_those_of_both_classifiers_of_the_same_text(model, reviews):
    """Were texts and n-grams joined in another order, of the same class even, numbers differ."""
    texts = [*reviews[0][:9], "", "good", "never seen"]
    weights = ops.convert_to_numpy(model.parts().pool.pool_weights)
    logits = np.tensordot(weights, members(model, texts), axes=(0, 1))
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(model.predict(texts, verbose=0), expected, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(texts))
    found = model.predict([texts[i] for i in order], verbose=0)
    np.testing.assert_allclose(found, expected[order], atol=1e-5)
    assert len(np.unique(logits.round(4))) > 8


def test_learns_and_saves(model, reviews, tmp_path):
    texts, labels = reviews
    assert model.evaluate(texts, labels, return_dict=True, verbose=0)["accuracy"] > 0.95
    model.save(tmp_path / "wide.keras")
    again = load(tmp_path / "wide.keras")
    assert type(again) is NGramTextClassifier
    expected = model.predict(texts[:9], verbose=0)
    np.testing.assert_allclose(again.predict(texts[:9], verbose=0), expected, atol=1e-6)
    assert again.ngram_vocabulary.ngrams() == model.ngram_vocabulary.ngrams()
    assert again.unknown_words(["good odd"]) == [["odd"]]


@pytest.mark.one_backend
def test_several_classes(reviews):
    texts, labels = reviews
    texts = [text.replace("good", "fair") if i % 4 == 1 else text for i, text in enumerate(texts)]
    labels = ["fair" if i % 4 == 1 else ["bad", "good"][k] for i, k in enumerate(labels)]
    model = fit((texts, labels), (texts, labels))
    assert model.predict(texts[:5], verbose=0).shape == (5, 3)
    assert model.evaluate(texts, labels, return_dict=True, verbose=0)["accuracy"] > 0.95
    assert model.predict_labels(["fair", "bad"]) == ["fair", "bad"]


@pytest.mark.one_backend
def test_weights_of_examples_count_in_the_linear_model_too(reviews):
    texts, labels = reviews
    wrong = np.where(np.arange(128) < 100, 1 - labels, labels)
    weights = (np.arange(128) >= 100).astype("float32")
    model = gru_sentiment(**SMALL)
    model.fit(texts, wrong, sample_weight=weights, verbose=0)
    right = fit((texts[100:], labels[100:]))
    for name in ("good", "bad"):
        one, other = members(model, [name])[0, 1], members(right, [name])[0, 1]
        assert np.sign(one) == np.sign(other)
    balanced = gru_sentiment(**SMALL)
    balanced.fit(texts, labels, class_weight={0: 1.0, 1: 50.0}, verbose=0)
    bias = ops.convert_to_numpy(balanced.parts().ngram_logits.bias)
    assert bias > ops.convert_to_numpy(fit((texts, labels)).parts().ngram_logits.bias)


@pytest.mark.one_backend
def test_the_recurrent_network_is_trained_as_if_it_were_alone(reviews):
    texts, labels = reviews
    losses = [
        gru_sentiment(**{**SMALL, "ngram_order": ngrams})
        .fit(texts, labels, verbose=0)
        .history["loss"]
        for ngrams in (0, 1)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.one_backend
def test_ngrams_are_those_of_the_whole_text(reviews):
    model = fit(reviews, max_length=2)
    rows = model.encode(["bad " * 9 + "good"])
    (ids, ngrams) = model.make_batches(rows)[0][0]
    assert (ids > 0).sum() == 2
    assert (ngrams > 0).sum() == len(rows[0].ngrams) >= 2


@pytest.mark.one_backend
def test_training_goes_on_after_an_interruption_with_the_same_constants(reviews, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    whole = fit(reviews, reviews, epochs=2)
    options = {"validation_data": reviews, "checkpoints": tmp_path, "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        gru_sentiment(**SMALL | {"epochs": 2}).fit(*reviews, callbacks=[Stop()], **options)
    again = gru_sentiment(**SMALL | {"epochs": 2})
    again.fit(*reviews, callbacks=[type("Stop", (keras.callbacks.Callback,), {})()], **options)
    expected = whole.predict(reviews[0][:5], verbose=0)
    np.testing.assert_allclose(again.predict(reviews[0][:5], verbose=0), expected, atol=1e-6)


@pytest.mark.one_backend
def test_a_fit_that_failed_before_the_linear_model_was_fitted_leaves_it_to_the_next(
    reviews, monkeypatch
):
    def fail(*args):
        raise MemoryError

    model = gru_sentiment(**SMALL)
    with monkeypatch.context() as patch:
        patch.setattr("rnnkit.tasks.texts.ngram_classifier.choose_linear_model", fail)
        with pytest.raises(MemoryError):
            model.fit(*reviews, verbose=0)
    model.fit(*reviews, verbose=0)
    good, bad = members(model, ["good", "bad"])[:, 1, 0]
    assert bad < 0 < good


@pytest.mark.one_backend
def test_training_on_keeps_the_ngrams_and_their_weights(reviews):
    model = fit(reviews)
    constants, names = model.parts().ngram_logits.get_weights(), model.ngram_vocabulary.ngrams()
    model.fit(["other words"] * 32, [0, 1] * 16, verbose=0)
    for one, other in zip(model.parts().ngram_logits.get_weights(), constants, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.ngram_vocabulary.ngrams() == names


@pytest.mark.one_backend
def test_a_clone_has_the_ngrams_and_their_weights(model):
    twin = keras.models.clone_model(model)
    pairs = zip(
        twin.parts().ngram_logits.get_weights(),
        model.parts().ngram_logits.get_weights(),
        strict=True,
    )
    assert all((one == other).all() for one, other in pairs)
    assert twin.ngram_vocabulary.ngrams() == model.ngram_vocabulary.ngrams()


@pytest.fixture(scope="module")
def documents(reviews):
    """A small model with document vectors and a cap, trained with unlabelled texts."""
    pytest.importorskip("numba")
    texts, labels = reviews
    model = gru_sentiment(**SMALL, document_vector_size=3, ngram_logit_cap=0.5)
    valid, more = (texts[64:], labels[64:]), ["good splendid", "splendid good", "bad dire"] * 9
    model.fit(texts[:64], labels[:64], validation_data=valid, unlabelled=more, verbose=0)
    return model


def test_document_vectors_are_a_third_classifier(documents, reviews, tmp_path):
    """The probabilities, by NumPy from the three classifiers; before and after saving."""
    texts = [*reviews[0][:5], "", "good splendid", "never seen"]
    table = documents.linear_models[1].get_weights()[0]
    names = documents.ngram_vocabulary.ngrams()
    assert "splendid" in names  # only unlabelled texts have it
    third = []
    for text in texts:
        words = text.split()
        known = {*words, *map(" ".join, itertools.pairwise(words))}
        numbers = [names.index(one) + 1 for one in known if one in names]
        third.append(table[numbers].mean(0) if numbers else np.zeros(1))
    deep, wide = members(documents, texts).transpose(1, 0, 2)
    a, b, c = ops.convert_to_numpy(documents.parts().pool.pool_weights)
    others = (b * wide + c * np.array(third)) / a
    expected = 1 / (1 + np.exp(-a * (deep + 0.5 * np.tanh(others / 0.5))))
    found = documents.predict(texts, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    documents.save(tmp_path / "documents.keras")
    again = load(tmp_path / "documents.keras")
    np.testing.assert_allclose(again.predict(texts, verbose=0), found, atol=1e-6)


@pytest.mark.one_backend
def test_document_vectors_need_numba(reviews, monkeypatch):
    monkeypatch.setattr("rnnkit.tasks.texts.ngram_classifier.missing", lambda: "it is gone")
    model = gru_sentiment(**SMALL, document_vector_size=3)
    with pytest.raises(InputError, match=r"document_vector_size is 3, .*: it is gone"):
        model.fit(*reviews, verbose=0)
    assert model.network is None


@pytest.mark.skipif(rnnkit.backend.name != "tensorflow", reason="its format")
def test_is_exported_with_its_vocabularies(model, reviews, tmp_path):
    import tensorflow

    model.export(tmp_path / "served", verbose=False)
    assert (tmp_path / "served" / "assets.extra" / "ngrams.json").is_file()
    inputs = model.make_batches(model.encode(reviews[0][:3]))[0][0]
    served = tensorflow.saved_model.load(str(tmp_path / "served"))
    found = served.serve(list(inputs))
    np.testing.assert_allclose(found, model.predict_on_batch(inputs), atol=1e-5)


@pytest.mark.one_backend
def test_what_cannot_be_used_is_refused(reviews):
    assert type(gru_sentiment()) is TextClassifier
    for settings, message in (
        ({"ngram_order": -1}, "ngram_order is -1"),
        ({"ngram_order": 2, "ngram_min_count": 0}, "ngram_min_count is 0"),
        ({"ngram_order": 2, "ngram_vocabulary_size": 1}, "ngram_vocabulary_size is 1"),
        ({"ngram_embedding_size": 4}, "ngram_embedding_size is 4, but ngram_order is 0"),
        ({"ngram_logit_cap": 1.0}, r"ngram_logit_cap is 1\.0, but ngram_order is 0"),
        ({"document_vector_size": 4}, "document_vector_size is 4, but ngram_order is 0"),
        ({"ngram_order": 2, "document_vector_size": -1}, "document_vector_size is -1"),
    ):
        with pytest.raises(InputError, match=message):
            lstm_sentiment(**settings)
    with pytest.raises(InputError, match="ngram_order is 0"):
        NGramTextClassifier(ngram_order=0)
    model = gru_sentiment(**SMALL | {"ngram_min_count": 1000})
    with pytest.raises(InputError, match="Lower ngram_min_count"):
        model.fit(*reviews, verbose=0)
    assert model.network is None
    assert model.vocabulary is None
