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

pytestmark = pytest.mark.one_backend

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


@pytest.mark.parametrize("errors", [None, "strict", "skip"])
def test_words_with_spaces_are_read(tmp_path, errors):
    words = ["the", ". . .", "at name@domain.com", "\u00a0"]
    path = tmp_path / "glove.txt"
    table = TABLE[:4]
    for head in ("4 5\n", ""):
        lines = [
            f"{word} " + " ".join(map(repr, row.tolist())) + "\n"
            for word, row in zip(words, table, strict=True)
        ]
        path.write_text(head + "".join(lines), encoding="utf-8")
        found = load_vectors(path, errors=errors)
        assert found.index_to_key == words
        np.testing.assert_array_equal(found.vectors, table)


def test_a_bom_before_the_first_line(tmp_path):
    path = tmp_path / "a.txt"
    for content in (printed(), printed().partition(b"\n")[2]):
        path.write_bytes(b"\xef\xbb\xbf" + content)
        assert load_vectors(path).index_to_key == WORDS


CUT = b"3 2\nthe 1 2\ncort\xc3 3 4\nof 5 6\n"
CUT_BINARY = b"3 1\n" + b"".join(
    word + b" " + struct.pack("<f", 1.5) + b"\n" for word in (b"the", b"cort\xc3", b"of")
)


@pytest.mark.parametrize(("content", "binary"), [(CUT, False), (CUT_BINARY, True)])
def test_words_that_are_cut_in_a_letter(tmp_path, content, binary):
    path = tmp_path / "cut.bin"
    path.write_bytes(content)
    theirs = KeyedVectors.load_word2vec_format(path, binary=binary, unicode_errors="ignore")
    for errors in (None, "skip"):
        with pytest.warns(UserWarning, match=r"2 words were read.*1 not UTF-8 .the first: .*cort"):
            found = load_vectors(path, errors=errors)
        assert found.index_to_key == ["the", "of"]
        for word in ("the", "of"):
            np.testing.assert_array_equal(found[word], theirs[word])
    with pytest.raises(InputError, match="is not UTF-8"):
        load_vectors(path, errors="strict")


def test_damaged_lines_are_left_out_and_counted_where_that_is_asked_for(tmp_path):
    path = tmp_path / "a.txt"
    good = ["the 1 2", "of 3 4", "and 5 6", "to 7 8"]
    bad = ["caf\udce9 1 2", "x 1", "y 1 2 3", "z 1 1_0", "the 9 9", "n nan 1", " 1 2", "q\0 1 2"]
    lines = [line for pair in zip(good, bad[:4], strict=True) for line in pair] + bad[4:]
    body = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
    for head in (b"12 2\n", b"", b"13 2\n", b"11 2\n"):
        path.write_bytes(head + body)
        with pytest.raises(InputError, match=r'errors="skip" leaves such words out'):
            load_vectors(path)
        with pytest.warns(UserWarning, match="4 words were read") as caught:
            found = load_vectors(path, errors="skip")
        assert found.index_to_key == ["the", "of", "and", "to"]
        np.testing.assert_array_equal(found.vectors, np.arange(1, 9).reshape(4, 2))
        (message,) = {str(one.message) for one in caught}
        assert "1 not UTF-8" in message
        assert "5 damaged" in message
        assert "1 repeated" in message
        assert "1 not finite" in message
        assert ("cut end" in message) == (head == b"13 2\n")
        assert ("beyond the number" in message) == (head == b"11 2\n")
    path.write_text("x 1 2 a\n")
    with pytest.raises(InputError, match="first line begins with"):
        load_vectors(path, errors="skip")
    path.write_text("1 2\nx 1 a\n")
    with pytest.raises(InputError, match="no word could be read"):
        load_vectors(path, errors="skip")
    with pytest.raises(InputError, match="errors is 'ignore'; expected one of"):
        load_vectors(path, errors="ignore")


@pytest.mark.parametrize("end", [b"\n", b""], ids=["C", "gensim"])
@pytest.mark.parametrize("errors", [None, "skip"])
def test_a_binary_file_that_is_shifted_is_refused_or_read_right(tmp_path, end, errors):
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(6)]
    table = rng.normal(size=(6, 40)).astype("float32")
    rows = list(zip(words, table, strict=True))
    content = b"6 40\n" + b"".join(word.encode() + b" " + row.tobytes() + end for word, row in rows)
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    np.testing.assert_array_equal(load_vectors(path, errors=errors).vectors, table)
    step = len(rows[0][0]) + 1 + 160 + len(end)
    refused = 0
    for place in range(5 + 7, len(content), 29):
        inside = (place - 5) % step
        if not 7 <= inside <= 7 + 100:  # a letter more is another word; so is the last number
            continue
        for changed in (
            content[:place] + b"\x00" + content[place:],
            content[:place] + content[place + 1 :],
        ):
            path.write_bytes(changed)
            with pytest.raises(InputError):
                load_vectors(path, errors=errors)
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("word", [b"a\nb", b"a\x01", b"\x00", b"a\rb", b"a\x7f"])
def test_a_binary_word_that_no_text_holds_is_refused(tmp_path, word):
    path = tmp_path / "a.bin"
    row = struct.pack("<2f", 1, 2)
    path.write_bytes(b"3 2\nx " + row + b"y " + row + word + b" " + row)
    for errors in (None, "strict", "skip"):
        with pytest.raises(InputError, match=r"which no text holds|shifted"):
            load_vectors(path, errors=errors)


@pytest.mark.parametrize(
    "head", [b"9" * 5000 + b" 2\n", b"2 " + b"9" * 5000 + b"\n", b"999999999999 50000\n"]
)
def test_headers_that_lie_take_no_memory(tmp_path, head):
    path = tmp_path / "a.txt"
    for body in (b"the 1 2\n", b"the \x00\x00\x80\x3f\x00\x00\x80\x3f"):
        path.write_bytes(head + body)
        with pytest.raises(InputError):
            load_vectors(path)


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"2 3\nthe 1 2 3\n" + b"1 " * 5_000_000))
    for errors in (None, "skip"):
        with pytest.raises(InputError, match="line 3 has more than"):
            load_vectors(path, errors=errors)
    path.write_bytes(gzip.compress(b"a" + b" 0" * 99_000 + b"\nb" + b" 0" * 99_000))
    assert load_vectors(path).vectors.shape == (2, 99_000)
    monkeypatch.setattr("rnnkit.untrusted.FREE_BYTES", 1000)
    with pytest.raises(InputError, match=r"unpacks to more than .* 100 times its size"):
        load_vectors(path)


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
