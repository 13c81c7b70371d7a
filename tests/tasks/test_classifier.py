"""TextClassifier: raw text in, probabilities out, and what it refuses."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, precision_score, recall_score

from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.recipes import gru_sentiment, lstm_sentiment

SMALL = {
    "units": 6,
    "embedding": "random",
    "embedding_size": 8,
    "embedding_dropout": 0.0,
    "dropout": 0.0,
    "learning_rate": 0.03,
    "min_count": 1,
}


@pytest.fixture(scope="module")
def model(reviews):
    model = gru_sentiment(**SMALL)
    model.fit(*reviews, epochs=6, verbose=0)
    return model


@pytest.mark.every_backend
def test_learns_what_one_word_decides(model, reviews):
    scores = model.evaluate(*reviews, return_dict=True, verbose=0)
    assert scores["accuracy"] == 1.0
    assert set(scores) == {"loss", "accuracy", "precision", "recall", "f1"}


def test_probabilities_come_back_in_the_order_of_the_texts(model, reviews):
    texts, labels = reviews
    together = model.predict(texts, verbose=0)
    assert together.shape == (128, 1)
    np.testing.assert_array_equal(together[:, 0] > 0.5, labels == 1)
    alone = [model.predict(text, verbose=0)[0, 0] for text in texts[:6]]
    np.testing.assert_allclose(together[:6, 0], alone, atol=1e-5)


def test_evaluate_agrees_with_scikit_learn(reviews):
    texts, labels = reviews
    model = lstm_sentiment(**{**SMALL, "learning_rate": 1e-3})  # far from perfect on purpose
    model.fit(texts, labels, epochs=1, verbose=0)
    texts, labels = texts[:120], labels[:120]  # the last batch is smaller
    scores = model.evaluate(texts, labels, return_dict=True, verbose=0)
    probabilities = model.predict(texts, verbose=0)[:, 0].astype("float64")
    guesses = probabilities > 0.5
    assert scores["loss"] == pytest.approx(log_loss(labels, probabilities), abs=1e-5)
    assert scores["accuracy"] == pytest.approx(np.mean(guesses == labels))
    assert scores["precision"] == pytest.approx(precision_score(labels, guesses, zero_division=0))
    assert scores["recall"] == pytest.approx(recall_score(labels, guesses))
    assert scores["f1"] == pytest.approx(f1_score(labels, guesses))


@pytest.mark.one_backend
def test_three_classes_by_name(reviews):
    texts, labels = reviews
    names = np.where(labels == 1, "fine", "poor").astype(object)
    names[::3] = "mixed"
    texts = [f"{text} so-so" if i % 3 == 0 else text for i, text in enumerate(texts)]
    model = gru_sentiment(**SMALL, epochs=10)
    model.fit(texts, names, verbose=0)
    assert model.classes == ("fine", "mixed", "poor")
    probabilities = model.predict(texts, verbose=0)
    np.testing.assert_allclose(probabilities.sum(-1), 1.0, atol=1e-5)
    assert np.mean(np.array(model.predict_labels(texts)) == names) > 0.9
    assert model.evaluate(texts, names, return_dict=True, verbose=0)["f1"] > 0.9


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([0, 1], None, ("0", "1")),
        ([5, 1], None, ("1", "5")),
        ([True, False], None, ("0", "1")),
        ([1.0, 0.0], None, ("0", "1")),
        (["pos", "neg"], None, ("neg", "pos")),
        ([1, 0], ("neg", "pos"), ("neg", "pos")),
        (["neg", "pos"], "neg,pos", ("neg", "pos")),
    ],
)
def test_labels_of_every_kind(labels, classes, expected):
    model = gru_sentiment(**SMALL, classes=classes)
    model.fit(["a fine one", "a bad one"], labels, epochs=1, verbose=0)
    assert model.classes == expected


@pytest.mark.one_backend
@pytest.mark.filterwarnings("ignore::rnnkit.errors.UnknownWordsWarning")
def test_texts_that_need_care(model):
    odd = ["", "   ", "<br />", "never seen these", "good " * 1_000_000, "\N{GRINNING FACE} \u4f60"]
    alone = np.array([model.predict([text], verbose=0)[0, 0] for text in odd])
    inside = model.predict([*odd, "a good one"], verbose=0)[:6, 0]
    assert np.all(np.isfinite(alone))
    np.testing.assert_allclose(alone, inside, atol=1e-5)
    assert model.predict([], verbose=0).shape == (0, 1)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["fine", 7], r"texts\[1\].*int"),
        (["fine", None], r"texts\[1\]"),
        (["fine", b"\xff\xfe"], r"texts\[1\].*UTF-8"),
        (["fine", ["nested"]], r"texts\[1\].*list"),
    ],
)
def test_what_is_no_text_is_refused_by_name(model, texts, message):
    with pytest.raises(InputError, match=message):
        model.predict(texts)
    with pytest.raises(InputError, match=message):
        model.evaluate(texts, [0, 1])
    fresh = gru_sentiment(**SMALL)
    with pytest.raises(InputError, match=message):
        fresh.fit(texts, [0, 1])
    assert fresh.vocabulary is None


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([], [], "no text"),
        (["a", "b"], [1], "expected one label for each of the 2"),
        (["a", "b"], None, "labels are missing"),
        (["a", "b"], [1, 1], "All 2 training labels are 1"),
        (["a", "b"], ["x", 1], "expected all names or all whole numbers"),
        (["a", "b"], [2.5, 0.7], "expected a label, a name or a whole number"),
        (["", "..."], [0, 1], "nothing to learn from"),
    ],
)
def test_training_sets_that_cannot_be_used(texts, labels, message):
    model = gru_sentiment(**SMALL)
    if isinstance(labels, list) and "x" in labels:
        labels = np.array(labels, dtype=object)
    with pytest.raises(InputError, match=message):
        model.fit(texts, labels, verbose=0)
    assert model.vocabulary is None
    assert model.network is None


def test_labels_outside_the_classes_are_refused(model, reviews):
    with pytest.raises(InputError, match=r"test labels hold 2; expected one of \[0, 1\]"):
        model.evaluate(["a", "b"], [0, 2])
    with pytest.raises(InputError, match="validation labels hold 'odd'"):
        gru_sentiment(**SMALL).fit(*reviews, validation_data=(["a"], ["odd"]), verbose=0)


@pytest.mark.parametrize(
    "act",
    [
        lambda model: model.predict(["x"]),
        lambda model: model.evaluate(["x"], [1]),
        lambda model: model.save("x.keras"),
        lambda model: model(np.zeros((1, 2), "int32")),
    ],
    ids=["predict", "evaluate", "save", "call"],
)
def test_untrained_models_say_so(act, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="fit"):
        act(gru_sentiment(**SMALL))
    assert not list(tmp_path.iterdir())


@pytest.mark.every_backend
def test_nan_stops_the_training(reviews):
    model = gru_sentiment(**{**SMALL, "learning_rate": float("inf")}, clip_norm=None)
    with pytest.raises(NonFiniteLoss, match="Try a learning rate"):
        model.fit(*reviews, epochs=2, verbose=0)


def test_best_epoch_is_kept_and_patience_stops(reviews):
    texts, labels = reviews
    flipped = 1 - labels[:32]  # the better the training goes, the worse this gets
    model = gru_sentiment(**SMALL, learning_rate_schedule="constant")
    history = model.fit(
        texts, labels, validation_data=(texts[:32], flipped), epochs=30, patience=2, verbose=0
    )
    losses = history.history["val_loss"]
    assert len(losses) == int(np.argmin(losses)) + 3 < 30
    kept = model.evaluate(texts[:32], flipped, return_dict=True, verbose=0)["loss"]
    assert kept == pytest.approx(min(losses), abs=1e-4)


def test_a_second_fit_goes_on_with_the_same_vocabulary_and_rate(reviews):
    texts, labels = reviews
    model = gru_sentiment(**SMALL)
    model.fit(texts, labels, epochs=1, verbose=0)
    words, steps = len(model.vocabulary), int(model.optimizer.iterations)
    before = model.evaluate(texts, labels, return_dict=True, verbose=0)["loss"]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03)
    model.fit([*texts[:-1], "entirely new tokens"], labels, epochs=2, verbose=0)
    assert len(model.vocabulary) == words
    assert int(model.optimizer.iterations) == 3 * steps
    assert model.evaluate(texts, labels, return_dict=True, verbose=0)["loss"] < before


@pytest.mark.one_backend
def test_classic_preset_is_the_textbook_configuration(reviews):
    model = lstm_sentiment(preset="classic", min_count=1, dropout=0.4)
    model.fit(*reviews, epochs=1, verbose=0)
    embedding, recurrent, dropout, head = model.network.layers[1:]
    assert (embedding.output_dim, recurrent.units, head.units) == (100, 50, 1)
    assert not recurrent.return_sequences
    assert dropout.rate == 0.4  # what is given beside the preset wins
    assert model.optimizer.global_clipnorm == 5.0
    assert (model.batch_size, model.epochs) == (50, 5)
    assert model.settings["preset"] == "classic"


@pytest.mark.one_backend
@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
def test_word_vectors_start_the_embedding(reviews, method, tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    texts, labels = reviews
    model = gru_sentiment(**{**SMALL, "embedding_size": 16, "embedding": method})
    unlabelled = texts * 5
    model.fit(texts, labels, unlabelled=unlabelled, epochs=3, verbose=0)
    assert model.share_of_vectors == 1.0
    assert len(list(tmp_path.rglob("*.kv"))) == 1
    assert model.evaluate(texts, labels, return_dict=True, verbose=0)["accuracy"] > 0.9


def test_unknown_embedding_is_refused():
    with pytest.raises(InputError, match="Did you mean 'skip-gram'"):
        gru_sentiment(embedding="skip-gramm")


def test_unknown_settings_are_refused_when_the_recipe_is_called():
    with pytest.raises(InputError, match="optimizer is 'adan'"):
        gru_sentiment(optimizer="adan")
    with pytest.raises(TypeError, match=r"no setting 'unit'\. Did you mean 'units'"):
        gru_sentiment(unit=3)
    with pytest.raises(InputError, match="preset is 'modern'"):
        gru_sentiment(preset="modern")
