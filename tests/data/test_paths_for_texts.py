"""A path in the place of a text: refused by each task, and by nothing that is a text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tasks import SMALL, make

from rnnkit.data.inputs import read_examples
from rnnkit.data.paths import SUFFIXES, is_path, refuse_path
from rnnkit.errors import InputError

pytestmark = pytest.mark.one_backend


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("text,label\n")
    (tmp_path / "my reviews").write_text("")
    (tmp_path / "runs/one").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reviews.csv", True),
        ("my reviews", True),
        ("runs/one", True),
        ("runs/one/", True),
        ("runs", False),  # a word; a folder is meant with a separator
        ("reviews.CSV.gz", None),
        ("data/reviews.csv", None),
        ("./reviews", None),
        ("../reviews", None),
        ("~/reviews", None),
        ("/tmp/no/such/file", None),
        ("see reviews.txt", False),
        ("and/or", False),
        ("9/10", False),
        ("/", False),
        ("...", False),
        ("./", False),
        ("Nothing. Nothing!", False),
        ("", False),
        ("a\nreviews.csv", False),
        ("a\0reviews.csv", False),
        ("x" * 5_000 + ".csv", False),
        ("y" * 400, False),  # too long for a name of most file systems
        ("https://example.org", False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_looks_like_a_path(text, expected, folder):
    assert is_path(text) is expected


@given(st.text(max_size=60))
@settings(max_examples=2_000 if "RNNKIT_DEEP" in os.environ else 200, deadline=None)
def test_any_text_gets_an_answer_and_one_with_several_words_is_no_missing_file(text):
    found = is_path(text)
    assert found in (True, False, None)
    if found is None:
        assert len(text.split()) == 1
        assert text.startswith(("/", ".", "~")) or text.lower().endswith(SUFFIXES)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("method", ["fit", "predict", "evaluate"])
def test_no_task_takes_a_path_for_examples(name, method, folder):
    task = make(name)
    for path in ("reviews.csv", Path("reviews.csv"), "no_such.parquet"):
        given = () if task.self_supervised or method == "predict" else ([0],)
        with pytest.raises(InputError, match=r"csv'|parquet'") as caught:
            getattr(task, method)(path, *given, verbose=0)
        assert "a path, and examples are expected" in str(caught.value)
    assert task.network is None


def test_in_a_list_it_is_a_text(folder):
    from rnnkit.data.frames import InputForm

    form = InputForm()
    assert read_examples(["reviews.csv"], form=form, name="x").x == ["reviews.csv"]
    assert read_examples("a fine film", form=form, name="x").x == "a fine film"
    with pytest.raises(InputError, match=r"To take it as a text: \['reviews.csv'\]"):
        refuse_path("reviews.csv", "x")
    refuse_path(3, "x")
