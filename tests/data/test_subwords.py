"""Sub-words: there and back exactly, the same every time."""

from __future__ import annotations

import pytest

from rnnkit.data.subwords import BEGIN, END, PADDING, UNKNOWN, Subwords
from rnnkit.errors import InputError

TEXTS = ["Der kleine Hund läuft.", "Ein kleiner Hund läuft schnell.", "The small dog runs."] * 9
ODD = ["", " ", "Hund", " läuft  ", "a\tb\nc", "日本 🙂", "NEUE Wörter", "</s> <s> <unk>", "\r\n"]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_there_and_back(kind):
    subwords = Subwords.learn(TEXTS, 300, kind)
    assert 256 < len(subwords) <= 300
    for text in ODD + TEXTS[:3]:
        ids = subwords.encode(text)
        assert subwords.decode(ids) == text
        assert not set(ids.tolist()) & {PADDING, UNKNOWN, BEGIN, END}
        assert subwords.names(ids) == subwords.pieces(text)
        assert max(ids, default=0) < len(subwords)
    assert [row.tolist() for row in subwords.encode_many(ODD)] == [
        subwords.encode(text).tolist() for text in ODD
    ]
    assert Subwords.learn(TEXTS, 300, kind).model == subwords.model
    assert Subwords(subwords.model).encode("Hund").tolist() == subwords.encode("Hund").tolist()


def test_case_and_ends():
    subwords = Subwords.learn(TEXTS, 300)
    assert subwords.encode("Hund").tolist() != subwords.encode("hund").tolist()
    assert len(subwords.encode("Hund")) < len("Hund")
    ids = subwords.encode("Der Hund").tolist()
    assert subwords.decode([BEGIN, *ids, END, *ids, PADDING]) == "Der Hund"
    assert subwords.decode([]) == ""


def test_what_is_refused():
    with pytest.raises(InputError, match=r"kind is 'bpee'.*Did you mean 'bpe'"):
        Subwords.learn(TEXTS, 300, "bpee")
    with pytest.raises(InputError, match="no text to learn subwords from"):
        Subwords.learn(["", " \n"], 300)
    with pytest.raises(InputError, match=r"is 100; these texts need at least \d+"):
        Subwords.learn(TEXTS, 100)
    with pytest.raises(InputError, match="not a sentencepiece model"):
        Subwords(b"nothing").encode("a")
