"""Tagged sentences from files in columns, and the words of a raw sentence."""

from __future__ import annotations

import itertools
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.conll import from_path, parse_conll, parse_conllu
from rnnkit.data.samples.names_sample import read, read_pos
from rnnkit.data.sets import tagged_sets
from rnnkit.data.treebank import split_words
from rnnkit.errors import InputError
from rnnkit.monitor.spans import is_iob2

ALICE = "Alice\tPROPN\tB-PER\nran\tVERB\tO\n"
ONE = ([["Alice", "ran"]], [["B-PER", "O"]])
UD = (
    "# text = He didn't go\n"
    "1\tHe\the\tPRON\tPRP\t_\t4\tnsubj\t_\t_\n"
    "2-3\tdidn't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "2\tdid\tdo\tAUX\tVBD\t_\t4\taux\t_\t_\n"
    "3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_\n"
    "4\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n"
    "4.1\tgone\tgo\tVERB\tVBN\t_\t_\t_\t_\t_\n"
)


def test_columns_comments_and_what_ends_a_sentence():
    text = f"# sent_id = weblog-1\n{ALICE}\n# text = no tag\n{ALICE}\t\n\n\n{ALICE}"
    assert parse_conll(text.encode(), "x") == (ONE[0] * 3, ONE[1] * 3)
    assert parse_conll(text.encode(), "x", tag_column=1)[1] == [["PROPN", "VERB"]] * 3
    # A hash sign is a word too, and so is what no other reader of lines would leave whole.
    odd = "#\tO\n#topic\tO\na\x85b\u2028c\tO\n"
    assert parse_conll(odd.encode(), "x")[0] == [["#", "#topic", "a\x85b\u2028c"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # Comments and headers of shared tasks.
        ("# a remark\na\tO\nb\tX\n", "a b"),
        ("# a remark\na O\nb X\n", "a b"),
        ("# remark\na O\nb X\n", "a b"),
        ("# sent_id = 1\nof NN I-NP O\n# text = one\n# # I-NP O\n", "of #"),
        ("# text = a\tb\nof\tO\n", "of"),
        ("#\thttp://de.wikipedia.org [2009]\n1\tof\tO\tO\n2\tYork\tB-LOC\tO\n", "1 2"),
        ("# id 4f-1\tdomain=en\nof _ _ O\nit _ _ B-X\n", "of it"),
        ("#begin document (bc/cctv_00); part 000\nbc 0 of -\n#end document\n", "bc"),
        ("### Document 3\nof\tO\n", "of"),
        ("-DOCSTART- -X- O O\nof NN I-NP O\n", "of"),
        ("-DOCSTART-\tO\n\nof\tO\n", "of"),
        ("Word\tTag\nof\tO\n\nWord\tO\n", "of Word"),
        ("tokens ner_tags\n\nof O\n", "of"),
        # Words with a hash sign, and words that are the name of a column.
        ("#film O\nis X\n", "#film is"),
        ("#\tO\n#film\tO\nis\tO\n", "# #film is"),
        ("is\tO\n#\t#\n", "is #"),
        ("#a=b\tO\nis\tO\n", "#a=b is"),
        ("#newpar O\nis O\n", "#newpar is"),
        ("#one O\n#two O\n", "#one #two"),
        ("word\tO\nof\tO\n", "word of"),
        # Columns, tabs and blanks.
        ("of\tO\t\t\nit\tO\t\n", "of it"),
        ("of\tO\n\n\n \n\t\nit\tO\n", "of it"),
        ("New York\tO\nis\tO\n", "New York|is"),
        ("10\xa0000 O\nis O\n", "10\xa0000|is"),
        ("\xa0\tO\nis\tO\n", "\xa0|is"),
        ("of O\nit\tO\nis O\n", "of it is"),
        ("a\u3000b O\n\u200b O\n", "a\u3000b|\u200b"),
    ],
)
def test_comments_are_no_words_and_words_no_comments(text, words):
    expected = words.split("|") if "|" in words else words.split(" ")
    found = [word for row in parse_conll(text.encode(), "x")[0] for word in row]
    assert found == expected
    assert [w for row in parse_conll(f"\ufeff{text}".encode(), "x")[0] for w in row] == expected


@pytest.mark.parametrize("text", ["of\tO\n#film\n", "of O\n#film is O\n", "of\tO\n\tO\n"])
def test_a_word_without_its_tag_is_refused_whatever_it_begins_with(text):
    with pytest.raises(InputError, match=r"x, line 2 cannot be read: .*word_column and tag_column"):
        parse_conll(text.encode(), "x")


