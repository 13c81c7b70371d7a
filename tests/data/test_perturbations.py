import difflib
import html
import re

import pytest

from rnnkit.data.perturbations import (
    PERTURBATIONS,
    html_tags,
    single_sentences,
    typos,
    upper_case,
)
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend
TEXTS = [
    f"The {word} story of number {i} isn't told well & takes long.<br /><br />See it, or not!"
    for i, word in enumerate(["wonderful", "terrible", "naive", "café"] * 10)
]


def test_typos_are_one_in_a_word_and_as_frequent_as_asked():
    words = [word for text in TEXTS for word in text.split()]
    changed = [word for text in typos(TEXTS, 0.5, seed=1) for word in text.split()]
    assert len(words) == len(changed)
    pairs = [(a, b) for a, b in zip(words, changed, strict=True) if a != b]
    letters = [word for word in words if re.search("[A-Za-z]{4}", word)]
    assert 0.35 < len(pairs) / len(letters) < 0.65
    for before, after in pairs:
        assert after[0] == before[0]
        assert abs(len(after) - len(before)) <= 1
        assert difflib.SequenceMatcher(None, before, after).ratio() >= 0.6
    assert typos(TEXTS, 0.0) == TEXTS
    every = typos(["wonderful" * 1, "terrible"], 1.0)
    assert every[0] != "wonderful"
    assert every[1] != "terrible"


def test_html_is_the_text_again_without_its_tags():
    for text, marked in zip(TEXTS, html_tags(TEXTS), strict=True):
        plain = html.unescape(re.sub("<[^>]*>", " ", marked)).split()
        assert plain == re.sub("<[^>]*>", " ", text).split()
        assert marked.startswith("<p>")
        assert "<br />" in marked
        assert "&amp;" in marked
        assert "&lt;" not in marked


def test_single_sentences_are_of_their_text():
    for text, one in zip(TEXTS, single_sentences(TEXTS), strict=True):
        assert one in (text.split("<br")[0], "See it, or not!")
    assert single_sentences(["So dull.", ""]) == ["So dull.", ""]
    assert len({one[:3] for one in single_sentences(TEXTS)}) == 2  # not always the first


def test_upper_case():
    assert upper_case(["café, isn't it?"]) == ["CAFÉ, ISN'T IT?"]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_text_is_changed_in_the_same_way_whatever_is_around_it(name):
    perturb = PERTURBATIONS[name]
    whole = perturb(TEXTS, seed=4)
    assert [perturb([text], seed=4)[0] for text in TEXTS] == whole
    assert perturb(iter(TEXTS), seed=4) == whole
    assert perturb([], seed=4) == []
    assert name == "upper case" or perturb(TEXTS, seed=5) != whole


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(InputError, match=r"rate is .*: expected a share from 0 to 1"):
        typos(TEXTS, rate)
