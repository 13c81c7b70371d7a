"""Writing step by step, choosing what comes next, and completing what is typed."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rnnkit.recipes.language import next_word
from rnnkit.tasks.language import generation
from rnnkit.tasks.language.completion import Completer
from rnnkit.tasks.language.generation import Sampler

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

TEXT = (
    "the cat sees the dog .\nthe dog sees a cat .\na mouse and the cat see <unk> the moose .\n" * 4
)


@pytest.fixture(scope="module")
def model():
    model = next_word(units=12, embedding_size=12, batch_size=2, window=8, learning_rate=0.02)
    model.fit(TEXT, epochs=4, verbose=0)
    return model


@pytest.mark.every_backend
def test_step_by_step_equals_reading_the_prefix_again(model, monkeypatch):
    monkeypatch.setattr(generation, "CHUNK", 4)  # of the prompt, too, some words come in one go
    prompt = "the dog sees a cat . the"
    reader, seen = model.reader(), []
    read = reader.read
    monkeypatch.setattr(reader, "read", lambda *args: seen.append(args[0].shape) or read(*args))
    (text,) = model.generate(prompt, length=6, strategy="greedy", unknown=True)
    assert seen == [(1, 8), *[(1, 1)] * 5]
    never = [0, 1]  # a text without an end; what was never seen
    for _ in range(6):
        p = model.predict(prompt)[0]
        assert p.sum() == pytest.approx(1.0, rel=1e-4)
        p[never] = 0
        prompt = model.tokenizer.detokenize(
            [*model.tokenizer.tokenize(prompt), model.vocabulary.tokens[p.argmax()]]
        )
    assert text == prompt


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_writing_between_epochs_changes_nothing():
    """On JAX Keras carries the weights through a fit apart from the model."""
    found = []
    for write in (False, True):
        model = next_word(units=6, embedding_size=6, batch_size=2, window=8, dropout=0.0)
        texts = []
        said = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, m=model, t=texts: t.append(
                (m.generate("the", length=5), m.complete("the ", 3))
            )
        )
        model.fit(TEXT, epochs=3, verbose=0, callbacks=[said] if write else [])
        found.append(model.network.get_weights())
        if write:
            assert texts[-1] == (model.generate("the", length=5), model.complete("the ", 3))
            for first, last in zip(texts[0][1], texts[-1][1], strict=True):
                assert first[1] != last[1]  # no states of the epoch before
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_do_not_know_of_each_other(model):
    together = model.generate(["the", "a mouse and"], n=2, length=5, seed=3)
    assert len(together) == 4
    assert together[:2] == model.generate("the", n=2, length=5, seed=3)
    assert together[0] != together[1]
    assert together == model.generate(["the", "a mouse and"], n=2, length=5, seed=3)
    assert all(text.startswith("a mouse and ") for text in together[2:])


def test_the_unknown_word_is_not_written(model):
    hot = {"n": 6, "length": 40, "temperature": 5.0}
    assert not any("<unk>" in text or "[UNK]" in text for text in model.generate(**hot))
    assert any("<unk>" in text for text in model.generate(**hot, unknown=True))


P = np.array([0.05, 0.4, 0.0, 0.3, 0.25])


def shares(**options):
    choice = Sampler(**options, rows=1500)
    with np.errstate(divide="ignore"):
        found = choice(np.repeat(np.log(P)[None], 1500, axis=0))
    return np.bincount(found, minlength=5) / 1500


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"strategy": "greedy"}, [0, 1, 0, 0, 0]),
        ({"strategy": "temperature"}, P),
        ({"strategy": "temperature", "temperature": 0.5}, P**2 / (P**2).sum()),
        ({"strategy": "top_k", "top_k": 2}, np.array([0, 0.4, 0, 0.3, 0]) / 0.7),
        ({"strategy": "top_k", "top_k": 50}, P),
        ({"strategy": "top_p", "top_p": 0.4}, [0, 1, 0, 0, 0]),
        ({"strategy": "top_p", "top_p": 0.6}, np.array([0, 0.4, 0, 0.3, 0]) / 0.7),
        ({"strategy": "top_p", "top_p": 1.0}, P),
    ],
)
def test_choices_have_their_probabilities(options, wanted):
    found = shares(**options)
    np.testing.assert_allclose(found, wanted, atol=0.04)
    assert (found[np.asarray(wanted) == 0] == 0).all()


def test_completions_are_the_likeliest_words_that_begin_so(model):
    p = model.predict("the dog sees a cat . a")[0]
    beginning = {w: p[i] for i, w in enumerate(model.vocabulary.tokens) if w.startswith("mo")}
    assert set(beginning) == {"mouse", "moose"}
    found = model.complete("the dog sees a cat . a mo", 5)
    assert [word for word, _ in found] == sorted(beginning, key=beginning.get, reverse=True)
    for word, share in found:
        assert share == pytest.approx(beginning[word] / sum(beginning.values()), rel=1e-3)
    # A new word: all but the end, line ends and the unknown.
    found = model.complete("the dog sees a cat . a ", 99)
    assert {word for word, _ in found} == {*TEXT.split()} - {"<unk>"}
    assert sum(share for _, share in found) == pytest.approx(1.0)
    assert model.complete("the zz") == []


def test_typing_reads_new_words_alone(model, monkeypatch):
    reader = model.reader()
    typed = Completer(model, reader)
    steps = []
    read = reader.read
    monkeypatch.setattr(
        reader, "read", lambda ids, *rest: steps.append(ids.shape[1]) or read(ids, *rest)
    )
    line = "the dog sees a cat"
    for end in range(1, len(line) + 1):
        found = typed(line[:end])
        count = len(steps)
        fresh = Completer(model)(line[:end])
        del steps[count:]
        assert [word for word, _ in found] == [word for word, _ in fresh]
        np.testing.assert_allclose([p for _, p in found], [p for _, p in fresh], rtol=1e-4)
    assert sum(steps) == 1 + 4  # the first token, and the four words that are whole
    typed("the dog ")  # words less: the one before is read again, or not even that
    assert sum(steps) <= 6
    assert [w for w, _ in typed("a mouse ")] == [w for w, _ in Completer(model)("a mouse ")]
