"""Old names of word vectors work for one release, with a warning that names the new ones."""

import importlib
import inspect
import sys

import numpy as np
import pytest

from rnnkit import embeddings
from rnnkit.deprecation import RENAMES

MODULES = [
    "measures.sets",
    "model",
    "training.contexts",
    "training.huffman",
    "training.numbered",
    "training.objectives",
    "training.steps",
    "training.trainer",
    "vectors",
]
for _module in MODULES:
    importlib.import_module(f"rnnkit.embeddings.{_module}")
OLD = [
    rename
    for rename in RENAMES
    if rename.kind == "name" and rename.where.startswith("rnnkit.embeddings.")
]


@pytest.mark.parametrize("rename", OLD, ids=lambda rename: f"{rename.where}.{rename.old}")
def test_an_old_name_is_the_new_one(rename):
    home, _, new = rename.new.rpartition(":")
    with pytest.warns(DeprecationWarning, match=f"{rename.old!r} .* is now called {rename.new!r}"):
        found = getattr(sys.modules[rename.where], rename.old)
    assert found is getattr(importlib.import_module(home or rename.where), new)


def test_every_module_with_old_names_is_here():
    assert {rename.where for rename in OLD} == {f"rnnkit.embeddings.{name}" for name in MODULES}


def test_the_old_method_that_read_a_corpus():
    model = embeddings.SkipGram(min_count=1)
    with pytest.warns(DeprecationWarning, match="'read' .* is now called 'encode_corpus'"):
        corpus = model.read([["a", "b", "a"]])
    np.testing.assert_array_equal(corpus.ids, [0, 1, 0])


@pytest.mark.parametrize("name", ["SkipGram", "CBOW", "train_word_vectors"])
def test_signatures_and_docstrings_show_every_setting(name):
    function = getattr(embeddings, name)
    parameters = inspect.signature(function).parameters
    assert parameters["window"].default == 5
    assert parameters["trainer"].default == ("gensim" if name == "train_word_vectors" else "keras")
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    assert "    min_alpha: final learning rate" in inspect.getdoc(function)


def test_an_unknown_setting_is_refused_with_the_closest():
    with pytest.raises(TypeError, match=r"CBOW\(\) has no setting 'windw'. Did you mean 'window'"):
        embeddings.CBOW(windw=3)
