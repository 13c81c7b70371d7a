"""Seq2Seq: texts in, texts out; what it scores, keeps in its file, and refuses."""

from __future__ import annotations

import event_files
import keras
import numpy as np
import pytest
import sacrebleu
from keras import ops

from rnnkit.errors import InputError
from rnnkit.monitor.events import EventWriter
from rnnkit.recipes.text_to_text import summarizer, translator
from rnnkit.tasks.text_to_text import text_scores
from rnnkit.tasks.text_to_text.seq2seq import Seq2Seq
from rnnkit.tasks.text_to_text.seq2seq_losses import (
    SmoothedCrossentropy,
    TokenAccuracy,
    TokenPerplexity,
)
from rnnkit.tasks.text_to_text.seq2seq_networks import attention_network

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

TINY = {
    "units": 24,
    "decoder_units": 32,
    "embedding_size": 24,
    "vocabulary_size": 340,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
    "label_smoothing": 0.0,
    "learning_rate": 0.02,
    "batch_size": 16,
    "max_target_length": 10,
}
WORDS = {"eins": "one", "zwei": "two", "drei": "three", "vier": "four", "acht": "eight"}


@pytest.fixture(scope="module")
def numbers():
    """Four numerals in German, and in English."""
    rng = np.random.default_rng(0)
    rows = [list(rng.choice(list(WORDS), 4)) for _ in range(128)]
    x = [" ".join(row) for row in rows]
    return x, [" ".join(WORDS[word] for word in row) for row in rows]


@pytest.fixture(scope="module")
def model(numbers):
    x, y = numbers
    model = translator(**TINY)
    history = model.fit(x, y, validation_data=(x[:32], y[:32]), epochs=24, verbose=0)
    assert history.history["val_loss"][-1] < 0.5
    return model


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.every_backend
def test_it_learns_to_translate(model, numbers):
    x, y = numbers
    scores = model.evaluate(x[:32], y[:32], return_dict=True, verbose=0)
    assert list(scores) == ["accuracy", "loss", "perplexity", "bleu", "bleu_lowercase"]
    assert scores["bleu"] > 80
    assert scores["accuracy"] > 0.9
    assert scores["perplexity"] == pytest.approx(np.exp(scores["loss"]), rel=1e-3)
    texts = model.predict(x[:32])
    assert scores["bleu"] == round(sacrebleu.corpus_bleu(texts, [y[:32]]).score, 2)
    assert model.signature.startswith("sacrebleu nrefs:1|case:mixed|eff:no|tok:13a")


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.every_backend
def test_the_company_changes_nothing(model, numbers):
    x, _ = numbers
    texts = model.predict(x[:32])
    assert model.predict(x[:32][::-1]) == texts[::-1]
    assert model.predict(x[3]) == texts[3:4]
    assert model.predict(x[:32], beam_size=1) == model.predict(x[:32], beam_size=1, batch_size=5)
    assert model.predict([]) == []
    assert len(model.predict(["", "eins " * 30], max_length=2)) == 2


def test_attention(model, numbers):
    found = model.attention(numbers[0][0])
    written = "".join(found.output).replace("▁", " ").strip()
    assert written == model.predict(numbers[0][0])[0] + "</s>"
    assert found.weights.shape == (len(found.output), len(found.source))
    np.testing.assert_allclose(found.weights.sum(1), 1, atol=1e-5)
    assert model.attention("eins", "one two").output[-1] == "</s>"


def test_shown_in_tensorboard(model, numbers, tmp_path):
    with EventWriter(tmp_path) as writer:
        model.write_examples(writer, numbers[0], numbers[1], 7)
    found = event_files.read(tmp_path)
    assert numbers[1][0] in found["examples/predictions"][0][1].item().decode()
    assert {"examples/attention_1", "examples/attention_2", "examples/attention_3"} <= set(found)


def test_one_file_holds_the_sub_words(model, numbers, tmp_path):
    import keras

    x, y = numbers
    model.save(tmp_path / "numbers.keras")
    again = keras.saving.load_model(tmp_path / "numbers.keras")
    assert isinstance(again, Seq2Seq)
    assert again.predict(x[:16]) == model.predict(x[:16])
    assert again.settings["recipe"] == "translator"
    again.fit(x, y, epochs=1, verbose=0)


