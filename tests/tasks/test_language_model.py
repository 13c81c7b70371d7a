"""LanguageModel: its loss against NumPy, states over windows, labels, one file, what it refuses."""

from __future__ import annotations

import event_files
import keras
import numpy as np
import oracles
import pytest

from rnnkit.errors import InputError
from rnnkit.monitor.events import EventWriter
from rnnkit.recipes.language import next_word, text_generator
from rnnkit.tasks import load
from rnnkit.tasks.language.word_cache import WordCache

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

TEXTS = ["the cat sees the dog\n", "a dog sees a cat and a mouse", "the mouse\nsees a dog"] * 2
SMALL = {
    "layers": 2,
    "units": 5,
    "embedding_size": 4,
    "window": 4,
    "batch_size": 3,
    "learning_rate": 0.05,
    "learning_rate_schedule": "constant",
}
NO_DROPOUT = dict.fromkeys(
    ("word_dropout", "input_dropout", "dropout", "output_dropout", "weight_dropout"), 0.0
)
NAMES = ["anna", "hanna", "nana", "oleg", "loge", "goleo"] * 4
LANGUAGES = ["A", "A", "A", "B", "B", "B"] * 4


@pytest.fixture(scope="module")
def model():
    """Words, two layers, a projection, tied weights, ends."""
    model = next_word(**SMALL, **NO_DROPOUT)
    model.fit(TEXTS, validation_data=TEXTS[:3], epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def names():
    """Characters, labels, every kind of dropout."""
    model = text_generator(
        units=16,
        embedding_size=8,
        batch_size=8,
        word_dropout=0.1,
        input_dropout=0.1,
        weight_dropout=0.1,
        learning_rate=0.05,
        epochs=12,
    )
    model.fit(NAMES, LANGUAGES, validation_data=(NAMES[:6], LANGUAGES[:6]), verbose=0)
    return model


def weights_of(model, layer):
    return [np.asarray(w, "float64") for w in model.network.get_layer(layer).get_weights()]


def by_hand(model, text):
    """-log p of each token of a text and its end, with LSTMs as NumPy loops; no windows."""
    table, bias = weights_of(model, "words")
    tokens = model.encode([text])[0]
    x = table[[0, *tokens]] * 2  # the square root of 4
    for layer in ("lstm_0", "lstm_1"):
        x = oracles.run(oracles.LSTM, x[None], weights_of(model, layer))[0][0]
    (projection,) = weights_of(model, "projection")
    scores = x @ projection @ table.T + bias
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    return -log_p[np.arange(len(x)), [*tokens, 0]]


@pytest.mark.every_backend
def test_loss_equals_numpy_whatever_the_windows(model):
    wanted = np.concatenate([by_hand(model, text) for text in TEXTS])
    assert model.learn_eos
    for window, rows in ((4, 3), (64, 1)):
        model.window = window
        found = model.evaluate(TEXTS, batch_size=rows, return_dict=True, verbose=0)
        assert set(found) == {"loss", "perplexity"}
        assert found["loss"] == pytest.approx(wanted.mean(), rel=1e-5)
        assert found["perplexity"] == pytest.approx(np.exp(wanted.mean()), rel=1e-4)
    model.window = 4
    hidden, tokens, losses = model.score_tokens(TEXTS)
    for i, text in enumerate(TEXTS):
        np.testing.assert_allclose(losses[i], by_hand(model, text), atol=1e-5)
        assert tokens[i].tolist() == [*model.encode([text])[0], 0]
        assert hidden[i].shape == (len(tokens[i]), 4)


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_training_carries_the_states_too(model):
    """With a learning rate of almost nothing an epoch's loss is that of the weights as they are."""
    wanted = model.evaluate(TEXTS, return_dict=True, verbose=0)
    before = model.network.get_weights()
    rate = float(model.optimizer.learning_rate)
    model.optimizer.learning_rate = 1e-12
    history = model.fit(TEXTS, epochs=1, shuffle=False, verbose=0).history
    model.optimizer.learning_rate = rate
    assert history["loss"][0] == pytest.approx(wanted["loss"], rel=1e-5)
    for one, other in zip(model.network.get_weights(), before, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert model.tokens_per_epoch == sum(len(model.encode([text])[0]) + 1 for text in TEXTS)
    assert len(model.trainable_weights) == 2 * 3 + 2 + 1  # LSTMs, table and its bias, projection


@pytest.mark.every_backend
def test_what_is_trained_on_is_the_mean_over_real_tokens(model):
    """However much of a window is padding: what the gradient's clipping sees depends on it."""
    windows = model.make_batches(model.encode(TEXTS))
    inputs, targets, weights = windows[len(windows) - 1]
    assert 0 < weights.sum() < weights.size
    bias = weights_of(model, "words")[1]  # after a vector of zeros nothing else counts
    log_p = bias - np.log(np.exp(bias).sum())
    hidden = np.zeros((*targets.shape, SMALL["embedding_size"]), "float32")
    parts = [keras.ops.convert_to_tensor(part) for part in (targets, hidden, weights)]
    found = float(keras.ops.convert_to_numpy(model.compute_loss(inputs, *parts)))
    assert found == pytest.approx(-log_p[targets[weights > 0]].mean(), rel=1e-4)


def test_validation_is_measured_as_evaluate_does(model):
    history = model.fit(TEXTS, validation_data=TEXTS[:3], epochs=1, keep_best=False, verbose=0)
    measured = model.evaluate(TEXTS[:3], return_dict=True, verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(measured["loss"], rel=1e-5)
    assert history.history["val_perplexity"][0] == pytest.approx(measured["perplexity"], rel=1e-4)


def test_cache_in_evaluation_equals_a_loop(model):
    cache = WordCache(share=0.3, theta=0.7, window=3)
    found = model.evaluate(TEXTS, cache={"share": 0.3, "theta": 0.7, "window": 3}, return_dict=True)
    wanted = []
    for hidden, tokens, losses in zip(*model.score_tokens(TEXTS), strict=True):
        for t in range(len(tokens)):
            past = range(max(0, t - 3), t)
            powers = [np.exp(0.7 * float(hidden[t] @ hidden[i])) for i in past]
            same = sum(p for p, i in zip(powers, past, strict=True) if tokens[i] == tokens[t])
            p = np.exp(-float(losses[t]))
            wanted.append(-np.log(0.7 * p + 0.3 * same / sum(powers)) if t else losses[t])
    assert found["loss"] == pytest.approx(np.mean(wanted), rel=1e-5)
    assert found["perplexity"] == pytest.approx(np.exp(np.mean(wanted)), rel=1e-4)
    chosen = model.choose_cache(TEXTS, shares=(0.0, 0.3), thetas=(0.7,), windows=(3,))
    alone = model.evaluate(TEXTS, return_dict=True, verbose=0)["loss"]
    assert chosen == (cache if np.mean(wanted) < alone else WordCache(0.0, 0.7, 3))


def test_labels_are_told_to_the_model(names):
    assert names.classes == ("A", "B")
    right = names.evaluate(NAMES, LANGUAGES, return_dict=True, verbose=0)
    assert set(right) == {"loss", "perplexity", "bits_per_character"}
    assert right["bits_per_character"] == pytest.approx(right["loss"] / np.log(2), rel=1e-5)
    other = ["B" if label == "A" else "A" for label in LANGUAGES]
    assert names.evaluate(NAMES, other, return_dict=True, verbose=0)["loss"] > right["loss"] + 0.3
    texts = {c: "".join(names.generate(label=c, n=20, length=8, seed=1)) for c in "AB"}
    for c, letters in (("A", "han"), ("B", "olge")):
        assert sum(map(letters.__contains__, texts[c])) > 0.6 * len(texts[c])
        other = "olge" if c == "A" else "h"
        assert sum(map(other.__contains__, texts[c])) < 0.2 * len(texts[c])
    # As a classifier: which label makes the name likelier?
    sums = np.stack(
        [[row.sum() for row in names.score_tokens(NAMES[:6], [c] * 6)[2]] for c in names.classes]
    )
    assert [names.classes[i] for i in sums.argmin(0)] == LANGUAGES[:6]


def test_samples_on_the_page_of_texts(names, model, tmp_path):
    with EventWriter(tmp_path) as writer:
        names.write_examples(writer, NAMES, LANGUAGES, 1)
        model.write_examples(writer, TEXTS, None, 2)
    (first, second) = next(iter(event_files.read(tmp_path).values()))
    assert first[0] == 1
    assert b"| A |" in first[1].item()
    assert b"temperature 0.8" in second[1].item()


CHILD = """
import json, sys
import rnnkit.tasks
import rnnkit.tasks.language.language_model
path, texts = map(json.loads, sys.argv[1:])
model = rnnkit.tasks.load(path)
measured = model.evaluate(texts, return_dict=True, verbose=0)
drawn = model.generate("the", n=2, length=6)
model.fit(texts, epochs=1, verbose=0)
print(json.dumps([measured, drawn, model.complete("the ", 2), int(model.optimizer.iterations)]))
"""


@pytest.fixture
def saved(model, tmp_path):
    """The file of the model, what it measures and what it draws."""
    model.save(tmp_path / "words.keras")
    measured = model.evaluate(TEXTS, return_dict=True, verbose=0)
    return tmp_path / "words.keras", measured, model.generate("the", n=2, length=6)


def test_one_file_here(model, saved):
    path, wanted, drawn = saved
    again = load(path)
    assert again.evaluate(TEXTS, return_dict=True, verbose=0) == pytest.approx(wanted, rel=1e-5)
    assert again.generate("the", n=2, length=6) == drawn
    assert again.settings["recipe"] == "next_word"
    assert again.tokenizer.get_config() == model.tokenizer.get_config()


@pytest.mark.deep
def test_one_file_on_another_backend(model, saved, other_backend):
    path, wanted, drawn = saved
    measured, written, _, steps = other_backend(CHILD, str(path), TEXTS)
    assert measured == pytest.approx(wanted, rel=1e-4)
    assert written == drawn
    assert steps > int(model.optimizer.iterations)


@pytest.mark.every_backend
def test_same_first_weights_on_every_backend():
    from rnnkit.tasks.language.language_networks import language_network

    network = language_network(20, units=3, embedding_size=2, seed=3)
    table = network.get_layer("words").get_weights()[0]
    wanted = np.random.default_rng(3500).uniform(-0.05, 0.05, (20, 2))
    np.testing.assert_allclose(table, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda fresh: fresh.generate("a"), "not trained yet: it has no vocabulary"),
        (lambda fresh: fresh.save("x.keras"), "not trained yet"),
        (lambda fresh: fresh.fit([]), "The training set holds no text"),
        (lambda fresh: fresh.fit(["a a a"]), "hold 1 different tokens"),
        (lambda fresh: fresh.fit([3]), r"texts\[0\] is int"),
        (lambda fresh: fresh.fit(["a b"], ["x", "y"]), "one label for each of the 1 texts"),
    ],
    ids=["generate", "save", "no text", "one token", "a number", "two labels"],
)
def test_an_untrained_model_refuses_and_stays_untrained(act, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fresh = next_word(**SMALL)
    with pytest.raises(InputError, match=message):
        act(fresh)
    assert fresh.network is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"window": 0}, "window is 0"), ({"split": "spaces"}, "Did you mean 'space'")],
    ids=["window", "split"],
)
def test_settings_that_cannot_be_used_are_refused_at_once(settings, message):
    with pytest.raises(InputError, match=message):
        next_word(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"softmax": "adaptiv"}, "Did you mean 'adaptive'"),
        (
            {"softmax": "adaptive", "cutoffs": (3,), "div_value": 0},
            "div_value is 0; expected an integer of at least 1",
        ),
        ({"softmax": "adaptive"}, "cutoffs are .* below the size"),
        ({"softmax": "sampled"}, "A sampled softmax of 10 words"),
    ],
    ids=["softmax", "div_value", "cutoffs", "samples"],
)
def test_a_softmax_that_does_not_fit_the_words_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        next_word(**settings).fit(TEXTS)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda model: model.evaluate(TEXTS, ["x"] * 6), "the model learned none"),
        (lambda model: model.generate(strategy="top_q"), "Did you mean 'top_p'"),
        (lambda model: model.generate(temperature=0), "temperature is 0"),
        (lambda model: model.generate(top_k=0), "top_k is 0"),
        (lambda model: model.generate(top_p=1.5), r"top_p is 1\.5"),
        (lambda model: model.generate(n=0), "n is 0"),
        (lambda model: model.complete("a", 0), "k is 0"),
        (lambda model: model.evaluate(TEXTS, cache={"share": 1.0}), "The cache is"),
    ],
    ids=["labels", "strategy", "temperature", "top_k", "top_p", "n", "k", "cache"],
)
def test_what_a_model_of_words_refuses(model, act, message):
    with pytest.raises(InputError, match=message):
        act(model)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda names: names.generate(), "Give one for each"),
        (lambda names: names.generate(label="AA"), "Did you mean 'A'"),
        (lambda names: names.complete("a"), "complete needs a model of words"),
    ],
    ids=["no label", "unknown label", "complete"],
)
def test_what_a_model_of_characters_with_labels_refuses(names, act, message):
    with pytest.raises(InputError, match=message):
        act(names)
