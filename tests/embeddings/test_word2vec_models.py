"""CBOW and SkipGram, with either trainer: the same numbers as elsewhere, and nothing lost."""

import itertools
import threading
import time

import keras
import numpy as np
import pytest

from rnnkit.embeddings import CBOW, SkipGram, train_word_vectors, word2vec
from rnnkit.embeddings.options import word2vec_options
from rnnkit.embeddings.training import step_choice
from rnnkit.embeddings.training.encoded_corpus import encode_corpus
from rnnkit.embeddings.training.gensim_trainer import GensimTrainer
from rnnkit.embeddings.training.huffman import huffman_tree
from rnnkit.embeddings.training.steps import step_scale
from rnnkit.embeddings.training.trainer import (
    PREFETCH,
    KerasTrainer,
    _prefetch,
    initial_tables,
)
from rnnkit.errors import InputError, NonFiniteLoss

ONE_BACKEND = pytest.mark.one_backend
SMALL = {"vector_size": 6, "window": 2, "negative": 3, "min_count": 2, "sample": 0, "alpha": 0.1}


def texts(count=60):
    """Two kinds of sentences, which share no word but `and`."""
    rng = np.random.default_rng(0)
    kinds = [["red", "blue", "green", "pink"], ["one", "two", "three", "four", "five"]]
    return [[*rng.choice(kinds[i % 2], 6).tolist(), "and", f"once{i}"] for i in range(count)]