def test_several_references():
    long = [["the cat sat on the mat today", "a dog"], ["a bird flew over the house there"]]
    found = text_scores.bleu(["the cat sat on the mat today", long[1][0]], long)
    assert found.values["bleu"] == 100.0
    assert "nrefs:2" in found.signature
    found = text_scores.rouge(["a dogs", "nothing"], [["the cat", "a dog"], ["a bird"]])
    assert found.values == {"rouge1": 50.0, "rouge2": 50.0, "rougeL": 50.0}


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_summarizer_copies_and_every_option_runs():
    x = [f"Hello all\n{name} is here" for name in ("Ann", "Bob", "Cyd", "Dan")] * 8
    y = [[f"{name} here", "here"] for name in ("Ann", "Bob", "Cyd", "Dan")] * 8
    model = summarizer(**TINY, cell="lstm", scheduled_sampling=0.2, max_length=24)
    before = model.fit(x, y, epochs=2, verbose=0).history["loss"]
    assert before[1] < before[0]
    found = model.evaluate(x[:4], y[:4], return_dict=True, verbose=0, beam_size=2)
    assert {"rouge1", "rouge2", "rougeL"} < set(found)
    assert "stemmer" in model.signature
    fewer = model.evaluate(x[:4], y[:4], verbose=0, decode=False)
    assert len(fewer) == 3


def test_separate_vocabularies():
    model = translator(**TINY, shared_vocabulary=False, attention="additive")
    pairs = ["drei"] * 9, ["three words"] * 9
    model.fit(*pairs, epochs=1, initial_epoch=1, verbose=0)  # no epoch is left to train
    sizes = [len(model.source_subwords), len(model.target_subwords)]
    assert [model.network.get_layer(n).input_dim for n in ("source_embedding", "embedding")] == (
        sizes
    )


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_decoder_starts_from_the_last_states_of_both_directions(cell):
    network = attention_network(9, None, cell=cell, units=3, decoder_units=4, embedding_size=5)
    starts = [
        network.get_layer(f"start_{part}").input for part in ("h", "c")[: 1 + (cell == "lstm")]
    ]
    encoder = keras.Model(network.inputs, [network.get_layer("decoder").input[1], *starts])
    source = np.array([[5, 7, 8, 4, 0, 0], [4, 5, 6, 7, 8, 3]], "int32")
    read, *found = map(ops.convert_to_numpy, encoder([source, source]))
    ends = np.stack([np.r_[read[i, n - 1, :3], read[i, 0, 3:]] for i, n in enumerate((4, 6))])
    np.testing.assert_allclose(found[0], ends, atol=1e-6)
    for c in found[1:]:  # h = o tanh(c): of the same signs, and larger
        np.testing.assert_array_equal(np.sign(c), np.sign(ends))
        assert (np.abs(np.tanh(c)) > np.abs(ends)).all()


def test_losses_and_metrics():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 3, 5))
    y = np.array([[1, 2, 0], [4, 0, 0]], "int32")
    weights = np.array([[1, 1, 1], [1, 0, 0]], "float32")
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    right = np.take_along_axis(log_p, y[..., None], -1)[..., 0]
    expected = -(0.8 * right + 0.2 * log_p.mean(-1))
    real = weights > 0
    loss = SmoothedCrossentropy(0.2)(y, z.astype("float32"), weights)
    assert float(loss) == pytest.approx(expected[real].mean(), rel=1e-5)
    perplexity, accuracy = TokenPerplexity(), TokenAccuracy()
    for metric in (perplexity, accuracy):
        metric.update_state(y, ops.convert_to_tensor(z.astype("float32")), weights)
    assert float(perplexity.result()) == pytest.approx(np.exp(-right[real].mean()), rel=1e-5)
    hits = (z.argmax(-1) == y)[real].mean()
    assert float(accuracy.result()) == pytest.approx(hits, rel=1e-6)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda m: m.predict([None]), r"texts\[0\] is NoneType"),
        (lambda m: m.evaluate(["a"], ["b", "c"]), "The test set has 2 targets for 1 texts"),
        (lambda m: m.fit(["a"], [3]), r"y\[0\]\[0\] is int"),
        (lambda m: m.fit(["a"], [[]]), r"y\[0\] is an empty list"),
        (lambda m: m.fit(["a"], "b"), "expected a list with a target for each text"),
        (lambda m: m.fit([], []), "The training set holds no text"),
        (lambda m: m.predict(["a"], beam_size=0), "beam_size is 0"),
        (lambda m: translator().predict("a"), "Call fit first"),
        (lambda m: translator(shared_vocabulary="no"), "shared_vocabulary is 'no'; expected True"),
        (lambda m: translator(subwords="words"), "subwords is 'words'; expected one of"),
        (lambda m: translator(label_smoothing=1.0), "label_smoothing is 1.0"),
        (lambda m: summarizer(shared_vocabulary=False), "only sub-words of a shared vocabulary"),
        (lambda m: translator(cell="rnn").fit(["a"], ["b"]), "size of the vocabulary|cell is"),
    ],
)
def test_what_is_refused(model, act, message):
    with pytest.raises(InputError, match=message):
        act(model)


def test_a_setting_that_does_not_exist():
    with pytest.raises(TypeError, match=r"translator\(\) has no setting 'unit'.*mean 'units'"):
        translator(unit=3)
