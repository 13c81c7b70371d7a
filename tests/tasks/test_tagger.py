"""SequenceTagger: sentences in, a tag for each word out, and what it refuses."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from gensim.models import KeyedVectors
from seqeval import metrics

from rnnkit.errors import InputError
from rnnkit.monitor.spans import to_iob2
from rnnkit.recipes.tagging import name_tagger, pos_tagger
from rnnkit.tasks import load
from rnnkit.tasks.tagging.tagger import SequenceTagger
from rnnkit.tasks.tagging.tagger_networks import TaggerSpec, recurrent_tagger
from rnnkit.tasks.tagging.word_layers import CharEncoder, WordDropout

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

SMALL = {"units": 8, "embedding_size": 6, "character_units": 8, "word_length": 6}
QUICK = {"learning_rate": 0.03, "batch_size": 16, "dropout": 0.1, "embedding_dropout": 0.0}
UNTRAINED = {"epochs": 1, "initial_epoch": 1, "verbose": 0}  # no epoch is left to train
NAMES = ["Ellen", "John", "Mary", "Rosalind"]


@pytest.fixture(scope="module")
def sentences():
    """Sentences of one bucket: whoever asks or is asked is a person, where one is, a place."""
    x, y = [], []
    for i in range(48):
        a, b = NAMES[i % 4], NAMES[i // 4 % 4]
        if i % 3 == 0:
            x.append([a, "Smith", "asked", b])
            y.append(["B-PER", "I-PER", "O", "B-PER"])
        elif i % 3 == 1:
            x.append(["it", "rains", "in", a, "."])
            y.append(["O", "O", "O", "B-LOC", "O"])
        else:
            x.append(["do", "n't", "ask", a])
            y.append(["O", "O", "O", "B-PER"])
    return x, y


@pytest.fixture(scope="module")
def model(sentences):
    model = name_tagger(**SMALL, **QUICK, epochs=20)
    model.told = model.fit(*sentences, validation_data=sentences, verbose=0).history
    return model


def padded(model, rows):
    ids = np.zeros((len(rows), 8, 1 + model.word_length), "int32")
    for i, row in enumerate(model.encode(rows)):
        ids[i, : len(row)] = row
    return ids


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_learns_and_is_measured_as_seqeval_counts(model, sentences):
    x, y = sentences
    scores = model.evaluate(x, y, return_dict=True, verbose=0)
    assert scores["accuracy"] == scores["f1"] == scores["f1/PER"] == scores["f1/LOC"] == 1.0
    assert list(scores) == [
        "loss", "accuracy", "precision", "recall", "f1", "f1/LOC", "f1/PER"
    ]  # fmt: skip
    assert model.tokens_per_epoch == sum(map(len, x))
    # Against other tags: I-PER that begins a span among them.
    others = [["I-PER", *row[1:-1], "O"] for row in y]
    scores = model.evaluate(x, others, return_dict=True, verbose=0)
    answers = model.predict(x)
    assert answers == y
    assert scores["f1"] == pytest.approx(metrics.f1_score(others, answers))
    converted = [to_iob2(row) for row in others]  # as they are learned from
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(converted, answers))
    assert model.evaluate(x, others, verbose=0) == pytest.approx(list(scores.values()))


def test_the_validation_set_is_measured_after_each_epoch(model):
    assert {"loss", "val_loss", "val_accuracy", "val_f1", "val_f1/PER"} <= set(model.told)
    assert model.told["val_f1"][-1] == 1.0


def test_raw_sentences_words_and_the_places_of_spans(model):
    raw = "Don't  ask Mary"
    assert model.predict(raw) == model.predict([["Do", "n't", "ask", "Mary"]])
    assert model.predict([raw, ["ask"], "", []])[2:] == [[], []]
    assert model.predict([]) == []
    found = model.predict_spans([raw, "", "Mary Smith asked John"])
    assert found == [
        [("Mary", "PER", 11, 15)],
        [],
        [("Mary Smith", "PER", 0, 10), ("John", "PER", 17, 21)],
    ]
    assert model.predict_spans(raw) == found[:1]


def test_words_that_were_never_seen_have_a_tag_too(model):
    words = ["qux", "asked", "Rosalind", "zyx", "wvut"]
    assert [len(row) for row in model.predict([words, words[:1], words[3:]])] == [5, 1, 2]
    assert model.predict([words])[0][2] == "B-PER"


def test_of_a_long_word_both_ends_are_spelled(model):
    length = model.word_length
    long = "Mary" + "x" * length + "Smith"
    head, tail = length - length // 2, length // 2
    ids = model.encode([[long]])[0][0, 1:]
    assert ids.tolist() == model.letters.encode(list(long[:head] + long[-tail:])).tolist()
    short = model.encode([["Mary"]])[0][0, 1:]
    assert short[:4].tolist() == model.letters.encode(list("Mary")).tolist()
    assert not short[4:].any()


def test_a_long_sentence_is_read_to_its_end(model, sentences):
    (tags,) = model.predict([["it", "rains", "in", "Mary", "."] * 12])
    assert len(tags) == 60
    assert tags[-2] == "B-LOC"
    # And neither padding nor company changes a probability.
    x = sentences[0][:16]
    alone = model.network(np.stack(model.encode(x[:1])))
    together = keras.ops.convert_to_numpy(model.network(padded(model, x)))
    np.testing.assert_allclose(
        together[:1, : len(x[0])], keras.ops.convert_to_numpy(alone), atol=1e-5
    )
    np.testing.assert_allclose(together[0, : len(x[0])].sum(axis=-1), 1.0, atol=1e-5)


@pytest.mark.every_backend
def test_the_loss_is_that_of_all_taggings_that_may_be(model, sentences):
    """Enumerated in NumPy: -log exp(score of the tags) / sum over every allowed tagging."""
    x, y = [row[:2] for row in sentences[0][:4]], [row[:2] for row in sentences[1][:4]]
    crf = model.network.get_layer("crf")
    start, transitions, end = (np.float64(w) for w in crf.get_weights())
    potentials = np.float64(keras.ops.convert_to_numpy(model(padded(model, x))))
    tags = model.classes
    total = 0.0
    for row, own in zip(potentials, y, strict=True):
        score = {}
        for path in itertools.product(range(len(tags)), repeat=2):
            if allowed(model, path):
                a, b = path
                score[path] = start[a] + row[0, a] + transitions[a, b] + row[1, b] + end[b]
        values = np.array(list(score.values()))
        total += np.log(np.exp(values - values.max()).sum()) + values.max()
        total -= score[tuple(tags.index(tag) for tag in own)]
    loss = model.evaluate(x, y, return_dict=True, verbose=0)["loss"]
    assert loss == pytest.approx(total / 8, rel=1e-4, abs=1e-5)


def test_the_tags_are_the_likeliest_together_of_the_words_that_are_there(model):
    """Enumerated: what stands in the padding, and what would follow it, counts for nothing."""
    network = recurrent_tagger(TaggerSpec(9, 9, False, 4, 9, 2, model.classes), units=3)
    crf = network.get_layer("crf")
    rng = np.random.default_rng(0)
    crf.set_weights([3 * rng.normal(size=weight.shape) for weight in crf.get_weights()])
    start, transitions, end = crf.get_weights()
    other = SequenceTagger(network=network, classes=model.classes, word_length=2)
    other.vocabulary, other.letters = model.vocabulary, model.letters
    ids = [rng.integers(1, 9, (length, 3)).astype("int32") for length in (1, 2, 3, 4)]
    answers = other.tags_of(other.make_batches(ids))
    for row, tags in zip(ids, answers, strict=True):
        (potentials,) = keras.ops.convert_to_numpy(other(row[None]))
        best = max(
            (path for path in itertools.product(range(4), repeat=len(row)) if allowed(model, path)),
            key=lambda path: (
                start[path[0]]
                + end[path[-1]]
                + sum(potentials[t, tag] for t, tag in enumerate(path))
                + sum(transitions[a, b] for a, b in itertools.pairwise(path))
            ),
        )
        assert tags == [model.classes[i] for i in best]


def allowed(model, path):
    names = [model.classes[i] for i in path]
    return to_iob2(names) == names


def test_the_file_holds_words_characters_and_tags(model, sentences, tmp_path):
    x, y = sentences
    model.save(tmp_path / "names.keras")
    again = load(tmp_path / "names.keras")
    assert again.predict(x) == model.predict(x)
    assert again.classes == ("B-LOC", "B-PER", "I-PER", "O")
    assert again.settings == model.settings
    assert again.vocabulary.tokens == model.vocabulary.tokens
    assert again.letters.tokens == model.letters.tokens
    first = again.evaluate(x, y, return_dict=True, verbose=0)["loss"]
    assert first == pytest.approx(model.evaluate(x, y, return_dict=True, verbose=0)["loss"])
    again.fit(x, y, epochs=1, verbose=0)
    assert again.evaluate(x, y, return_dict=True, verbose=0)["loss"] != first


def test_words_that_only_a_file_knows(sentences, tmp_path, capfd):
    x, y = sentences
    vectors = KeyedVectors(6)
    given = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    vectors.add_vectors(["ask", "mary", "phone", "paris"], given)
    vectors.save_word2vec_format(tmp_path / "words.txt")
    settings = SMALL | {"vocabulary_size": 17}
    model = name_tagger(**settings, **QUICK, epochs=1, embedding=tmp_path / "words.txt")
    model.fit(x, y, unlabelled=["Ask Paris."], verbose=2)
    told = capfd.readouterr().err
    assert "word vectors for 15.4% of the vocabulary's 13 words" in told
    assert "the 1 unlabelled sentences are not used" in told
    known = model.vocabulary.tokens
    assert known[-2:] == ["phone", "paris"]  # and there is no room for more
    (table,) = model.network.get_layer("vectors").get_weights()
    np.testing.assert_allclose(table[known.index("mary")], given[1], rtol=1e-6)
    np.testing.assert_allclose(table[known.index("paris")], given[3], rtol=1e-6)
    np.testing.assert_allclose(table[1], given.mean(axis=0), rtol=1e-5)
    assert model.network.get_layer("embedding").input_dim == 15  # learned for words of train only
    assert not model.network.get_layer("vectors").trainable
    frozen = name_tagger(**SMALL, embedding=tmp_path / "words.txt", embedding_trainable=False)
    frozen.fit(x, y, **UNTRAINED)
    assert "embedding" not in [layer.name for layer in frozen.network.layers]
    with pytest.raises(InputError, match=r"embedding_size is 7. Set embedding_size=6"):
        name_tagger(**SMALL | {"embedding_size": 7}, embedding=tmp_path / "words.txt").fit(x, y)


def test_vectors_learned_from_the_sentences_and_unlabelled_ones(sentences):
    model = name_tagger(**SMALL, embedding="cbow", characters=None)
    model.fit(*sentences, unlabelled=["Ask Paris!", ["Paris", "!"]] * 9, **UNTRAINED)
    assert {"paris", "!"} <= set(model.vocabulary.tokens)
    assert model.share_of_vectors == 1.0
    assert model.network.input_shape == (None, None, 1)


def test_unknown_words_are_learned_from_known_ones():
    layer = WordDropout(50, 0.2, seed=1)
    ids = np.tile(np.arange(100), (40, 1))
    quiet = keras.ops.convert_to_numpy(layer(ids))
    assert (quiet == np.where(ids < 50, ids, 1)).all()
    drawn = keras.ops.convert_to_numpy(layer(ids, training=True))
    assert (drawn[:, 0] == 0).all()  # padding is no word
    changed = drawn[:, 2:50] != ids[:, 2:50]
    assert (drawn[:, 2:50][changed] == 1).all()
    assert 0.17 < changed.mean() < 0.23


@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_a_spelling_does_not_depend_on_the_padding(kind):
    layer = CharEncoder(30, 8, kind, size=4, seed=2)
    ids = np.array([[[3, 4, 5, 0, 0], [0] * 5], [[5, 4, 3, 0, 0], [3, 4, 5, 0, 0]]])
    vectors = keras.ops.convert_to_numpy(layer(ids))
    short = keras.ops.convert_to_numpy(layer(ids[:, :, :3]))
    np.testing.assert_allclose(vectors, short, atol=1e-6)
    np.testing.assert_allclose(vectors[0, 0], vectors[1, 1], atol=1e-6)
    assert np.abs(vectors[0, 0] - vectors[1, 0]).max() > 1e-3  # the order counts
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(again(ids)), vectors, atol=1e-6)


@pytest.mark.every_backend
def test_same_first_weights_on_every_backend():
    learned = TaggerSpec(20, 20, False, 4, 9, 5, ("NOUN", "VERB"))
    network = recurrent_tagger(learned, units=3, output="softmax", seed=2)
    first = network.get_layer("embedding").get_weights()[0]
    expected = np.random.default_rng(2001).uniform(-0.05, 0.05, (20, 4))
    np.testing.assert_allclose(first, expected, rtol=1e-6)
    other = recurrent_tagger(learned, units=3, output="softmax", seed=3)
    assert all(
        not np.array_equal(a, b) or not a.any() or (a == 1).all() or a.ndim == 1
        for a, b in zip(network.get_weights(), other.get_weights(), strict=True)
    )


@pytest.fixture(scope="module")
def parts_of_speech(sentences):
    """A trained tagger whose tags mark no spans, and the sentences with their tags."""
    x, _ = sentences
    y = [["PROPN" if word[0].isupper() else "WORD" for word in row] for row in x]
    model = pos_tagger(**SMALL, **QUICK, characters="lstm", epochs=8)
    model.fit(x, y, verbose=0)
    return model, x, y


def test_parts_of_speech_have_no_spans(parts_of_speech):
    model, x, y = parts_of_speech
    scores = model.evaluate(x, y, return_dict=True, verbose=0)
    assert set(scores) == {"loss", "accuracy"}
    assert scores["accuracy"] == 1.0
    with pytest.raises(InputError, match=r"mark no spans .PROPN, WORD"):
        model.predict_spans("Ask Mary")


def test_a_tag_that_training_never_saw_is_named(parts_of_speech):
    model, x, y = parts_of_speech
    with pytest.raises(InputError, match=r"sentence 1 hold 'PROPM'.*Did you mean 'PROPN'"):
        model.evaluate(x[:2], [y[0], ["PROPM"] * len(x[1])])


def test_the_weights_of_sentences_scale_the_loss(parts_of_speech):
    model, x, y = parts_of_speech
    whole = model.evaluate(x, y, return_dict=True, verbose=0)
    half = model.evaluate(x, y, sample_weight=[0.5] * len(x), return_dict=True, verbose=0)
    assert half["loss"] == pytest.approx(whole["loss"] / 2, rel=1e-4)


def test_the_epoch_with_the_best_tags_is_kept(parts_of_speech):
    """Measured on the opposite of what it learns, a model is best in an early epoch."""
    _, x, y = parts_of_speech
    opposite = [["WORD" if tag == "PROPN" else "PROPN" for tag in row] for row in y]
    model = pos_tagger(**SMALL, **QUICK, characters=None, epochs=20)
    weights = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: weights.append(model.network.get_layer("scores").get_weights()[0])
    )
    told = model.fit(
        x, y, validation_data=(x, opposite), patience=2, callbacks=[keep], verbose=0
    ).history["val_accuracy"]
    best = int(np.argmax(told))
    assert len(told) == len(weights) == best + 3  # and two epochs of patience
    kept = model.network.get_layer("scores").get_weights()[0]
    np.testing.assert_array_equal(kept, weights[best])
    assert not np.array_equal(kept, weights[-1])


def test_what_is_shown_of_held_out_sentences(model, sentences):
    written = {}

    class Writer:
        def text(self, tag, markdown, step):
            written[tag] = markdown

        def image(self, tag, png, step):
            written[tag] = png

        def scalars(self, values, step):
            written.update(values)

    x, y = sentences
    model.write_examples(Writer(), x, [["O"] * len(row) for row in y[:1]] + y[1:], 1)
    assert "**Ellen Smith** (PER) asked **Ellen** (PER)" in written["examples/predictions"]
    assert written["examples/mistakes"].count("\n") == 2
    assert written["examples/confusion_matrix"][1:4] == b"PNG"


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ("Ask John", ["O", "O"], r"The training set: x is str: expected a list of sentences"),
        ([["Ask", "John"]], None, "tags are missing"),
        ([["Ask", "John"]], [["O"]], r"sentence 0 has 2 words and 1 tags: 'Ask John'"),
        ([["Ask", "John"], ["Ask"]], [["O", "O"]], "holds 2 sentences and tags for 1"),
        ([], [], "holds 0 sentences"),
        ([[], []], [[], []], "holds no word"),
        (["Ask John"], [["O", "O"]], r"x\[0\] is str \('Ask John'\): expected a list of words"),
        ([["Ask", 3]], [["O", "O"]], r"x\[0\]\[1\] is int \(3\)"),
        ([["Ask", ""]], [["O", "O"]], r"x\[0\]\[1\] is an empty text"),
        ([["Ask", "John"]], [["O", "O"]], "All tags of the training set are 'O'"),
    ],
)
def test_what_cannot_be_learned_from_is_named(x, y, message):
    with pytest.raises(InputError, match=message):
        name_tagger(**SMALL).fit(x, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output": "crv"}, "output is 'crv'.*Did you mean 'crf'"),
        ({"characters": "cnm"}, "characters is 'cnm'"),
        ({"layers": 0}, "layers is 0"),
        ({"characters": "lstm", "character_units": 7}, "character_units is 7"),
        ({"word_dropout": 1.0}, "word_dropout is 1.0"),
    ],
    ids=["output", "characters", "layers", "character_units", "word_dropout"],
)
def test_a_network_that_cannot_be_built(sentences, settings, message):
    with pytest.raises(InputError, match=message):
        name_tagger(**SMALL | settings).fit(*sentences)


@pytest.mark.parametrize(
    ("error", "settings", "message"),
    [
        (
            InputError,
            {"embedding": "skipgram"},
            "embedding is 'skipgram'.*Did you mean 'skip-gram'",
        ),
        (InputError, {"optimizer": "adan"}, "optimizer is 'adan'"),
        (InputError, {"word_length": -1}, "word_length is -1"),
        (TypeError, {"unit": 3}, r"name_tagger\(\) has no setting 'unit'.*'units'"),
    ],
    ids=["embedding", "optimizer", "word_length", "unknown"],
)
def test_settings_that_cannot_be_used(error, settings, message):
    with pytest.raises(error, match=message):
        name_tagger(**settings)


def test_what_is_no_sentence_is_named(model):
    with pytest.raises(InputError, match=r"sentences\[1\] is int"):
        model.predict(["Ask", 3])


def test_an_unknown_tag_of_the_test_set_is_named(model):
    with pytest.raises(InputError, match="test tags of sentence 0 hold 'B-ORG'"):
        model.evaluate([["Ask"]], [["B-ORG"]])


@pytest.mark.parametrize(
    "act",
    [lambda model: model.predict("Ask John"), lambda model: model.save("x.keras")],
    ids=["predict", "save"],
)
def test_an_untrained_model_says_so(act, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"[cC]all fit"):
        act(name_tagger(**SMALL))
    assert not list(tmp_path.iterdir())