CORPUS = encode_corpus(texts(), 2)
PAIRS = list(
    itertools.product(["skip-gram", "cbow"], ["negative-sampling", "hierarchical-softmax"])
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def program(stream, options, tables, epochs):
    """The word2vec program on the stream's words, in float64; a step at the tables before it."""
    vectors, outputs = (table.astype("float64") for table in tables)
    known = CORPUS.frequencies
    shares = known.counts / known.counts.sum()
    tree = huffman_tree(known.counts) if options["loss"] == "hierarchical-softmax" else None
    targets = np.zeros(len(outputs))
    if tree is None:
        targets = shares + options["negative"] * known.counts**0.75 / (known.counts**0.75).sum()
    else:
        for word, length in enumerate(tree.lengths):
            targets[tree.nodes[word, :length]] += shares[word]
    around = 1 + options["window"]
    scales = (
        step_scale(stream.batch_size * around * shares),
        step_scale(
            stream.batch_size * (around if options["method"] == "skip-gram" else 1) * targets
        ),
    )
    losses, whole = [], CORPUS.total_words * epochs
    for epoch in range(epochs):
        loss, predictions, read = 0.0, 0, epoch * CORPUS.total_words
        for block in stream.blocks(np.random.default_rng([options["seed"], 1 + epoch])):
            rate = options["alpha"] + (options["min_alpha"] - options["alpha"]) * read / whole
            of_groups = [zip(*group, strict=True) for group in block.groups]
            for of_step in zip(*of_groups, strict=True):  # a step of each group, then the next ones
                for words, near, noise in of_step:
                    changes = np.zeros_like(vectors), np.zeros_like(outputs)
                    for word, context, drawn in zip(words, near, noise, strict=True):
                        context = context[context >= 0]
                        if tree is None:
                            others = [(n, 0) for n in drawn if n != word]
                            rows = [(word, 1), *others]
                        else:
                            nodes = tree.nodes[word, : tree.lengths[word]]
                            rows = list(zip(nodes, 1 - tree.codes[word], strict=False))
                        skip = options["method"] == "skip-gram"
                        for part in [[c] for c in context] if skip else [context][: len(context)]:
                            h = vectors[part].mean(0)
                            predictions += 1
                            for row, y in rows:
                                p = sigmoid(h @ outputs[row])
                                loss -= np.log(p if y else 1 - p)
                                changes[1][row] += (p - y) * h
                                for c in part:
                                    changes[0][c] += (p - y) * outputs[row]
                    vectors -= rate * scales[0][:, None] * changes[0]
                    outputs -= rate * scales[1][:, None] * changes[1]
            read += block.words_read
        losses.append(loss / predictions)
    return vectors, outputs, losses


@pytest.mark.parametrize("steps", ["tensors", pytest.param("numba", marks=ONE_BACKEND)])
@pytest.mark.parametrize(("method", "loss"), PAIRS)
def test_the_keras_trainer_is_the_program(method, loss, steps):
    options = word2vec_options(
        method=method, loss=loss, vector_size=6, window=2, negative=3, sample=0, alpha=0.1, epochs=2
    )
    start = initial_tables(len(CORPUS.frequencies), options)
    trainer = KerasTrainer(CORPUS, options, start, steps)
    losses = [list(trainer.epoch(epoch))[-1].loss for epoch in range(2)]
    *wanted, their_losses = program(trainer.stream, options, start, 2)
    np.testing.assert_allclose(losses, their_losses, rtol=1e-5)
    for mine, theirs in zip(trainer.tables(), wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize(("method", "loss"), PAIRS)
def test_the_gensim_trainer_is_gensim(method, loss):
    from gensim.models import Word2Vec

    hs = loss == "hierarchical-softmax"
    options = word2vec_options(
        method=method, loss=loss, vector_size=6, window=2, sample=1e-2, epochs=1
    )
    start = initial_tables(len(CORPUS.frequencies), options)
    trainer = GensimTrainer(CORPUS, options, start)
    list(trainer.epoch(0))
    known = CORPUS.frequencies
    theirs = Word2Vec(
        sg=int(method == "skip-gram"),
        hs=int(hs),
        negative=0 if hs else 5,
        vector_size=6,
        window=2,
        sample=1e-2,
        min_count=2,
        sorted_vocab=0,
        workers=1,
    )
    theirs.build_vocab_from_freq(dict(zip(known.words, known.counts.tolist(), strict=True)))
    theirs.wv.vectors[:] = start[0]
    theirs.random = np.random.RandomState([0, 0])
    theirs.train(texts(), total_words=len(CORPUS.ids), epochs=1)
    np.testing.assert_allclose(trainer.tables()[0], theirs.wv.vectors, atol=1e-6)
    assert not np.allclose(trainer.tables()[0], start[0], atol=1e-4)


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.parametrize("trainer", ["keras", "gensim"])
@pytest.mark.parametrize("kind", [SkipGram, CBOW])
def test_words_that_stand_together_come_together(kind, trainer):
    model = kind(**SMALL, trainer=trainer, epochs=20)
    history = model.fit(texts(), verbose=0).history
    near = [word for word, _ in model.keyed_vectors().most_similar("red", topn=3)]
    assert set(near) == {"blue", "green", "pink"}
    assert len(history["words_per_second"]) == 20
    if trainer == "keras":
        assert history["loss"][-1] < 0.8 * history["loss"][0]
    else:
        assert "loss" not in history  # gensim's is wrong


@pytest.mark.parametrize("trainer", ["keras", "gensim"])
@pytest.mark.parametrize("loss", ["negative-sampling", "hierarchical-softmax"])
def test_a_model_that_was_saved_goes_on_as_if_never_interrupted(tmp_path, loss, trainer):
    def new():
        return SkipGram(**SMALL, loss=loss, trainer=trainer, epochs=3, seed=7)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    whole, part = new(), new()
    whole.fit(CORPUS, verbose=0)
    part.fit(CORPUS, callbacks=[Stop()], verbose=0)
    assert part.epochs_done == 2
    part.save(tmp_path / "part.keras")
    again = keras.saving.load_model(tmp_path / "part.keras")
    assert again.vocabulary.words == part.vocabulary.words
    assert again.vocabulary.counts.tolist() == part.vocabulary.counts.tolist()
    np.testing.assert_array_equal(again.vectors_table(), part.vectors_table())
    again.fit(CORPUS, initial_epoch=again.epochs_done, verbose=0)
    np.testing.assert_array_equal(again.vectors_table(), whole.vectors_table())
    assert not np.array_equal(again.vectors_table(), part.vectors_table())


def test_blocks_are_prepared_ahead_and_the_thread_ends_with_their_consumer():
    begun = threading.Event()

    def blocks():
        for number in itertools.count():
            if number == PREFETCH:
                begun.set()
                time.sleep(0.3)  # a block that takes its time while the consumer leaves
            yield number

    ahead = _prefetch(blocks())
    assert next(ahead) == 0
    assert begun.wait(10)
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "word2vec"]


@pytest.mark.parametrize("trainer", ["keras", "gensim"])
def test_an_interrupted_training_goes_on(tmp_path, monkeypatch, trainer):
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    settings = {**SMALL, "trainer": trainer, "epochs": 3}
    wanted = train_word_vectors(texts(), **settings, cache=False)
    assert list(tmp_path.rglob("*")) == []
    began = []

    def interrupt(self, batch, logs=None):
        began.append(self.model.epochs_done)
        if self.model.epochs_done == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(word2vec._ProgressBar, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_word_vectors(texts(), **settings)
    assert [path.suffix for path in (tmp_path / "vectors").iterdir()] == [".unfinished"]
    assert not [thread for thread in threading.enumerate() if thread.name == "word2vec"]

    with monkeypatch.context() as patch:
        patch.setattr(
            word2vec._ProgressBar, "on_train_batch_end", lambda *_, **__: began.append("new")
        )
        found = train_word_vectors(texts(), **settings)
    assert began[: began.index("new")][-1] == 2
    np.testing.assert_array_equal(found.vectors, wanted.vectors)
    assert found.index_to_key == wanted.index_to_key
    assert found.get_vecattr("and", "count") == 60
    assert [path.suffix for path in (tmp_path / "vectors").iterdir()] == [".kv"]
    monkeypatch.setattr(SkipGram, "fit", None)  # now it is read, not trained
    kept = train_word_vectors(texts(), **settings)
    np.testing.assert_array_equal(kept.vectors, wanted.vectors)
    with pytest.raises(TypeError):  # another corpus is another training
        train_word_vectors(texts(61), **settings)


def test_both_trainers_read_the_same_words_of_a_long_text():
    words = texts(600)
    long = encode_corpus([[word for text in words for word in text] * 5], 2)
    assert len(long.text_lengths) == 1
    assert len(long.ids) > 20_000
    for kind in (KerasTrainer, GensimTrainer):
        options = word2vec_options(vector_size=6, window=2, negative=3, sample=0)
        trainer = kind(long, options, initial_tables(len(long.frequencies), options))
        assert list(trainer.epoch(0))[-1].words_read == long.total_words


def test_callbacks_see_epochs_blocks_and_tables():
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, sorted(logs)))

        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs), float(abs(self.model.vectors_table()).sum())))

    model = SkipGram(**SMALL, epochs=2)
    model.fit(CORPUS, callbacks=[Watch()], verbose=0)
    batch, epoch = ["learning_rate", "loss", "words_per_second"], ["loss", "words_per_second"]
    assert [row[:2] for row in seen] == [(0, batch), (0, epoch), (0, batch), (1, epoch)]
    assert seen[1][2] != seen[3][2]
    assert model.tokens_per_epoch == CORPUS.total_words == 480
    assert model.count_params() == 2 * 10 * 6


