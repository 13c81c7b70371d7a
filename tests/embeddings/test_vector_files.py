"""Word vectors in files, against gensim's reader and writer and against bytes packed by hand."""

from __future__ import annotations

import gzip
import pickle
import re
import struct

import numpy as np
import pytest
from gensim.models import KeyedVectors

from rnnkit.embeddings.files import load_vectors, save_vectors
from rnnkit.errors import InputError

WORDS = ["the", "caffè", "\u00a0", "-", "3", "</s>"]
TABLE = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
TABLE[1, 0] = 1e-30
TABLE[3] = 0


@pytest.fixture
def vectors():
    made = KeyedVectors(5)
    made.add_vectors(WORDS, TABLE)
    for number, word in enumerate(WORDS):
        made.set_vecattr(word, "count", 60 - number)
    return made


def packed(words=WORDS, table=TABLE, end=b"\n"):
    """What `fwrite` in the word2vec program leaves."""
    pairs = zip(words, table, strict=True)
    rows = [word.encode() + b" " + struct.pack("<5f", *row) + end for word, row in pairs]
    return f"{len(words)} {table.shape[1]}\n".encode() + b"".join(rows)


def printed(words=WORDS, table=TABLE, end=" \n"):
    """What `fprintf` leaves: six digits, and a space at the end of a line."""
    pairs = zip(words, table, strict=True)
    rows = [f"{word} " + " ".join(f"{x:f}" for x in row) + end for word, row in pairs]
    return (f"{len(words)} {table.shape[1]}\n" + "".join(rows)).encode()


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_gensim_reads_what_is_written_and_the_other_way_round(tmp_path, vectors, binary, ending):
    ours, theirs = (tmp_path / f"{name}.{'bin' if binary else 'txt'}{ending}" for name in "ab")
    save_vectors(vectors, ours)
    vectors.save_word2vec_format(theirs, binary=binary)
    read = KeyedVectors.load_word2vec_format(ours, binary=binary)
    assert read.index_to_key == WORDS
    np.testing.assert_array_equal(read.vectors, TABLE)
    for path in (ours, theirs):
        found = load_vectors(path, vector_size=5)
        assert found.index_to_key == WORDS
        np.testing.assert_array_equal(found.vectors, TABLE)
        np.testing.assert_array_equal(found["caffè"], TABLE[1])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([ours.name, theirs.name])
    if binary and not ending:
        assert ours.read_bytes() == packed()


@pytest.mark.parametrize(
    ("content", "atol"),
    [
        (packed(), 0),
        (packed(end=b""), 0),
        (printed(), 5e-7),
        (printed(end="\r\n"), 5e-7),
        (printed().partition(b"\n")[2], 5e-7),  # GloVe's
        (printed()[:-1] + b"\n\n", 5e-7),
    ],
    ids=["binary", "binary without line ends", "text", "text of Windows", "no header", "blank end"],
)
def test_the_programs_own_bytes_whatever_the_name(tmp_path, content, atol):
    path = tmp_path / "vectors.kv"  # no pickle, whatever it is called
    path.write_bytes(content)
    found = load_vectors(path)
    assert found.index_to_key == WORDS
    assert found.vectors.dtype == np.float32
    np.testing.assert_allclose(found.vectors, TABLE, rtol=0, atol=atol)
    assert found.similarity("the", "the") == pytest.approx(1)


def test_pieces_of_a_large_binary_file_are_put_together(tmp_path, monkeypatch):
    monkeypatch.setattr("rnnkit.embeddings.word2vec_format._BUFFER_SIZE", 7)
    path = tmp_path / "a.bin"
    path.write_bytes(packed())
    np.testing.assert_array_equal(load_vectors(path).vectors, TABLE)


def test_gensims_own_file_keeps_counts_and_a_model_gives_its_words(tmp_path, vectors):
    from gensim.models import Word2Vec

    save_vectors(vectors, tmp_path / "a.kv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.kv"]
    assert load_vectors(tmp_path / "a.kv").get_vecattr("-", "count") == 57
    Word2Vec([["a", "b"]] * 9, vector_size=4, workers=1).save(str(tmp_path / "b.model"))
    assert load_vectors(tmp_path / "b.model").vectors.shape == (2, 4)


