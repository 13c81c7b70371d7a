"""What `rnnkit predict` prints of a tagger: the names in a text, or the tag of each word."""

from __future__ import annotations

from types import SimpleNamespace

from rnnkit.cli import show
from rnnkit.cli.tags import print_tags
from rnnkit.tasks.tagging.sentence_io import Found

NAMES = SimpleNamespace(
    classes=("B-PER", "I-PER", "O"),
    predict_spans=lambda texts: [
        [Found("John\nDoe", "PER", 4, 12)] if "John" in text else [] for text in texts
    ],
)
SPEECH = SimpleNamespace(
    classes=("PROPN", "VERB"), predict=lambda rows: [["VERB", "PROPN"][: len(row)] for row in rows]
)


def test_spans_with_the_number_of_their_text(capsys):
    print_tags(NAMES, ["Nobody.", "Ask John\nDoe"])
    assert capsys.readouterr().out == "1\t-\t-\t-\t-\n2\tJohn Doe\tPER\t4\t12\n"


def test_words_with_their_tags_as_conll(capsys):
    print_tags(SPEECH, ["Ask John", "Go"])
    assert capsys.readouterr().out == "Ask\tVERB\nJohn\tPROPN\n\nGo\tVERB\n\n"


def test_tables_in_a_terminal(monkeypatch):
    shown = []
    monkeypatch.setattr(show, "console", SimpleNamespace(is_terminal=True))
    monkeypatch.setattr(show, "rows", lambda heading, lines: shown.append((heading, lines)))
    print_tags(NAMES, ["Ask John"])
    print_tags(SPEECH, ["Ask John"])
    assert shown[0][1] == [["1", "John Doe", "PER", "4", "12"]]
    assert shown[1][1] == [["1", "Ask/VERB John/PROPN"]]