def test_a_second_fit_keeps_the_words():
    model = SkipGram(**SMALL, epochs=1)
    model.fit(CORPUS, verbose=0)
    words, before = model.vocabulary.words, model.vectors_table()
    model.fit([["red", "unheard"], ["blue", "red"]] * 9, epochs=1, verbose=0)
    assert model.vocabulary.words == words
    here = model.vocabulary.index
    after = model.vectors_table()
    assert not np.array_equal(after[here["blue"]], before[here["blue"]])
    assert np.array_equal(after[here["five"]], before[here["five"]])


def test_it_predicts_vectors_of_words():
    model = CBOW(**SMALL, epochs=1)
    with pytest.raises(InputError, match="not trained yet: it has no vocabulary"):
        model.predict("red")
    model.fit(CORPUS, verbose=0)
    table = model.vectors_table()
    rows = [model.vocabulary.index[word] for word in ("red", "and")]
    np.testing.assert_array_equal(model.predict(["red", "and"]), table[rows])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(np.array(rows))), table[rows])
    with pytest.raises(InputError, match=r"rde.*red"):
        model.predict(["rde"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "hierarchical"}, "loss is 'hierarchical'.*Did you mean 'hierarchical-softmax'"),
        ({"trainer": "torch"}, r"trainer is 'torch'; expected one of \('keras', 'gensim'\)"),
        ({"window": 0}, "window is 0; expected an integer of at least 1"),
        ({"negative": 0}, "negative is 0; expected an integer of at least 1"),
        ({"workers": 0}, "workers is 0"),
        ({"vector_size": 2.5}, r"vector_size is 2.5"),
        ({"sample": -1.0}, "sample is -1.0; expected a number of at least 0"),
        ({"alpha": float("nan")}, "alpha is nan"),
        ({"alpha": float("inf")}, "alpha is inf"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        SkipGram(**settings)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ([], "has no word"),
        ([["a"]], "min_count=5 times .*'a', occurs 1 times"),
        ([["a"] * 9], "only one word, 'a'"),
        ([["a", 3]], "Word 1 of text 0"),
        ("no/such/file.txt", "neither a data set .* nor a file"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_refused(corpus, message):
    with pytest.raises(InputError, match=message):
        SkipGram().fit(corpus)
    with pytest.raises(InputError, match="leave y out"):
        SkipGram().fit([["a", "b"]], [1])


@pytest.mark.parametrize("numba", [True, False])
def test_a_loss_that_is_no_number_stops_it(monkeypatch, numba):
    monkeypatch.setattr(step_choice, "_installed", lambda: numba)
    model = SkipGram(**{**SMALL, "alpha": 1e38}, epochs=3)
    with pytest.raises(NonFiniteLoss, match=r"in epoch .*; the learning rate was .*Try alpha=1e"):
        model.fit(CORPUS, verbose=0)


def test_an_error_in_the_background_thread_is_raised(monkeypatch):
    from rnnkit.embeddings.training.stream import Stream

    def blocks(self, rng):
        yield from ()
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(Stream, "blocks", blocks)
    with pytest.raises(RuntimeError, match="on fire"):
        SkipGram(**SMALL).fit(CORPUS, verbose=0)