WORD = st.text(
    st.characters(exclude_characters="\t\n\r ", exclude_categories=("Cs",)), min_size=1, max_size=6
).filter(lambda word: word != "-DOCSTART-" and not word.startswith("\ufeff"))


@settings(max_examples=5_000 if os.environ.get("RNNKIT_DEEP") else 100, deadline=None)
@given(
    st.lists(st.lists(WORD, min_size=1, max_size=5), min_size=1, max_size=4),
    st.sampled_from("\t "),
    st.sampled_from(["", "\r"]),
    st.integers(1, 3),
    st.booleans(),
)
def test_every_word_that_is_written_is_read(sentences, blank, ending, lines, comments):
    text = ""
    for row in sentences:
        text += f"# sent_id = 7{ending}\n# a remark of five words{ending}\n" if comments else ""
        text += "".join(f"{word}{blank}N{blank}O{ending}\n" for word in row)
        text += f"{ending}\n" * lines
    words, tags = parse_conll(text.encode(), "x")
    assert words == sentences
    assert {tag for row in tags for tag in row} == {"O"}


def test_the_folder_of_conll_2003(tmp_path):
    for number, name in enumerate(("eng.train", "eng.testa", "eng.testb", "._eng.train"), start=1):
        sentences = "Ann NNP I-NP I-PER\nsang VBD I-VP O\n\n" * number
        (tmp_path / name).write_text(f"-DOCSTART- -X- O O\n\n{sentences}")
    data = from_path(tmp_path)
    assert [len(part) for part in (data.train, data.valid, data.test)] == [1, 2, 3]
    assert data.classes == ("B-PER", "O")
    assert data.notes == ["6 spans that begin with I- (IOB1) begin with B- here (IOB2)."]
    (tmp_path / "eng.train").write_bytes("M\xfcller NNP I-NP I-PER\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"eng.train, line 1: byte 0xfc .* encoding='cp1252'"):
        from_path(tmp_path)
    assert from_path(tmp_path, encoding="latin-1").train.x == [["M\xfcller"]]


def test_spaces_windows_line_ends_and_a_byte_order_mark():
    text = "\ufeff-DOCSTART- -X- O\r\n\r\nAlice PROPN B-PER\r\nran VERB O\r\n"
    assert parse_conll(text.encode(), "x") == ONE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Alice\tB-PER\nran\n", r"x, line 2 cannot be read: 'ran' has 1 columns; expected 2"),
        ("Alice\n", r"line 1 cannot be read: 'Alice' has 1 columns; expected two or more"),
        ("Alice\tB-PER\n\tO\n", r"line 2 cannot be read"),
        ("Alice\tB-PER\nran\t\n", r"line 2 cannot be read"),
        ("Alice\tB-PER\nran\tV\tO\n", r"line 2 .* has 3 columns; expected 2"),
        ("\n\n", r"x has no sentence"),
        ("Alice\tB-PER\nr\xe4n\tO\n", r"x, line 2: byte 0xe4 is not utf-8"),
    ],
)
def test_lines_that_cannot_be_read_are_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_conll(text.encode("latin-1"), "x")


def test_conllu_leaves_out_what_is_not_a_word_of_its_own():
    words, tags = parse_conllu(UD.encode(), "x")
    assert words == [["He", "did", "n't", "go"]]
    assert tags == [["PRON", "AUX", "PART", "VERB"]]
    assert parse_conllu(UD.encode(), "x", tag_column="xpos")[1] == [["PRP", "VBD", "RB", "VB"]]
    with pytest.raises(InputError, match=r"tag_column is 'upoz'.*Did you mean 'upos'"):
        parse_conllu(UD.encode(), "x", tag_column="upoz")
    with pytest.raises(InputError, match=r"x, line 2 cannot be read.* has 9 columns"):
        parse_conllu(UD.replace("\t_\t_\n", "\t_\n", 1).encode(), "x")
    with pytest.raises(InputError, match="x, line 4 cannot be read"):
        parse_conllu(UD.replace("\n2\t", "\ntwo\t").encode(), "x")


