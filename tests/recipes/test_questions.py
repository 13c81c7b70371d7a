"""The first question that a run suggests is of the data that it learned from."""

import pytest

from rnnkit import recipes
from rnnkit.cli import show
from rnnkit.data.splits import Dataset, Split
from rnnkit.recipes import questions

pytestmark = pytest.mark.one_backend


def of(texts):
    split = Split(texts)
    return Dataset("mine", split, split, split)


@pytest.mark.parametrize(
    ("texts", "question"),
    [
        (["No.", "It is dull and long.", "It is not dull."], "It is not dull."),
        (["Fine.", "No."], "No."),
        (['It is "dull" and long', "It costs $5 or more", "It's dull and long"], None),
        ([["Ann", "sings", "in", "Rome"], ["Bob", "runs"]], "Ann sings in Rome"),
        (["word " * 40], " ".join(["word"] * 12)),
        (["x" * 100], "x" * 60),
        (["", "  "], None),
        ([], None),
    ],
)
def test_a_short_text_that_the_shell_takes_as_it_is(texts, question):
    found = questions.short_text(None, of(texts))
    assert found == question


def test_first_words_of_a_text():
    assert questions.first_words(None, of(["in spring the miller waits"])) == "in spring"
    assert questions.first_words(None, of([])) is None


class Vectors:
    index_to_key = ("the", "because", "of", "1990s", "france", "king")

    def keyed_vectors(self):
        return self


def test_a_word_that_is_known_and_no_stop_word():
    assert questions.frequent_word(Vectors(), None) == "france"


@pytest.mark.parametrize("name", recipes.names())
def test_the_command_that_is_shown_is_whole(name):
    example = recipes.family_of(name).example
    command = example.format("runs/mine", question=show.quoted({"question": "It is dull."}))
    assert "runs/mine" in command
    assert "{" not in command
    assert recipes.kind_of(name).endswith(("series", "frames")) or "It is dull." in command
