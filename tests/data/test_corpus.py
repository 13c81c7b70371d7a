"""Corpora: from names, files and lists; read again and again; refused by name."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import tracemalloc
from collections import Counter
from itertools import chain

import numpy as np
import pytest

from rnnkit.data import datasets, token_stream
from rnnkit.data.corpus import open_corpus
from rnnkit.data.sets import wiki8
from rnnkit.data.text import TextPipeline
from rnnkit.errors import InputError

WORDS = [["a", "b"], [], ["c"]]


def test_lists_of_words_come_as_they_are_as_often_as_asked():
    corpus = open_corpus(WORDS)
    assert corpus.texts is None
    assert [list(corpus), list(corpus)] == [WORDS, WORDS]
    assert (corpus.texts, corpus.words) == (3, 3)
    assert list(open_corpus((("x", "y"),))) == [["x", "y"]]
    assert list(open_corpus([np.array(["x", "y"])])) == [["x", "y"]]


def test_what_can_be_read_once_is_kept():
    corpus = open_corpus(iter(WORDS))
    assert [list(corpus), list(corpus)] == [WORDS, WORDS]
    assert list(open_corpus(text for text in ("A b!", "c"))) == [["a", "b"], ["c"]]


def test_what_can_be_read_again_is_not_kept():
    class Source:
        passes = 0

        def __iter__(self):
            self.passes += 1
            yield from ("A b!", "", b"c")

    source = Source()
    corpus = open_corpus(source)
    before = source.passes
    assert [list(corpus), list(corpus)] == [[["a", "b"], [], ["c"]]] * 2
    assert source.passes == before + 2


def test_texts_are_cut_into_words_once():
    calls = Counter()

    def cut(text):
        calls[text] += 1
        return text.split(",") if text else []

    corpus = open_corpus(["New York,is", "", "big"], pipeline=cut)
    assert list(corpus) == list(corpus) == [["New York", "is"], [], ["big"]]
    assert set(calls.values()) == {1}
    texts = ["It isn't <b>bad</b>.", "", "U r right"]
    assert list(open_corpus(texts)) == TextPipeline().tokens(texts)


def test_limit_keeps_the_first_texts():
    corpus = open_corpus(WORDS, limit=2)
    assert list(corpus) == WORDS[:2]
    assert list(open_corpus(corpus, limit=5)) == WORDS[:2]
    assert list(open_corpus(corpus, limit=1)) == WORDS[:1]
    with pytest.raises(InputError, match="limit is 0"):
        open_corpus(WORDS, limit=0)


# Files.


@pytest.mark.parametrize("name", ["words.txt", "words", "words.txt.gz", "words.txt.xz"])
def test_a_file_has_a_text_on_each_line(tmp_path, name):
    opened = {".gz": gzip.open, ".xz": lzma.open}.get((tmp_path / name).suffix, open)
    with opened(tmp_path / name, "wb") as file:
        file.write("\ufeffA film,\tnaïve!\r\n\n  \nb c\nlast".encode())
    corpus = open_corpus(tmp_path / name)
    assert list(corpus) == [["A", "film,", "naïve!"], ["b", "c"], ["last"]]
    assert corpus.name == name
    assert corpus.notes == []
    clean = open_corpus(str(tmp_path / name), pipeline=TextPipeline())
    assert next(iter(clean)) == ["a", "film", "naïve"]


@pytest.mark.parametrize("block", [7, 64, 1 << 20])
def test_long_lines_come_in_pieces_whatever_is_read_at_once(tmp_path, monkeypatch, block):
    monkeypatch.setattr(token_stream, "MAX_TEXT_WORDS", 10)
    monkeypatch.setattr(token_stream, "BLOCK", block)
    lengths = [25, 3, 10, 20, 1, 41]
    lines = [[f"é{i}_{j}" for j in range(n)] for i, n in enumerate(lengths)]
    path = tmp_path / "long.txt"
    path.write_text("\n".join(" ".join(line) for line in lines), encoding="utf-8")
    corpus = open_corpus(path)
    pieces = list(corpus)
    assert [len(piece) for piece in pieces] == [10, 10, 5, 3, 10, 10, 10, 1, 10, 10, 10, 10, 1]
    assert [*chain(*pieces)] == [*chain(*lines)]
    assert corpus.notes == [
        "3 lines of long.txt have more than 10 words and were read in pieces of that size."
    ]
    list(corpus)
    assert len(corpus.notes) == 1


def test_one_endless_line_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "endless.txt.xz"
    with lzma.open(path, "wb", preset=0) as file:
        for _ in range(40):
            file.write(b"word " * 20_000)
    tracemalloc.start()
    words = sum(len(tokens) for tokens in open_corpus(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words == 800_000
    assert peak < 15_000_000  # all words at once take over 40 MB


def test_tables_give_the_texts_of_train_and_those_without_label(tmp_path):
    for folder in ("pos", "neg", "unsup"):
        (tmp_path / "films" / folder).mkdir(parents=True)
        for i in range(10):
            (tmp_path / "films" / folder / f"{i}.txt").write_text(f"{folder} film {i}")
    corpus = open_corpus(tmp_path / "films")
    counts = Counter(tokens[0] for tokens in corpus)
    assert counts == {"pos": 8, "neg": 8, "unsup": 10}
    assert corpus.name == "films"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"good\nbad caf\xe9\n", r"a.txt, line 2: byte 0xe9 is not UTF-8"),
        ("b.txt", b"good\n\ncut \xc3", r"b.txt, line 3: byte 0xc3 is not UTF-8"),
        ("c.txt", b" \n\n", r"'c.txt' has no word"),
        (
            "d.txt.gz",
            gzip.compress(b"a b " * 5_000, mtime=0)[:-12],
            r"d.txt.gz is damaged or cut short",
        ),
        ("e.txt.xz", b"no such thing", r"e.txt.xz is damaged or cut short"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        list(open_corpus(tmp_path / name))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], r"has no word"),
        ([[], []], r"has no word"),
        (["", " ..."], r"has no word"),
        ([["a"], ["b", 3]], r"Word 1 of text 1 of the corpus is int \(3\): expected str"),
        ([["a"], "b"], r"Text 1 of the corpus is str: expected a list of words, or texts through"),
        (["a", None], r"text 1 of the corpus is NoneType"),
        ([["a"], None], r"Text 1 of the corpus is NoneType"),
        (5, r"The corpus is int: expected the name"),
        ("wiki9", r"'wiki9' is neither .* Did you mean 'wiki8'"),
        ("pems_flow", r"pems_flow holds series, no words. Data sets that do: words_sample, wiki8"),
    ],
)
def test_bad_corpora_are_refused_by_name(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        list(open_corpus(source))


def test_a_pipeline_is_for_texts():
    for source in ("words_sample", [["a"]], open_corpus(WORDS)):
        with pytest.raises(InputError, match="a pipeline is for texts"):
            open_corpus(source, pipeline=TextPipeline())


# Data sets.


def test_a_data_set_of_texts_keeps_valid_and_test_out():
    found = datasets.load("sample")
    words = list(open_corpus("sample"))
    assert words == TextPipeline().tokens(found.train.texts)
    assert list(open_corpus(found, limit=3)) == words[:3]


def test_the_sample_of_words_is_small_and_the_same_every_time():
    found = datasets.load("words_sample")
    corpus = open_corpus("words_sample")
    counts = Counter(word for tokens in corpus for word in tokens)
    assert (found.name, len(found.valid), len(found.test)) == ("words_sample", 0, 0)
    assert 200_000 < corpus.words < 300_000
    assert len(counts) < 600
    assert min(counts.values()) >= 50
    assert {"paris", "france", "french", "king", "queen", "bigger", "cats"} <= set(counts)
    digest = hashlib.sha256("\n".join(map(" ".join, corpus)).encode()).hexdigest()
    assert digest[:16] == "a7be613a72105728"  # the same on every machine and Python
    assert list(datasets.load("words_sample", limit=7).train.x) == list(corpus)[:7]


def test_corpora_are_a_kind_of_their_own():
    assert datasets.names("corpus") == ["words_sample", "wiki8"]
    assert datasets.kind_of("wiki8") == "corpus"
    for option in ({"drop_overlap": True}, {"valid_fraction": 0.5}):
        with pytest.raises(InputError, match="is a corpus to learn word vectors from"):
            datasets.load("words_sample", **option)


def test_wiki8_is_read_from_the_folder_of_data(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        InputError, match=r"wiki8 is not there: put wiki8.xz.* set RNNKIT_DATA .*cache"
    ):
        open_corpus("wiki8")
    words = [f"w{i}" for i in range(25_000)]
    (tmp_path / wiki8.RELEASE.archive).write_bytes(lzma.compress(f" {' '.join(words)} ".encode()))
    corpus = open_corpus("wiki8")
    pieces = list(corpus)
    assert [len(piece) for piece in pieces] == [10_000, 10_000, 5_000]
    assert [*chain(*pieces)] == words
    assert (corpus.name, corpus.texts, corpus.words) == ("wiki8", 3, 25_000)
    assert list(open_corpus("wiki8", limit=1)) == pieces[:1]


@pytest.mark.data
def test_the_real_wiki8_is_what_it_says(data_folder, monkeypatch):
    if not (data_folder / wiki8.RELEASE.archive).is_file():
        pytest.skip(f"{wiki8.RELEASE.archive} is not in the folder of data")
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    corpus = open_corpus("wiki8", limit=30)
    texts = list(corpus)
    assert [len(words) for words in texts] == [10_000] * 30
    assert set("".join(map("".join, texts))) <= set("abcdefghijklmnopqrstuvwxyz")
    counts = Counter(word for words in texts for word in words)
    assert [word for word, _ in counts.most_common(2)] == ["the", "of"]