def test_a_file_is_dealt_out_and_a_folder_says_what_is_what(tmp_path):
    whole = tmp_path / "mine.conll"
    whole.write_text("\n".join(f"word{i}\t{'NOUN' if i % 2 else 'VERB'}\n" for i in range(50)))
    data = from_path(whole)
    sizes = [len(split) for split in (data.train, data.valid, data.test)]
    assert sizes == [40, 5, 5]
    assert data.classes == ("NOUN", "VERB")
    words = [row[0] for split in (data.train, data.valid, data.test) for row in split.x]
    assert sorted(words) == sorted(f"word{i}" for i in range(50))
    assert from_path(whole).train.x == data.train.x != from_path(whole, seed=1).train.x

    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "README.md").write_text("no data")
    with pytest.raises(InputError, match=r"has no training file.*there are: none"):
        from_path(folder)
    (folder / "en-ud-train.conllu").write_text(UD)
    (folder / "en-ud-dev.conllu").write_text(UD)
    (folder / "en-ud-test.conllu").write_text(UD)
    data = from_path(folder, tag_column="xpos")
    assert data.train.x == data.valid.x == data.test.x == [["He", "did", "n't", "go"]]
    assert "VBD" in data.classes
    (folder / "other_test.conllu").write_text(UD)
    with pytest.raises(InputError, match=r"en-ud-test.conllu and other_test.conllu: which is for"):
        from_path(folder)


def test_what_is_not_there_or_has_no_such_column(tmp_path):
    (tmp_path / "mine.conll").write_text(ALICE)
    with pytest.raises(InputError, match=r"no file or folder .*Did you mean 'mine.conll'"):
        from_path(tmp_path / "mime.conll")
    with pytest.raises(InputError, match=r"tag_column is 'upos': .* not a .conllu file"):
        from_path(tmp_path / "mine.conll", tag_column="upos")
    with pytest.raises(InputError, match=r"line 1 cannot be read: .* has 3 columns.*number 7"):
        from_path(tmp_path / "mine.conll", tag_column=7)


def test_the_samples_are_the_same_sentences_with_other_tags():
    names, pos = read(), read_pos()
    assert names.train.x == pos.train.x
    assert is_iob2(names.classes)
    assert "PROPN" in pos.classes
    sentences = [tuple(row) for data in (names.train, names.valid, names.test) for row in data.x]
    assert len(set(sentences)) == len(sentences) == 2_848
    for data in (names, pos):
        for split in (data.train, data.valid, data.test):
            assert all(len(x) == len(y) for x, y in zip(split.x, split.y, strict=True))
    # What a word is, its sentence decides: some are names here and none there.
    found = {}
    for words, tags in zip(names.train.x, names.train.y, strict=True):
        for word, tag in zip(words, tags, strict=True):
            found.setdefault(word, set()).add(tag)
    assert {"B-PER", "O"} <= found["Will"]
    assert sum(len(tags & {"B-PER", "B-LOC", "B-ORG"}) > 1 for tags in found.values()) > 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Why don't you ask John?", "Why do n't you ask John ?"),
        ("I can't; she'll see, it's O'Brien's.", "I ca n't ; she 'll see , it 's O'Brien 's ."),
        ("We cannot, they're gonna.", "We can not , they 're gon na ."),
        ("Mr. Smith of the U.S. paid $5.50!!!", "Mr. Smith of the U.S. paid $ 5.50 !!!"),
        ("John F. Kennedy -- e-mail a@b.org", "John F. Kennedy -- e-mail a@b.org"),
        ("(see https://x.org/a?b=1).", "( see https://x.org/a?b=1 ) ."),
        ("well-known AT&T, 10:30", "well - known AT&T , 10:30"),
        ("„Straße“ кот’s", "„ Straße “ кот ’s"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_words_as_the_treebank_has_them(text, words):
    assert [word.text for word in split_words(text)] == words.split()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_every_word_stands_where_it_says(text):
    found = split_words(text)
    assert all(text[word.start : word.end] == word.text != "" for word in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert "".join(word.text for word in found) == "".join(re.split(r"\s+", text))


@pytest.mark.data
def test_the_real_sets_are_what_is_published(data_folder, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(data_folder))
    wnut = tagged_sets.read_wnut()
    assert len(wnut.classes) == 13
    assert sum(map(len, wnut.train.x)) == 62_730
    assert sum(tag[0] == "B" for row in wnut.test.y for tag in row) == 1_079
    uner = tagged_sets.read_uner()
    assert uner.classes == ("B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER", "O")
    assert sum(tag[0] == "B" for row in uner.train.y for tag in row) == 7_005  # 17 below 7,022
    ud = tagged_sets.read_ud()
    assert sum(map(len, ud.test.x)) == 25_094
    assert len(ud.classes) == 17


def test_a_set_that_is_not_there_says_where_it_can_be_had(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNKIT_DATA", str(tmp_path))
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"uner_ewt is not there: fetch https://.*RNNKIT_DATA"):
        tagged_sets.read_uner()
    for name in ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"):
        (tmp_path / name).write_text(ALICE)
    with pytest.raises(InputError, match=r"wnut17train.conll holds 1 sentences; expected 3,394"):
        tagged_sets.read_wnut()