ONE = b"2 2\nthe 1 2\n"
BAD = {
    "empty": (b"", "it is empty; expected a first line with two numbers"),
    "no vectors": (b"Dear Sir,\nthank you.", "first line begins with 'Dear Sir,'; expected"),
    "pickle": (pickle.dumps([1]), "looks like a pickle.*that ends in .kv or .model"),
    "nothing": (b"0 5\n", "says 0 words of 5 numbers"),
    "too wide": (b"1 99999999999\na 1", "says 1 words of 99999999999 numbers"),
    "fewer lines": (ONE, r"says 2 words of 2 numbers, but it ends after 1 \(the last is 'the'\)"),
    "more lines": (ONE + b"of 1 2\nto 1 2\n", "says 2 words, but more follow in line 4"),
    "cut line": (ONE + b"of 1", "line 3 has 2 fields, 'of 1'; expected a word and 2 numbers"),
    "wide line": (ONE + b"of 1 2 3\n", "line 3 has 4 fields, 'of 1 2 3'"),
    "no number": (ONE + b"of 1 x\n", "line 3 has 3 fields, 'of 1 x'"),
    "blank line": (ONE + b"\nof 1 2\n", "line 3 is empty"),
    "no word": (ONE + b" 1 2\n", "line 3 has 2 fields"),
    "twice": (ONE + b"the 1 2\n", "line 3: the word 'the' is a duplicate of line 2"),
    "not a number": (ONE + b"of 1 nan\n", r"vector of 'of' \(word 2\) holds NaN"),
    "too large": (ONE + b"of 1 1e39\n", r"vector of 'of' \(word 2\) holds NaN or infinity"),
    "latin": (ONE + b"caf\xe9 1 2\n", r"line 3: the word 'caf\\xe9' is not UTF-8"),
    "GloVe's cut": (b"the 1 2\nof 1\n", "line 2 has 2 fields, 'of 1'"),
    "binary cut": (packed()[:-5], r"says 6 words of 5 numbers, but it ends after 5 \(.*'3'"),
    "binary cut word": (packed()[:-23], "but it ends after 5"),
    "binary more": (packed() + b"x", "says 6 words, but more follow"),
    "binary head": (b"6 5\n", r"but it ends after 0 \(there is none\)"),
    "binary twice": (packed(["a", "b", "c", "d", "b", "e"]), "word 5: the word 'b' is a duplicate"),
    "binary NaN": (packed(table=TABLE * np.float32("nan")), "the vector of 'the'"),
    "binary no word": (packed(["a", "b", "", "d", "c", "e"]), "word 3: numbers without a word"),
    "binary garbage": (b"6 5\n" + b"\xff" * 20_000, "word 1 .read as binary. has no end"),
    "gzip cut": (gzip.compress(printed())[:-30], "cannot be decompressed"),
    "gzip broken": (b"\x1f\x8b\x08\x00" + b"\xff" * 40, "cannot be decompressed"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_damaged_file_is_reported_with_its_position(tmp_path, content, message):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        load_vectors(path)
    assert str(path) in str(error.value)


def test_a_damaged_or_foreign_pickle(tmp_path, vectors):
    path = tmp_path / "a.kv"
    save_vectors(vectors, path)
    whole = path.read_bytes()
    for content in (whole[:-100], whole[:3], whole[:40] + b"\xff" * 20):
        path.write_bytes(content)
        with pytest.raises(InputError, match="gensim cannot read it"):
            load_vectors(path)
    path.write_bytes(pickle.dumps({"the": [1.0]}))
    with pytest.raises(InputError, match=r"gensim cannot read it|holds a dict, no word vectors"):
        load_vectors(path)


def test_a_missing_file_another_width_and_a_folder(tmp_path, vectors):
    save_vectors(vectors, tmp_path / "wiki.vec")
    with pytest.raises(InputError, match=r"no vectors file.*Did you mean 'wiki.vec'"):
        load_vectors(tmp_path / "wikj.vec")
    with pytest.raises(InputError, match=r"Its folder .*there. does not exist either"):
        load_vectors(tmp_path / "there" / "wiki.vec")
    with pytest.raises(InputError, match="vectors of 5 numbers, not 64: set vector_size=5"):
        load_vectors(tmp_path / "wiki.vec", vector_size=64)
    with pytest.raises(InputError, match="cannot be read"):
        load_vectors(tmp_path)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, vectors):
    path = tmp_path / "a.txt"
    path.write_text("old")
    for word in ("New York", "", "a\nb", "\ud800", 7):
        broken = KeyedVectors(2)
        broken.index_to_key, broken.vectors = ["a", word], np.ones((2, 2), "float32")
        with pytest.raises(InputError, match=re.escape(f"cannot represent the word {word!r}")):
            save_vectors(broken, path)
    vectors.vectors = TABLE.copy()
    vectors.vectors[2, 1] = np.inf
    with pytest.raises(InputError, match=r"vector of '.xa0' \(word 3\) holds NaN or infinity"):
        save_vectors(vectors, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(InputError, match=r"Unknown format: the suffix of 'a.npy'"):
        save_vectors(vectors, tmp_path / "a.npy")
    vectors.vectors = TABLE
    save_vectors(vectors, tmp_path / "a.npy", binary=True)
    assert (tmp_path / "a.npy").read_bytes() == packed()
    with pytest.raises(InputError, match="cannot be written"):
        save_vectors(vectors, path / "b.txt")


def test_vectors_of_a_saved_model(tmp_path):
    import keras

    from rnnkit.embeddings import SkipGram

    model = SkipGram(vector_size=4, min_count=1, trainer="gensim", epochs=1)
    model.fit([["a", "b", "c"]] * 9, verbose=0)
    path = tmp_path / "words.keras"
    model.save(path)
    found = load_vectors(path)
    assert found.index_to_key == model.vocabulary.words
    np.testing.assert_array_equal(found.vectors, model.vectors_table())
    assert found.get_vecattr("a", "count") == 9
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match="no SkipGram or CBOW but a Sequential"):
        load_vectors(tmp_path / "other.keras")
    (tmp_path / "cut.keras").write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="zip archive without a Keras model"):
        load_vectors(tmp_path / "cut.keras")
