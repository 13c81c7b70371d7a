"""Word vectors for a recipe's first layer."""

import errno

import failing_writes
import numpy as np
import pytest
from gensim.models import KeyedVectors

from rnnkit.data.vocabulary import Vocabulary
from rnnkit.embeddings import embedding_matrix, train_word_vectors
from rnnkit.errors import InputError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def corpus():
    """Two topics that never share a text: words of one topic belong together."""
    rng = np.random.default_rng(0)
    topics = [[f"sea{i}" for i in range(8)], [f"sky{i}" for i in range(8)]]
    return [list(rng.choice(topics[i % 2], 12)) for i in range(600)]


@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
def test_words_that_share_contexts_are_near(corpus, method):
    vectors = train_word_vectors(corpus, method=method, vector_size=16, epochs=10)
    near = [word for word, _ in vectors.most_similar("sea3", topn=7)]
    assert all(word.startswith("sea") for word in near)


def test_cached_by_corpus_and_settings(corpus, cache):
    first = train_word_vectors(corpus, vector_size=8)
    again = train_word_vectors(corpus, vector_size=8)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert len(list(cache.rglob("*.kv"))) == 1
    train_word_vectors(corpus, vector_size=8, seed=1)
    train_word_vectors(corpus[:-1], vector_size=8)
    assert len(list(cache.rglob("*.kv"))) == 3
    assert not list(cache.rglob("*.part"))


@pytest.mark.one_backend
def test_what_is_damaged_in_the_cache_is_trained_anew_and_said(corpus, cache):
    settings = {"vector_size": 8, "epochs": 2, "workers": 1}
    right = train_word_vectors(corpus[:60], **settings)
    (kept,) = cache.rglob("*.kv")
    good = kept.read_bytes()
    places = range(0, len(good), len(good) // 6)
    for data in (
        *(good[:at] + bytes([good[at] ^ 64]) + good[at + 1 :] for at in places),
        *(good[:-1], good[: len(good) // 2], good[:-73], b"", good + b"x"),
    ):
        kept.write_bytes(data)
        with pytest.warns(UserWarning, match=r"\.kv in the cache is damaged: .* trained anew"):
            found = train_word_vectors(corpus[:60], **settings)
        np.testing.assert_array_equal(found.vectors, right.vectors)
        assert found.index_to_key == right.index_to_key
    unfinished = kept.with_suffix(".keras")
    for data in (b"", b"PK", b"\x80\x04N."):
        kept.unlink()
        unfinished.write_bytes(data)
        with pytest.warns(UserWarning, match=r"\.keras in the cache is damaged"):
            found = train_word_vectors(corpus[:60], **settings)
        np.testing.assert_array_equal(found.vectors, right.vectors)
        assert not unfinished.exists()
    np.testing.assert_array_equal(
        train_word_vectors(corpus[:60], **settings).vectors, right.vectors
    )


def test_a_cache_that_cannot_be_written_loses_no_training(corpus, cache, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("rnnkit.embeddings.word2vec.save_vectors", full)
    monkeypatch.setattr("rnnkit.embeddings.model.SkipGram.save", full)
    with (
        pytest.warns(
            UserWarning,
            match=r"\.kv': the disk is full\. It needs .* used all the same",
        ),
        pytest.warns(UserWarning, match=r"unfinished': the disk is full\. .* without a checkpoint"),
    ):
        assert train_word_vectors(corpus[:60], vector_size=8, epochs=2).vectors.shape[1] == 8
    assert not list(cache.rglob("*.kv"))


@pytest.mark.one_backend
@pytest.mark.filterwarnings("ignore:rnnkit. Cannot write")
def test_no_cache_costs_a_training(corpus, cache, monkeypatch):
    settings = {"vector_size": 8, "epochs": 2, "workers": 1}

    def vectors():
        return train_word_vectors(corpus[:60], **settings).vectors

    right = train_word_vectors(corpus[:60], cache=False, **settings).vectors
    disk = failing_writes.watch(monkeypatch, cache)
    for disk.number in (errno.ENOSPC, errno.EROFS, errno.EACCES):
        for place in (0, 3):
            disk.full_at = len(disk.writes) + place
            np.testing.assert_array_equal(vectors(), right)
            assert not [path for path in cache.rglob("*") if path.is_file()]
    disk.full_at = None
    np.testing.assert_array_equal(vectors(), right)
    (kept,) = cache.rglob("*.kv")
    kept.unlink()
    kept.mkdir()  # cannot be read, nor replaced
    with pytest.warns(UserWarning, match=r"\.kv in the cache cannot be read .* trained anew"):
        np.testing.assert_array_equal(vectors(), right)


def test_long_texts_are_not_cut():
    """gensim drops what stands after the 10,000th token of a text."""
    late = ["a", "b"] * 5_000 + ["late", "words"] * 500
    whole = train_word_vectors([late], vector_size=4, epochs=2)
    halves = train_word_vectors([late[:10_000], late[10_000:]], vector_size=4, epochs=2)
    np.testing.assert_array_equal(whole.vectors, halves.vectors)
    assert whole.get_vecattr("late", "count") == 500


def test_matrix_holds_vectors_mean_and_zeros():
    vectors = KeyedVectors(2)
    vectors.add_vectors(["good", "bad", "other"], np.array([[1.0, 2], [3, 4], [9, 9]], "float32"))
    vocabulary = Vocabulary.learn([["good", "good", "good", "bad", "bad", "strange"]])
    matrix, share, running = embedding_matrix(vectors, vocabulary)
    assert vocabulary.tokens[2:] == ["good", "bad", "strange"]
    np.testing.assert_allclose(matrix, [[0, 0], [2, 3], [1, 2], [3, 4], [2, 3]])
    assert matrix.dtype == np.float32
    assert share == pytest.approx(2 / 3)
    assert running == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("corpus", "options", "message"),
    [
        ([], {}, "has no word"),
        ([[], []], {}, "has no word"),
        ([["a", "b"]], {"min_count": 3}, "min_count=3"),
        ([["a", "b"]], {"method": "skipgram"}, "Did you mean 'skip-gram'"),
    ],
)
def test_what_cannot_be_used_is_refused(corpus, options, message, cache):
    with pytest.raises(InputError, match=message):
        train_word_vectors(corpus, **options)
    assert not list(cache.rglob("*.kv"))


def test_vectors_of_other_words_are_refused():
    vectors = KeyedVectors(2)
    vectors.add_vectors(["x"], np.ones((1, 2), "float32"))
    with pytest.raises(InputError, match="None of the 1 words"):
        embedding_matrix(vectors, Vocabulary.learn([["y"]]))
